"""`asr-train` commands that make, measure and describe bundles: lexicon, lm, export, tune, evaluate, benchmark."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from voice.errors import DataError

Data = Annotated[
    list[Path],
    typer.Option("--data", envvar="EARSHOT_DATA", help="folder with corpora (repeatable)", show_default=False),
]
Splits = Annotated[list[str] | None, typer.Option("--split", help="split to measure (repeatable)", show_default="dev")]
Limit = Annotated[int | None, typer.Option(min=1, help="at most so many utterances of each corpus folder")]
Kept = Annotated[
    Path | None, typer.Option(help="where PocketSphinx's answers are kept", show_default="~/.cache/earshot")
]


class Head(StrEnum):
    """A head of a network."""

    labels = "labels"
    phones = "phones"


def register(app: typer.Typer) -> None:
    """Add this room's commands to `app`."""
    for command in (lexicon, lm, export, tune, evaluate, benchmark):
        app.command()(command)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def lexicon(
    out: Annotated[Path, typer.Option("--out", help="file to write, NAME.bin")],
    dictionary: Annotated[
        Path | None,
        typer.Option("--lexicon", help="in CMUdict's format; the one of the pocketsphinx wheel where not given"),
    ] = None,
    order: Annotated[int, typer.Option(min=2, help="graphones in the longest n-gram")] = 8,
    each: Annotated[int, typer.Option(min=1000, help="n-grams of an order that are kept, from the third on")] = 50_000,
    seed: Annotated[int, typer.Option(help="chooses the words that are held out to measure")] = 1,
) -> None:
    """Make the pronunciations of a dictionary, and a model that says every other word."""
    from asr_training.g2p import GraphoneSizes  # noqa: PLC0415
    from asr_training.g2p_lexicon import make  # noqa: PLC0415

    make(out, dictionary, sizes=GraphoneSizes(order, each), seed=seed, say=_say)


def lm(  # noqa: PLR0913, PLR0917 - limits of the model, one option each
    out: Annotated[Path, typer.Option("--out", help="file to write, NAME.bin")],
    text: Annotated[list[Path] | None, typer.Option("--text", help="a sentence a line (repeatable)")] = None,
    data: Annotated[list[Path] | None, typer.Option("--data", help="corpora whose train transcripts count")] = None,
    without: Annotated[list[str] | None, typer.Option(help="corpus to leave out (repeatable)")] = None,
    words: Annotated[int, typer.Option(min=1)] = 50_000,
    bigrams: Annotated[int, typer.Option(min=1)] = 400_000,
    trigrams: Annotated[int, typer.Option(min=1)] = 400_000,
    quadgrams: Annotated[int, typer.Option(min=1)] = 400_000,
    order: Annotated[int, typer.Option(min=2, max=4, help="words in the longest n-gram")] = 3,
    min_count: Annotated[int, typer.Option(min=1, help="a word seen less often is unknown")] = 3,
    recipe: Annotated[
        Path | None, typer.Option(help="whose labels the words are spelled in; English characters without")
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option(help="for phones: what `asr-train lexicon` wrote, or a dictionary in CMUdict's format"),
    ] = None,
    head: Annotated[Head, typer.Option(help="of the recipe's network, whose labels are meant")] = Head.labels,
    arpa: Annotated[Path | None, typer.Option(help="write ARPA text too")] = None,
    from_arpa: Annotated[Path | None, typer.Option(help="convert this ARPA file instead")] = None,
) -> None:
    """Make a word n-gram model of order 2 to 4: modified Kneser-Ney, pruned."""
    from asr_training import language  # noqa: PLC0415
    from asr_training.arpa import read_arpa, write_arpa  # noqa: PLC0415
    from asr_training.lm import Sizes, estimate  # noqa: PLC0415
    from asr_training.phones import PHONE_LABELS, installed_lexicon  # noqa: PLC0415
    from asr_training.settings import read_recipe  # noqa: PLC0415
    from asr_training.texts import Texts, read_texts  # noqa: PLC0415
    from asr_training.units import LEXICON_FIX  # noqa: PLC0415
    from voice.decoding.ngram import ORDERS  # noqa: PLC0415
    from voice.text import ENGLISH_CHARACTERS  # noqa: PLC0415

    settings = read_recipe(recipe) if recipe else None
    labels, letters = settings.labels if settings else ENGLISH_CHARACTERS, ENGLISH_CHARACTERS
    dictionary = None
    if head is Head.phones or (settings and settings.units == "phones"):
        labels = PHONE_LABELS
        dictionary = lexicon or installed_lexicon()
        if dictionary is None:
            raise DataError("the labels are phones, and there is no dictionary", fix=LEXICON_FIX)
    else:
        letters = labels
    if from_arpa:
        texts, arrays = Texts(), read_arpa(from_arpa)
    else:
        texts = read_texts(text or [], data or [], without=tuple(without or ()), alphabet=letters)
        _say(f"{len(texts.sentences)} sentences")
        sizes = Sizes(words, min_count, bigrams, trigrams, quadgrams)
        arrays = estimate(texts.sentences, sizes, order)
    if arpa:
        write_arpa(arpa, arrays)
    n_words = language.write(out, arrays, texts.sources, labels, dictionary)
    counts = ", ".join(f"{len(arrays[f'{n}_score'])} {n}grams" for n in ORDERS if f"{n}_score" in arrays)
    _say(f"wrote {out}: {counts}, {n_words} words can be recognised, {out.stat().st_size / 1e6:.1f} MB")


