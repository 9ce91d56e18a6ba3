"""The commands `kws-train backbone` and `kws-train keyword`."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from kws_training.download import cache
from kws_training.piper import model_names, piper_voices
from kws_training.report import say
from kws_training.settings import BackboneRecipe, KeywordRecipe, WordRecipe, read_recipe
from voice.errors import ConfigError, DataError

Processes = Annotated[int, typer.Option(min=1, help="that speak and compute features")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="of TensorFlow")]
More = Annotated[list[Path] | None, typer.Option(help="folder of further speech that `prepare` was given; repeatable")]
Skip = Annotated[list[Path] | None, typer.Option(help="list of clips of further speech left out at `prepare`")]


def backbone(
    *,
    data: Annotated[Path, typer.Option(envvar="EARSHOT_DATA", help="the unpacked data pack, for its texts")],
    work: Annotated[Path, typer.Option(help="folder of the feature stores")],
    run: Annotated[Path, typer.Option(help="folder for checkpoints; an interrupted run goes on")],
    out: Annotated[Path, typer.Option(help="folder of the bundle")],
    recipe: Annotated[Path | None, typer.Option(help="YAML of config/kws")] = None,
    more: More = None,
    skip: Skip = None,
    n_threads: Threads = 2,
) -> None:
    """Train the network that every wake word stands on, and write its bundle (after `prepare`)."""
    _threads(n_threads)
    from kws_training.backbone import phone_error_rate, train_backbone  # noqa: PLC0415
    from kws_training.backbone_data import held_out, phones_of, utterances  # noqa: PLC0415
    from kws_training.backbone_export import export_backbone  # noqa: PLC0415
    from voice.decoding.phones import PHONES  # noqa: PLC0415

    settings = BackboneRecipe() if recipe is None else read_recipe(recipe, BackboneRecipe)
    started = time.monotonic()
    pronounce = phones_of()
    train, dev = (
        utterances(data, work, more or (), settings, pronounce, split, skip or ()) for split in ("train", "dev")
    )
    model = train_backbone(work, run, settings, train, dev, len(PHONES) + 1)
    minutes = (time.monotonic() - started) / 60
    clips, labels = held_out(work, dev, settings)
    wrong, n_phones = phone_error_rate(model, clips, labels), int((labels[:, 1:] > 0).sum())
    export_backbone(model, out, work, settings, recipe, wrong, n_phones, minutes)
    say(f"wrote {out}: {100 * wrong:.1f} % of the phones of dev speech are wrong")


def keyword(  # noqa: PLR0913 - the options of a command
    phrase: Annotated[str, typer.Argument(help="what is said: computer, hey luna")],
    *,
    recordings: Annotated[list[Path] | None, typer.Option(help="folder of takes of the phrase; repeatable")] = None,
    negatives: Annotated[
        list[Path] | None, typer.Option(help="folder of sound without the phrase (a room, television); repeatable")
    ] = None,
    work: Annotated[Path | None, typer.Option(help="folder of the stores that `prepare` wrote")] = None,
    run: Annotated[
        Path | None, typer.Option(help="folder of what is made on the way; an interrupted run goes on")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the bundle; without: in the run's folder")] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML of config/kws")] = None,
    piper: Annotated[Path | None, typer.Option(help="folder of Piper's voices, which then speak, too")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="train a whole network; wants hundreds of recordings")] = False,
    hold_out: Annotated[
        bool, typer.Option("--hold-out", help="leave 45 % of the speakers of the takes out, to judge by")
    ] = False,
    template: Annotated[bool, typer.Option("--template", help="three takes and no training; less accurate")] = False,
    false_accepts: Annotated[
        float | None, typer.Option(min=1e-3, metavar="PER_HOUR", help="that are allowed; without: the recipe's")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="write no RUN/report.html")] = False,
    data: Annotated[
        Path | None, typer.Option(envvar="EARSHOT_DATA", help="the unpacked data pack, for the report's sounds")
    ] = None,
    more: More = None,
    skip: Skip = None,
    backbone: Annotated[str, typer.Option(help="bundle that the word stands on, name or folder")] = "backbone-en",
    install: Annotated[Path | None, typer.Option(help="assistant.yaml in which the loop finds the wake word")] = None,
    processes: Processes = 2,
    n_threads: Threads = 2,
) -> None:
    """Make a wake word from its text, from takes of it, or both, and write its bundle."""
    slug = _slug(phrase)
    work = work or cache() / "speech"
    run = run or cache() / "words" / (f"{slug}-template" if template else slug)
    out = out or run / "bundle"
    neural = _neural(piper)
    _threads(n_threads)
    if whole:
        _whole(slug, recordings or [], work, run, out, recipe, neural, processes)
    else:
        from kws_training.word import Request, make_word  # noqa: PLC0415

        settings = WordRecipe() if recipe is None else read_recipe(recipe, WordRecipe)
        if false_accepts is not None:
            settings = settings.model_copy(update={"false_accepts_per_hour": false_accepts})
        request = Request(
            phrase=phrase,
            slug=slug,
            recordings=tuple(recordings or ()),
            negatives=tuple(negatives or ()),
            work=work,
            run=run,
            out=out,
            hold_out=hold_out,
            report=not no_report,
            data=data,
            more=tuple(more or ()),
            skip=tuple(skip or ()),
            backbone=backbone,
            neural=neural,
        )
        try:
            make_word(request, settings, recipe, template=template, n_processes=processes)
        except KeyboardInterrupt:
            say(f"interrupted; the same command goes on with what is finished in {run}")
            raise
    if install is not None:
        command = [sys.executable, "-m", "voice", "bundle", "install", str(out), "--config", str(install)]
        if subprocess.run([*command, "--phrase", phrase]).returncode:  # noqa: S603, PLW1510
            raise DataError(
                f"{out} is made, but not installed", fix="mend the configuration, then `voice bundle install`"
            )


def _neural(folder: Path | None) -> tuple[str, ...]:
    """Return Piper's voices in a folder, and say which there are."""
    if folder is None:
        return ()
    voices = piper_voices(folder)
    say(
        f"Piper: {len(voices)} voices of {', '.join(model_names(voices))}; each sentence loads one, which takes a while"
    )
    return tuple(voices)


