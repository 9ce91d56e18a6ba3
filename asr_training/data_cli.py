"""The commands about recordings: `asr-train import`, `prepare`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from voice.errors import DataError

Data = Annotated[
    list[Path],
    typer.Option("--data", envvar="EARSHOT_DATA", help="folder with corpora (repeatable)", show_default=False),
]
Jobs = Annotated[int, typer.Option(min=1, help="processes")]


def say(line: str) -> None:
    """Write one line to standard error."""
    typer.echo(line, err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_corpus)
    app.command()(prepare)


def import_corpus(  # noqa: PLR0913, PLR0917 - one option for each fact about a corpus
    folder: Annotated[Path, typer.Argument(help="folder of the corpus, or a file of JSON lines")],
    layout: Annotated[str, typer.Option(help="librispeech, common-voice, ljspeech, text-files, json-lines or table")],
    out: Annotated[Path, typer.Option("--out", help="folder of the manifest to write")],
    licence: Annotated[str, typer.Option(help="licence of the recordings")] = "unknown",
    dev: Annotated[float, typer.Option(help="share of speakers for the dev split")] = 0.0,
    test: Annotated[float, typer.Option(help="share of speakers for the test split")] = 0.0,
    audio_column: Annotated[str, typer.Option(help="of a table")] = "file_name",
    text_column: Annotated[str, typer.Option(help="of a table")] = "transcript",
    speaker_column: Annotated[str | None, typer.Option(help="of a table; what follows its last _ is left out")] = None,
    skip: Annotated[Path | None, typer.Option(help="REPOSITORY<TAB>CLIP<TAB>REASON lines to leave out")] = None,
    repository: Annotated[str, typer.Option(help="whose lines of --skip count")] = "",
    without: Annotated[list[str] | None, typer.Option(help="speaker to leave out (repeatable)")] = None,
    jobs: Jobs = 1,
) -> None:
    """Make a manifest of a corpus in a standard layout; what can't be used is listed in OUT/left_out.jsonl.

    Splits go by speaker, and by sentence where speakers are unknown or fewer than three; dev and test splits that a
    corpus brings stay.
    """
    from asr_training import layouts  # noqa: PLC0415 - audio libraries only where needed
    from asr_training.manifest import write_manifest  # noqa: PLC0415
    from asr_training.splits import divide  # noqa: PLC0415

    columns = layouts.Columns(audio_column, text_column, speaker_column)
    left_out = layouts.read_skip_list(skip, repository) if skip else frozenset()
    reading = layouts.read_layout(layout, folder, columns)
    root = folder if folder.is_dir() else folder.parent
    lines, broken = layouts.utterances(
        reading.found, root, corpus=out.name, licence=licence, skip=left_out | frozenset(without or ()), jobs=jobs
    )
    division = divide(lines, dev=dev, test=test)
    write_manifest(out, division.utterances, root)
    reasons = {
        "transcript without audio": reading.without_audio,
        "audio without transcript": [str(path) for path in reading.without_text],
        "unreadable audio": [str(path) for path in broken],
    }
    _list(out / "left_out.jsonl", reasons)
    hours = sum(line.duration for line in lines) / 3600
    say(f"{out}: {len(lines)} of {len(reading.found)} recordings, {hours:.2f} h, {division.line()}")
    for reason, names in reasons.items():
        if names:
            say(f"{out}: {len(names)} x {reason}, the first {names[0]}")


def prepare(
    data: Data,
    cache: Annotated[Path, typer.Option("--cache", help="folder of prepared features")],
    recipe: Annotated[Path, typer.Option("--recipe", help="YAML recipe: features and filters")],
    alignments: Annotated[
        Path | None, typer.Option(help="folder that `asr-train align` wrote: its scores count")
    ] = None,
    jobs: Jobs = 1,
) -> None:
    """Compute and cache the features of the corpora; what is left out is listed in CACHE/CORPUS.report.jsonl."""
    from asr_training.prepare import prepare as prepare_all  # noqa: PLC0415
    from asr_training.settings import read_recipe  # noqa: PLC0415

    settings = read_recipe(recipe)
    prepare_all(data, cache, settings.features, say, limits=settings.filters, alignments=alignments, jobs=jobs)


def _list(path: Path, reasons: dict[str, list[str]]) -> None:
    lines = [json.dumps({"name": name, "reason": reason}) for reason, names in reasons.items() for name in names]
    try:
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space") from error
