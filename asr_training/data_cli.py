"""The commands about recordings: `asr-train import`, `prepare`, `align`, `split`, `label`, `plot`; and `curve`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from voice.errors import ConfigError, DataError

Data = Annotated[
    list[Path],
    typer.Option("--data", envvar="EARSHOT_DATA", help="folder with corpora (repeatable)", show_default=False),
]
Bundle = Annotated[str, typer.Option("--bundle", help="asr bundle, folder or name")]
Layout = Annotated[
    str, typer.Option(help="of a folder, as for import; auto: manifests, or a .txt beside each recording")
]
Lexicon = Annotated[Path | None, typer.Option(help="pronunciations, for a bundle of phones")]
Jobs = Annotated[int, typer.Option(min=1, help="processes")]


def say(line: str) -> None:
    """Write one line to standard error."""
    typer.echo(line, err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_corpus)
    for command in (prepare, align, split, label, plot, curve):
        app.command()(command)


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
    letters = settings.alphabet if settings.units == "characters" else ""
    prepare_all(
        data, cache, settings.features, say, limits=settings.filters, alphabet=letters, alignments=alignments, jobs=jobs
    )


def align(  # noqa: PLR0913, PLR0917 - one option for each fact about the recordings and the files
    source: Annotated[Path, typer.Argument(help="recording; folder of a corpus or of corpora; file of JSON lines")],
    out: Annotated[Path, typer.Option("--out", help="folder to write to")],
    bundle: Bundle = "asr-en",
    text: Annotated[str | None, typer.Option(help="transcript of a single recording; else FILE.txt beside it")] = None,
    layout: Layout = "auto",
    textgrid: Annotated[bool, typer.Option(help="write a TextGrid for each recording")] = True,
    json_files: Annotated[bool, typer.Option("--json/--no-json", help="write a JSON file for each recording")] = True,
    lexicon: Lexicon = None,
    jobs: Jobs = 1,
) -> None:
    """Find when each word and character (or phone) of transcribed recordings is said, and how well they fit."""
    from asr_training.align import AlignSettings, align_all, summary  # noqa: PLC0415
    from asr_training.transcribed import recordings  # noqa: PLC0415

    formats = tuple(name for name, wanted in (("textgrid", textgrid), ("json", json_files)) if wanted)
    settings = AlignSettings(bundle, formats, lexicon)
    summary(align_all(recordings(source, text=text, layout=layout), out, settings, jobs), say)


def split(  # noqa: PLR0913, PLR0917 - one option for each fact about the pieces
    source: Annotated[Path, typer.Argument(help="long recording, or folder of them; FILE.txt beside it is its text")],
    out: Annotated[Path, typer.Option("--out", help="folder of the corpus to write")],
    layout: Layout = "auto",
    transcripts: Annotated[bool, typer.Option(help="use transcripts; without, pieces have no text")] = True,
    bundle: Bundle = "asr-en",
    longest: Annotated[float, typer.Option(min=1, help="longest piece, s")] = 15.0,
    shortest: Annotated[float, typer.Option(min=0.1, help="shortest piece, s")] = 2.0,
    by: Annotated[str, typer.Option(help="what finds silence: vad, or level")] = "vad",
    licence: Annotated[str, typer.Option(help="licence of the recordings")] = "unknown",
    lexicon: Lexicon = None,
    jobs: Jobs = 1,
) -> None:
    """Cut long recordings on silence; where there is a transcript, each piece gets its words by alignment."""
    from asr_training.align import AlignSettings  # noqa: PLC0415
    from asr_training.split import SplitSettings, split_all  # noqa: PLC0415
    from asr_training.transcribed import recordings  # noqa: PLC0415

    if by not in ("vad", "level"):
        raise ConfigError(f"--by {by}", fix="vad or level")
    settings = SplitSettings(out.name, licence, shortest, longest, by, AlignSettings(bundle, (), lexicon))
    found = recordings(source, layout=layout, transcripts=transcripts)
    rows = split_all(found, out, settings, jobs)
    hours = sum(row["duration"] for row in rows) / 3600
    say(f"{out}: {len(rows)} pieces of {len(found)} recordings, {hours:.2f} h")


def label(  # noqa: PLR0913, PLR0917 - one option for each fact about the recordings and what is kept
    source: Annotated[Path, typer.Argument(help="folder of recordings")],
    out: Annotated[Path, typer.Option("--out", help="folder of the corpus to write")],
    bundle: Bundle = "asr-en",
    least: Annotated[float, typer.Option(min=0, max=1, help="least mean confidence of an utterance's words")] = 0.8,
    licence: Annotated[str, typer.Option(help="licence of the recordings")] = "unknown",
    without: Annotated[
        list[Path] | None, typer.Option(help="corpus whose recordings have a transcript already (repeatable)")
    ] = None,
    skip: Annotated[Path | None, typer.Option(help="REPOSITORY<TAB>CLIP<TAB>REASON lines to leave out")] = None,
    repository: Annotated[str, typer.Option(help="whose lines of --skip count")] = "",
    jobs: Jobs = 1,
) -> None:
    """Transcribe recordings that have no transcript and keep those that the bundle is sure of: for self-training."""
    from asr_training import layouts, manifest  # noqa: PLC0415 - audio libraries only where needed
    from asr_training.label import LabelSettings, label_all  # noqa: PLC0415

    left_out = layouts.read_skip_list(skip, repository) if skip else frozenset()
    known = {
        (folder / line.audio).resolve()
        for root in without or ()
        for folder in manifest.corpora(root)
        for line in manifest.read_manifest(folder)
    }
    found = [
        path
        for path in layouts.audio_files(source)
        if path.resolve() not in known and not left_out & {path.stem, path.name, str(path.relative_to(source))}
    ]
    if not found:
        raise DataError(f"{source}: no recording without a transcript", fix="check the path")
    settings = LabelSettings(out.name, licence, bundle, least)
    kept, reasons = label_all(found, out, settings, jobs)
    hours = sum(row["seconds"] for row in kept) / 3600
    say(f"{out}: {len(kept)} of {len(found)} recordings, {hours:.2f} h")
    for reason, count in reasons.most_common():
        say(f"{out}: {count} {reason}")


def plot(
    recording: Annotated[Path, typer.Argument(help="WAV, FLAC, OGG or MP3")],
    out: Annotated[Path, typer.Option("--out", help="folder for the PNG files")],
    bundle: Bundle = "asr-en",
    text: Annotated[str | None, typer.Option(help="what is said; else what the bundle reads")] = None,
    start: Annotated[float, typer.Option(min=0, help="of a part of the recording, s")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="of a part of the recording, s")] = None,
    lexicon: Lexicon = None,
) -> None:
    """Draw a recording: waveform, spectrogram in two and three dimensions, MFCC, CTC posteriors with the alignment."""
    from asr_training.align import Aligner, AlignSettings  # noqa: PLC0415
    from asr_training.plots import draw, hear  # noqa: PLC0415 - matplotlib is slow to import

    heard = hear(recording, Aligner(AlignSettings(bundle, (), lexicon)), text=text, start=start, end=end)
    for path in draw(heard, out):
        say(f"wrote {path}")


def curve(
    run: Annotated[list[Path], typer.Option("--run", help="folder of a training; of several in their order")],
    out: Annotated[Path, typer.Option("--out", help="PNG file")],
) -> None:
    """Draw how a training's loss and dev error rates fell over its hours; several runs went on from each other."""
    from asr_training.curves import write_curve  # noqa: PLC0415 - matplotlib is slow to import

    say(f"wrote {out}: {write_curve(run, out)}")


def _list(path: Path, reasons: dict[str, list[str]]) -> None:
    lines = [json.dumps({"name": name, "reason": reason}) for reason, names in reasons.items() for name in names]
    try:
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space") from error