def _whole(
    slug: str,
    recordings: list[Path],
    work: Path,
    run: Path,
    out: Path,
    recipe: Path | None,
    neural: tuple[str, ...],
    processes: int,
) -> None:
    from kws_training.keyword import prepare_word, train_keyword, write_wake  # noqa: PLC0415
    from kws_training.records import piper_data, record, wake_data  # noqa: PLC0415
    from kws_training.trained import trained_parameters  # noqa: PLC0415

    if not recordings:
        raise ConfigError("--whole wants recordings", fix="give --recordings FOLDER, or leave --whole out")
    settings = KeywordRecipe() if recipe is None else read_recipe(recipe, KeywordRecipe)
    started = time.monotonic()
    prepare_word(work, recordings, slug, settings, neural=neural, n_processes=processes)
    model = train_keyword(work, run, slug, settings)
    minutes = (time.monotonic() - started) / 60
    command, seed = f"kws-train keyword {slug} --whole", settings.optimiser.seed
    data = wake_data(work) + piper_data(neural)
    training = record(command, recipe, seed, minutes, trained_parameters(model), data)
    write_wake(model, slug, work, out, settings, training)


def join(
    word: Annotated[str, typer.Argument(help="what is said, lower case")],
    runs: Annotated[list[Path], typer.Option(help="folder of a finished `keyword --whole`; repeatable")],
    work: Annotated[Path, typer.Option(help="folder of the feature stores")],
    out: Annotated[Path, typer.Option(help="folder of the bundle")],
    recipe: Annotated[Path | None, typer.Option(help="YAML of config/kws")] = None,
) -> None:
    """Write a wake word's bundle whose score is the mean of several whole networks."""
    _threads(1)
    from kws_training.keyword import joined, write_wake  # noqa: PLC0415
    from kws_training.records import record, wake_data  # noqa: PLC0415
    from kws_training.trained import trained_parameters  # noqa: PLC0415

    settings = KeywordRecipe() if recipe is None else read_recipe(recipe, KeywordRecipe)
    model = joined(runs)
    command, seed = f"kws-train keyword {word} --whole, then join", settings.optimiser.seed
    write_wake(
        model, word, work, out, settings, record(command, recipe, seed, 0, trained_parameters(model), wake_data(work))
    )


def _slug(phrase: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", phrase.lower()).strip("_")
    if not slug:
        raise ConfigError(f"{phrase!r} can't be said", fix="give one to four English words")
    return slug


def _threads(n_threads: int) -> None:
    from kws_training.train_threads import use_threads  # noqa: PLC0415

    use_threads(n_threads)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backbone)
    app.command()(keyword)
    app.command()(join)
