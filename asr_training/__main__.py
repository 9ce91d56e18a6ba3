"""`asr-train`: from corpora to a bundle that the assistant runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asr_training import bundle_cli, data_cli
from voice.errors import ConfigError, EarshotError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
bundle_cli.register(app)
data_cli.register(app)

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


@app.command()
def train(  # noqa: PLR0913, PLR0917 - one option for each fact about a training
    recipe: Recipes,
    cache: Cached,
    run: Run,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="end by the clock instead of by steps")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    lexicon: Annotated[
        Path | None, typer.Option(help="CMUdict-style dictionary; the one of the pocketsphinx wheel where not given")
    ] = None,
    init: Annotated[Path | None, typer.Option(help="bundle or run to begin with: fine-tuning")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that train together")] = 1,
    rank: Annotated[int, typer.Option(min=0, help="of this process, where all are started by hand")] = 0,
    address: Annotated[str, typer.Option(help="HOST:PORT of process 0; without it the others are started here")] = "",
) -> None:
    """Train, or go on with a run."""
    from asr_training.settings import read_recipe  # noqa: PLC0415

    settings = read_recipe(recipe)
    from asr_training.phones import Lexicon, installed_lexicon  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415
    from asr_training.schedule import Budget  # noqa: PLC0415

    path = (lexicon or installed_lexicon()) if settings.needs_lexicon else None
    budget, words = Budget(settings.schedule.steps, minutes), Lexicon(path) if path else None
    prepared = Cache(cache, settings.features)
    from asr_training.train import train as learn  # noqa: PLC0415 - slow to import
    from kws_training.launch import together  # noqa: PLC0415

    with together(workers, rank, address, module="asr_training"):
        learn(prepared, settings, run, budget, say, threads, words, init=init)


@app.command()
def ablate(
    cache: Cached,
    out: Annotated[Path, typer.Option("--out", help="folder of the runs and of ablation.md")],
    recipe: Recipes = Path("config/asr/ablation.yaml"),
    lm: Annotated[Path | None, typer.Option(help="of `asr-train lm`, for rows of characters")] = None,
    lm_phones: Annotated[Path | None, typer.Option(help="the same for rows of phones")] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="CMUdict-style dictionary; the one of the pocketsphinx wheel where not given")
    ] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Train a recipe as it is, and again with one change a row; print the table of their error rates."""
    from asr_training.ablation import LanguageModels, read_ablation  # noqa: PLC0415 - slow to import
    from asr_training.ablation import ablate as compare  # noqa: PLC0415
    from asr_training.phones import Lexicon, installed_lexicon  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415

    settings = read_ablation(recipe)
    needed = any(each.needs_lexicon for each in settings.recipes().values())
    path = (lexicon or installed_lexicon()) if needed else None
    page = compare(
        settings,
        Cache(cache, settings.base.features),
        out,
        say,
        models=LanguageModels(lm, lm_phones),
        lexicon=Lexicon(path) if path else None,
        threads=threads,
    )
    sys.stdout.write(page)


@app.command()
def smoke(
    work: Annotated[Path, typer.Option("--work", help="folder for everything that is made")],
    recipe: Annotated[Path, typer.Option("--recipe", help="YAML recipe")] = Path("config/asr/smoke.yaml"),
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Try everything: speak sentences, train on them, export and evaluate, in a few minutes."""
    from asr_training.settings import read_recipe  # noqa: PLC0415

    settings = read_recipe(recipe)
    from asr_training.smoke import smoke as run_all  # noqa: PLC0415

    run_all(work, settings, say, threads=threads)


def main() -> None:
    """Run the command line: exit 2 where the call or a recipe is wrong, 1 where it could not run."""
    try:
        app()
    except EarshotError as error:
        say(f"asr-train: {error}")
        sys.exit(2 if isinstance(error, ConfigError) else 1)


if __name__ == "__main__":
    main()
