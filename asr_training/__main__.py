"""`asr-train`: from corpora to a bundle that the assistant runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.errors import ConfigError, EarshotError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Data = Annotated[
    list[Path],
    typer.Option("--data", envvar="EARSHOT_DATA", help="folder with corpora (repeatable)", show_default=False),
]
Recipes = Annotated[Path, typer.Option("--recipe", help="YAML recipe")]
Cached = Annotated[Path, typer.Option("--cache", help="folder of prepared features")]
Run = Annotated[Path, typer.Option("--run", help="folder of a training run")]


def say(line: str) -> None:
    """Write one line to standard error, where progress and errors go."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@app.command()
def synthesise(
    texts: Annotated[Path, typer.Option("--texts", help="source<TAB>sentence lines")],
    out: Annotated[Path, typer.Option("--out", help="folder of the corpus to write")],
    clips: Annotated[int, typer.Option("--clips", min=1, help="sentences to speak")] = 8000,
    seed: int = 1,
) -> None:
    """Speak assistant sentences with espeak-ng, flite and festival."""
    from asr_training.synthesise import synthesise as speak_all  # noqa: PLC0415 - audio libraries only where needed

    say(f"wrote {speak_all(texts, out, clips=clips, seed=seed)}")


@app.command()
def words(
    data: Annotated[Path, typer.Option("--data", help="folder of Speech Commands")],
    out: Annotated[Path, typer.Option("--out", help="folder of the manifest to write")],
    a_word: Annotated[int, typer.Option("--a-word", min=1, help="clips of each word")] = 110,
    seed: int = 1,
) -> None:
    """Make a corpus of single words out of Speech Commands' training clips."""
    from asr_training.manifest import write_manifest  # noqa: PLC0415
    from asr_training.words import speech_commands  # noqa: PLC0415

    chosen = speech_commands(data, a_word=a_word, seed=seed)
    write_manifest(out, chosen, data)
    say(f"{out}: {len(chosen)} clips")


@app.command("import")
def import_corpus(  # noqa: PLR0913, PLR0917 - one option for each fact about a corpus
    folder: Annotated[Path, typer.Argument(help="folder of the corpus")],
    layout: Annotated[str, typer.Option(help="librispeech, common-voice, ljspeech, text-files or table")],
    out: Annotated[Path, typer.Option("--out", help="folder of the manifest to write")],
    licence: Annotated[str, typer.Option(help="licence of the recordings")] = "unknown",
    audio_column: Annotated[str, typer.Option(help="of a table")] = "file_name",
    text_column: Annotated[str, typer.Option(help="of a table")] = "transcript",
    speaker_column: Annotated[str | None, typer.Option(help="of a table; what follows its last _ is left out")] = None,
    skip: Annotated[Path | None, typer.Option(help="REPOSITORY<TAB>CLIP<TAB>REASON lines to leave out")] = None,
    repository: Annotated[str, typer.Option(help="whose lines of --skip count")] = "",
    without: Annotated[list[str] | None, typer.Option(help="speaker to leave out (repeatable)")] = None,
) -> None:
    """Make a manifest of a corpus in a standard layout."""
    from asr_training import layouts  # noqa: PLC0415
    from asr_training.manifest import write_manifest  # noqa: PLC0415

    columns = layouts.Columns(audio_column, text_column, speaker_column)
    left_out = layouts.read_skip_list(skip, repository) if skip else frozenset()
    left_out |= frozenset(without or ())
    found = layouts.read_layout(layout, folder, columns)
    chosen = layouts.utterances(found, folder, corpus=out.name, licence=licence, skip=left_out)
    write_manifest(out, chosen, folder)
    say(f"{out}: {len(chosen)} of {len(found)} recordings, {sum(line.duration for line in chosen) / 3600:.2f} h")


@app.command()
def prepare(data: Data, cache: Cached, recipe: Recipes) -> None:
    """Compute and cache the features of the corpora."""
    from asr_training.prepare import prepare as prepare_all  # noqa: PLC0415
    from asr_training.settings import read_recipe  # noqa: PLC0415

    prepare_all(data, cache, read_recipe(recipe).features, say)


@app.command()
def train(
    recipe: Recipes,
    cache: Cached,
    run: Run,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="end by the clock instead of by steps")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    lexicon: Annotated[
        Path | None, typer.Option(help="CMUdict-style dictionary; the one of the pocketsphinx wheel where not given")
    ] = None,
) -> None:
    """Train, or go on with a run."""
    from asr_training.settings import read_recipe  # noqa: PLC0415

    settings = read_recipe(recipe)
    from asr_training.phones import Lexicon, installed_lexicon  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415
    from asr_training.train import Budget  # noqa: PLC0415
    from asr_training.train import train as learn  # noqa: PLC0415

    path = (lexicon or installed_lexicon()) if settings.network.phone_block else None
    budget, words = Budget(settings.schedule.steps, minutes), Lexicon(path) if path else None
    learn(Cache(cache, settings.features), settings, run, budget, say, threads, words)


@app.command()
def export(
    run: Run,
    cache: Cached,
    out: Annotated[Path, typer.Option("--out", help="folder of the bundle")],
    data: Annotated[list[Path] | None, typer.Option("--data", help="corpora to measure the bundle on")] = None,
    split: str = "dev",
) -> None:
    """Write a run's averaged weights as a bundle, after checking that LiteRT computes the same."""
    from asr_training.export import export_run, write  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415
    from asr_training.train import read_run_recipe  # noqa: PLC0415

    recipe = read_run_recipe(run)
    prepared = Cache(cache, recipe.features)
    exported = export_run(run, recipe, prepared)
    say(f"float differs by {exported.largest_difference:.2g}, int8 agrees on {exported.agreement:.2%} of frames")
    bundle = write(out, exported, recipe, prepared, [])
    if data:
        results = [result for root in data for result in _measure(bundle, root, split, None)]
        write(out, exported, recipe, prepared, results)
    say(f"wrote {out}, {bundle.manifest.model.bytes / 1e6:.2f} MB")


@app.command()
def evaluate(
    data: Data,
    bundle: Annotated[str, typer.Option("--bundle", help="bundle folder or name")] = "asr-en",
    split: str = "dev",
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many utterances of each corpus folder")] = None,
) -> None:
    """Measure a bundle's greedy error rates and speed."""
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    for root in data:
        _measure(load_bundle(bundle, "asr"), root, split, limit)


def _measure(bundle: Any, root: Path, split: str, limit: int | None) -> list[dict[str, Any]]:
    from asr_training.evaluate import evaluate as measure  # noqa: PLC0415
    from asr_training.evaluate import report, results, with_split  # noqa: PLC0415

    measured: list[dict[str, Any]] = []
    for folder in with_split(root, split):
        found = measure(bundle, folder, split, limit=limit)
        report(found, f"{folder.name} {split}", say)
        measured += results(found, f"{folder.name}, split {split}")
    return measured


def main() -> None:
    """Run the command line: exit 2 where the call or a recipe is wrong, 1 where it could not run."""
    try:
        app()
    except EarshotError as error:
        say(f"asr-train: {error}")
        sys.exit(2 if isinstance(error, ConfigError) else 1)


if __name__ == "__main__":
    main()