def export(
    run: Annotated[Path, typer.Option("--run", help="folder of a training run")],
    cache: Annotated[Path, typer.Option("--cache", help="folder of prepared features")],
    out: Annotated[Path, typer.Option("--out", help="folder of the bundle")],
    lm: Annotated[Path | None, typer.Option("--lm", help="language model that `asr-train lm` wrote")] = None,
    float_out: Annotated[
        Path | None, typer.Option(help="folder of a second bundle, with float weights, to measure beside it")
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="pronunciations that `asr-train lexicon` wrote, for labels that are phones")
    ] = None,
    head: Annotated[Head, typer.Option(help="that the bundle's labels are read off")] = Head.labels,
    mean_with: Annotated[
        list[Path] | None, typer.Option(help="run that this one went on from: both's mean is written (repeatable)")
    ] = None,
) -> None:
    """Write a run's averaged weights as a bundle with int8 weights.

    Nothing is written unless LiteRT computes what Keras does, int8 prefers the same labels, and every operator is
    builtin.
    """
    from asr_training import g2p_lexicon, language  # noqa: PLC0415
    from asr_training.export import export_run, write  # noqa: PLC0415
    from asr_training.prepare import Cache  # noqa: PLC0415
    from asr_training.train import read_run_recipe  # noqa: PLC0415

    recipe = read_run_recipe(run)
    if lexicon is None and (head is Head.phones or recipe.units == "phones"):
        raise DataError("the labels are phones, and there is no lexicon", fix="give --lexicon, see `asr-train lexicon`")
    words = language.read(lm) if lm else None
    spoken = g2p_lexicon.read(lexicon, language.words_of(lm) if lm else ()) if lexicon else None
    prepared = Cache(cache, recipe.features)
    exported = export_run(run, recipe, prepared, head.value, mean_with=mean_with or ())
    _say(f"float differs by {exported.largest_difference:.2g}, int8 agrees on {exported.agreement:.2%} of frames")
    bundle = write(out, exported, recipe, prepared, [], words, lexicon=spoken)
    _say(f"wrote {out}, {bundle.manifest.model.bytes / 1e6:.2f} MB")
    if float_out:
        bundle = write(float_out, exported, recipe, prepared, [], words, precision="float32", lexicon=spoken)
        _say(f"wrote {float_out}, {bundle.manifest.model.bytes / 1e6:.2f} MB")


def tune(
    data: Data,
    bundle: Annotated[Path, typer.Option("--bundle", help="folder of the bundle")],
    split: str = "dev",
    other: Annotated[float, typer.Option(min=0, max=1, help="share of other speech to take for a sentence")] = 0.005,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many utterances of each data folder")] = None,
    search_limit: Annotated[
        int, typer.Option(min=1, help="of these, so many for the weights of the language model, tried over and over")
    ] = 120,
) -> None:
    """Measure on a dev split how a bundle decides, and write it into the bundle.

    The weights of its language model by the word error rate, the grammar's rejection by what other speech loses, and
    the confidence of words by how many of them are right.
    """
    from asr_training.bundles import rewrite  # noqa: PLC0415
    from asr_training.confidence import calibrate_words  # noqa: PLC0415
    from asr_training.heard import heard_by  # noqa: PLC0415
    from asr_training.reject import calibrate  # noqa: PLC0415
    from asr_training.tune import tune as search  # noqa: PLC0415
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    loaded = load_bundle(bundle, "asr")
    recognizer = CtcRecognizer(loaded)
    heard = heard_by(recognizer, data, split, limit)
    rejection = calibrate(heard, recognizer, other)
    _say(
        f"loss up to {rejection.accept_per_character} nats a label: {rejection.accepted_other:.1%} of "
        f"{rejection.n_other} matches of other speech pass, and {rejection.accepted_right:.1%} of {rejection.n_right} "
        f"sentences of a grammar ({rejection.found:.1%} are found)"
    )
    best = None
    if loaded.language_path:
        chosen = [heard[i] for i in np.random.default_rng(1).permutation(len(heard))[:search_limit]]
        best, rate = search(chosen, recognizer.lexicon, _say)
        interval = f"[{rate.low:.1f}, {rate.high:.1f}]"
        _say(f"weight {best.weight}, word bonus {best.word_bonus}: WER {rate.value:.1f} % {interval}")
    fitted = calibrate_words(heard, recognizer, best)
    _say(
        f"confidence of {fitted.n_words} words, speakers left out in turn: calibration error "
        f"{100 * fitted.error_before:.1f} -> {100 * fitted.error:.1f} points, area under ROC {fitted.auc or 0:.3f}"
    )
    limit_per_character = rejection.accept_per_character
    rewrite(loaded, accept_per_character=limit_per_character, language=best, confidence=fitted.confidence)


