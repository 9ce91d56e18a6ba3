"""`asr-train`: from corpora to a bundle that the assistant runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asr_training import data_cli
from voice.errors import ConfigError, EarshotError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
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
def lm(  # noqa: PLR0913, PLR0917 - limits of the model, one option each
    out: Annotated[Path, typer.Option("--out", help="file to write, NAME.bin")],
    text: Annotated[list[Path] | None, typer.Option("--text", help="a sentence a line (repeatable)")] = None,
    data: Annotated[list[Path] | None, typer.Option("--data", help="corpora whose train transcripts count")] = None,
    without: Annotated[list[str] | None, typer.Option(help="corpus to leave out (repeatable)")] = None,
    words: Annotated[int, typer.Option(min=1)] = 50_000,
    bigrams: Annotated[int, typer.Option(min=1)] = 400_000,
    trigrams: Annotated[int, typer.Option(min=1)] = 400_000,
    arpa: Annotated[Path | None, typer.Option(help="write ARPA text too")] = None,
    from_arpa: Annotated[Path | None, typer.Option(help="convert this ARPA file instead")] = None,
) -> None:
    """Make a word trigram model: modified Kneser-Ney, pruned."""
    from asr_training import language  # noqa: PLC0415
    from asr_training.arpa import read_arpa, write_arpa  # noqa: PLC0415
    from asr_training.lm import Sizes, estimate  # noqa: PLC0415
    from asr_training.texts import Texts, read_texts  # noqa: PLC0415

    if from_arpa:
        texts, arrays = Texts(), read_arpa(from_arpa)
    else:
        texts = read_texts(text or [], data or [], without=tuple(without or ()))
        say(f"{len(texts.sentences)} sentences")
        arrays = estimate(texts.sentences, Sizes(words=words, bigrams=bigrams, trigrams=trigrams))
    if arpa:
        write_arpa(arpa, arrays)
    language.write(out, arrays, texts.sources)
    counts = ", ".join(f"{len(arrays[f'{name}_score'])} {name}grams" for name in ("uni", "bi", "tri"))
    say(f"wrote {out}: {counts}, {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def export(
    run: Run,
    cache: Cached,
    out: Annotated[Path, typer.Option("--out", help="folder of the bundle")],
    lm: Annotated[Path | None, typer.Option("--lm", help="language model that `asr-train lm` wrote")] = None,
) -> None:
    """Write a run's averaged weights as a bundle, after checking that LiteRT computes the same."""
    from asr_training import language  # noqa: PLC0415
    from asr_training.export import export_run, write  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415
    from asr_training.train import read_run_recipe  # noqa: PLC0415

    recipe = read_run_recipe(run)
    prepared = Cache(cache, recipe.features)
    exported = export_run(run, recipe, prepared)
    say(f"float differs by {exported.largest_difference:.2g}, int8 agrees on {exported.agreement:.2%} of frames")
    bundle = write(out, exported, recipe, prepared, [], language.read(lm) if lm else None)
    say(f"wrote {out}, {bundle.manifest.model.bytes / 1e6:.2f} MB")


@app.command()
def tune(
    data: Data,
    bundle: Annotated[Path, typer.Option("--bundle", help="folder of the bundle")],
    split: str = "dev",
    other: Annotated[float, typer.Option(min=0, max=1, help="share of other speech to take for a sentence")] = 0.005,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many utterances")] = None,
) -> None:
    """Measure on a dev split how a bundle decides, and write it into the bundle.

    The weights of its language model by the word error rate, and the grammar's rejection by what other speech loses.
    """
    from asr_training.export import rewrite  # noqa: PLC0415
    from asr_training.heard import heard_by  # noqa: PLC0415
    from asr_training.reject import calibrate  # noqa: PLC0415
    from asr_training.tune import tune as search  # noqa: PLC0415
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    loaded = load_bundle(bundle, "asr")
    recognizer = CtcRecognizer(loaded)
    heard = heard_by(recognizer, data, split, limit)
    rejection = calibrate(heard, recognizer, other)
    say(
        f"loss up to {rejection.accept_per_character} nats a character: {rejection.accepted_other:.1%} of "
        f"{rejection.n_other} matches of other speech pass, and {rejection.accepted_right:.1%} of {rejection.n_right} "
        f"sentences of a grammar ({rejection.found:.1%} are found)"
    )
    best = None
    if loaded.language_path:
        best, rate = search(heard, recognizer.lexicon, say)
        interval = f"[{rate.low:.1f}, {rate.high:.1f}]"
        say(f"weight {best.weight}, word bonus {best.word_bonus}: WER {rate.value:.1f} % {interval}")
    rewrite(loaded, accept_per_character=rejection.accept_per_character, language=best)


@app.command()
def evaluate(
    data: Data,
    bundle: Annotated[str, typer.Option("--bundle", help="bundle folder or name")] = "asr-en",
    split: Annotated[list[str] | None, typer.Option(help="split to measure (repeatable)", show_default="dev")] = None,
    decoder: Annotated[list[str] | None, typer.Option(help="greedy, beam or lexicon (repeatable)")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many utterances of each corpus folder")] = None,
    write: Annotated[bool, typer.Option(help="write the figures into the bundle and its card")] = False,
) -> None:
    """Measure a bundle's error rates and speed."""
    from asr_training.evaluate import measure  # noqa: PLC0415
    from asr_training.export import rewrite  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    loaded = load_bundle(bundle, "asr")
    found = [
        result
        for root in data
        for name in split or ["dev"]
        for result in measure(loaded, root, name, decoder, limit, say)
    ]
    if write:
        rewrite(loaded, results=found)


def main() -> None:
    """Run the command line: exit 2 where the call or a recipe is wrong, 1 where it could not run."""
    try:
        app()
    except EarshotError as error:
        say(f"asr-train: {error}")
        sys.exit(2 if isinstance(error, ConfigError) else 1)


if __name__ == "__main__":
    main()