def evaluate(  # noqa: PLR0913, PLR0917 - what to measure and where to put it, one option each
    data: Data,
    bundle: Annotated[str, typer.Option("--bundle", help="bundle folder or name")] = "asr-en",
    split: Splits = None,
    decoder: Annotated[
        list[str] | None, typer.Option(help="greedy, beam, words or lexicon (repeatable); the last one is judged")
    ] = None,
    limit: Limit = None,
    peer: Annotated[bool, typer.Option(help="PocketSphinx 5 on the same audio, where it is installed")] = True,
    kept: Kept = None,
    out: Annotated[Path | None, typer.Option(help="folder for report.html and report.json")] = None,
    write: Annotated[bool, typer.Option(help="write the figures into the bundle and its card")] = False,
) -> None:
    """Measure a bundle's error rates and speed, PocketSphinx 5 beside it, and write a report.

    Whole utterances, none left out; 95 % intervals by bootstrap over speakers.
    """
    from asr_training.bundles import rewrite  # noqa: PLC0415
    from asr_training.evaluate import measure, results  # noqa: PLC0415
    from asr_training.peers import PocketSphinx, installed_pocketsphinx, kept_answers  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    loaded = load_bundle(bundle, "asr")
    other = PocketSphinx(kept or kept_answers()) if peer and installed_pocketsphinx() else None
    if peer and other is None:
        _say("PocketSphinx is not installed: no peer beside (pip install pocketsphinx)")
    measured = measure(loaded, data, split or ["dev"], decoders=decoder, limit=limit, peer=other, say=_say)
    if write:
        loaded = rewrite(loaded, results=[result for found in measured for result in results(found)])
    if out:
        from asr_training.figures import figures_of  # noqa: PLC0415
        from asr_training.report_page import write_report  # noqa: PLC0415

        arguments = [f"--bundle {bundle}", *(f"--split {name}" for name in split or ["dev"])]
        arguments += [*(f"--decoder {name}" for name in decoder or []), *([f"--limit {limit}"] if limit else [])]
        page = write_report(out, figures_of(loaded, measured, f"asr-train evaluate {' '.join(arguments)}"))
        _say(f"wrote {page}")


def benchmark(
    data: Data,
    bundle: Annotated[
        list[str] | None, typer.Option("--bundle", help="bundle (repeatable)", show_default="asr-en")
    ] = None,
    split: Splits = None,
    limit: Limit = None,
    peer: Annotated[bool, typer.Option(help="PocketSphinx 5 beside, where it is installed")] = True,
    kept: Kept = None,
    out: Annotated[Path | None, typer.Option(help="folder for benchmark.md, .csv and .json")] = None,
) -> None:
    """Print the table of bundles: parameters, size, memory, word error rate, speed."""
    from asr_training.benchmark import benchmark as compare  # noqa: PLC0415
    from asr_training.benchmark import markdown, write_tables  # noqa: PLC0415
    from asr_training.peers import PocketSphinx, installed_pocketsphinx, kept_answers  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    bundles = [load_bundle(name, "asr") for name in bundle or ["asr-en"]]
    other = PocketSphinx(kept or kept_answers()) if peer and installed_pocketsphinx() else None
    rows = compare(bundles, data, split or ["dev"], limit=limit, peer=other, say=_say)
    sys.stdout.write(markdown(rows) + "\n")
    if out:
        _say(f"wrote {write_tables(out, rows)}")
