"""`kws-train evaluate|benchmark|submit|mine`: the commands that measure, and use what was trained."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from kws_training.report import say
from voice.errors import ConfigError, DataError

AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output, and nothing else")]
Data = Annotated[
    Path | None, typer.Option(envvar="EARSHOT_DATA", help="data pack, Speech Commands, or a folder of <label>/*.wav")
]


def register(app: typer.Typer, measure_run: Callable[[Path, Path], dict[str, Any]]) -> None:
    """Add the commands.

    Args:
        app: of `kws-train`.
        measure_run: figures of a work folder and a run that isn't exported yet.
    """
    app.command()(benchmark)
    app.command()(submit)
    app.command()(mine)

    @app.command()
    def evaluate(  # noqa: PLR0913 - each is an option
        bundle: Annotated[str | None, typer.Argument(help="commands bundle, name or folder")] = None,
        data: Data = None,
        *,
        split: Annotated[str, typer.Option(help="train, dev, test or all")] = "test",
        work: Annotated[Path | None, typer.Option(help="what `prepare` wrote, instead of audio")] = None,
        run: Annotated[Path | None, typer.Option(help="a training that isn't exported yet, instead of BUNDLE")] = None,
        out: Annotated[Path | None, typer.Option(help="folder for report.html, report.json and PNGs")] = None,
        against: Annotated[str | None, typer.Option(help="second bundle, such as the int8 one")] = None,
        unseen: Annotated[str | None, typer.Option(help="words that no training heard; else the bundle's own")] = None,
        snr: Annotated[str, typer.Option(help="of the noise sweep, dB, with commas; none leaves it out")] = "20,10,5,0",
        snr_over: Annotated[
            str, typer.Option(help="power of the clip: speech (loudest half second) or clip")
        ] = "speech",
        speech: Annotated[Path | None, typer.Option(help="folder of speech for the babble")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Measure a bundle from audio, as users run it: accuracy, calibration, unseen words, noise; with a report."""
        if bundle is None:
            if work is None or run is None:
                raise ConfigError("nothing to measure", fix="give a BUNDLE, or --work and --run")
            shares = measure_run(work, run)
            if as_json:
                _emit({name: asdict(share) for name, share in shares.items()})
            else:
                typer.echo("\n".join(f"{name}: {share}" for name, share in shares.items()))
            return
        _choice("--split", split, ("train", "dev", "test", "all"))
        _choice("--snr-over", snr_over, ("speech", "clip"))
        words = None if unseen is None else tuple(word for word in unseen.split(",") if word)
        noise = (_snrs(snr), snr_over)
        figures = _assess(bundle, against, words, noise, _Place(data, work, split, speech))
        if out:
            from kws_training.report_page import write_report  # noqa: PLC0415 - matplotlib

            say(f"wrote {write_report(out, figures)}")
        _emit(figures) if as_json else typer.echo(_summary(figures))


def benchmark(
    recipes: Annotated[
        list[Path] | None, typer.Argument(help="recipes of networks, each with its own settings")
    ] = None,
    *,
    work: Annotated[Path, typer.Option(help="what `prepare` wrote")],
    out: Annotated[Path, typer.Option(help="folder of trainings and tables; what is finished isn't trained again")],
    models: Annotated[str, typer.Option(help="with commas: BC-ResNet-1,lstm:units=64; zoo; predecessors")] = "",
    base: Annotated[Path | None, typer.Option("--recipe", help="what --models have in common")] = None,
    n_steps: Annotated[int | None, typer.Option("--steps", min=1, help="of training, the same for all")] = None,
    n_threads: Annotated[int, typer.Option("--threads", min=1, help="of the training")] = 2,
    as_json: AsJson = False,
) -> None:
    """Train and measure networks under one protocol: size, accuracy, time, first epoch, LiteRT, in tables and plots."""
    if not recipes and not models:
        raise ConfigError("nothing to train", fix="name recipes, or networks with --models a,b,c")
    _threads(n_threads)
    from kws_training import benchmark as bench  # noqa: PLC0415 - Keras
    from kws_training.benchmark_tables import line, markdown, write_tables  # noqa: PLC0415
    from kws_training.settings import CommandsRecipe, read_recipe, with_steps  # noqa: PLC0415

    common = CommandsRecipe() if base is None else read_recipe(base, CommandsRecipe)
    if n_steps is not None:
        common = with_steps(common, n_steps)
    entries = bench.from_recipes(recipes or [], n_steps) + (bench.from_models(models, common) if models else [])
    protocol = bench.protocol(work, entries)
    rows: list[dict[str, Any]] = []

    def told(row: dict[str, Any]) -> None:
        rows.append(row)
        say(line(row)) if as_json else typer.echo(line(row))

    try:
        bench.benchmark(entries, work, out, told)
    finally:  # also what was interrupted has tables of what it measured
        if rows:
            wrote = write_tables(out, rows, bench.histories(entries, out), protocol)
            _emit_rows(rows) if as_json else typer.echo("\n" + markdown(rows, protocol))
            say(f"wrote {wrote}")
    if any("failed" in row for row in rows):
        raise typer.Exit(1)


def _threads(n_threads: int) -> None:
    try:
        from kws_training.train import threads  # noqa: PLC0415 - Keras
    except ModuleNotFoundError as error:
        raise DataError(f"{error.name} is not installed", fix="pip install 'earshot[train]'") from error
    threads(n_threads)


def submit(
    bundle: Annotated[str, typer.Argument(help="commands bundle, name or folder")],
    folder: Annotated[Path, typer.Argument(help="of the clips, such as Kaggle's test/audio")],
    out: Annotated[Path, typer.Option(help="the CSV")] = Path("submission.csv"),
) -> None:
    """Write Kaggle's fname,label for a folder of clips; one that can't be read is told, and `unknown` in it."""
    from kws_training.submit import submit as write  # noqa: PLC0415 - slow to import
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    done = write(load_bundle(bundle, kind="commands"), folder, out)
    say(f"wrote {out}: " + ", ".join(f"{n} {label}" for label, n in done.counts.items() if n))
    if done.unreadable:
        say(f"{len(done.unreadable)} clips could not be read; the submission calls them unknown")
        raise typer.Exit(1)


def mine(  # noqa: PLR0913 - each is an option
    *,
    words: Annotated[str, typer.Option(help="with commas: yes,no,stop")],
    manifest: Annotated[list[Path], typer.Option(help="manifest.jsonl of transcribed speech; repeatable")],
    out: Annotated[Path, typer.Option(help="folder of the clips; an interrupted run goes on")],
    model: Annotated[str, typer.Option(help="asr bundle that aligns")] = "asr-en",
    listen: Annotated[str, typer.Option(help="commands bundle that hears its words again; none")] = "commands-en",
    least_score: Annotated[float, typer.Option(min=0, max=1, help="of the alignment; below it is dropped")] = 0.5,
    at_most: Annotated[int | None, typer.Option(min=1, help="clips of a word")] = None,
    split: Annotated[str, typer.Option(help="of the manifests; all")] = "train",
    neighbours: Annotated[bool, typer.Option(help="keep what is said before and after the word")] = False,
    as_json: AsJson = False,
) -> None:
    """Cut one-second clips of words out of transcribed speech, by forced alignment with a recogniser."""
    from kws_training.mine import MineSettings, score_report, summary  # noqa: PLC0415 - slow to import
    from kws_training.mine import mine as search  # noqa: PLC0415
    from voice.models.asr import CtcRecognizer  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.models.commands import CommandsCnn  # noqa: PLC0415

    chosen = tuple(dict.fromkeys(word.strip() for word in words.split(",")))
    settings = MineSettings(chosen, least_score, split, neighbours, at_most)
    classifier = None if listen == "none" else CommandsCnn(load_bundle(listen, kind="commands"))
    mined = search(manifest, out, settings, CtcRecognizer(load_bundle(model, kind="asr")), classifier)
    table = summary(mined, chosen)
    if as_json:
        _emit({"hours": mined.hours, "words": table, "unreadable": mined.unreadable})
    else:
        _print_mined(table, mined.hours)
        typer.echo(score_report(mined.rows))
    say(f"wrote {len(mined.rows)} clips to {out}")
    if mined.unreadable:
        say("\n".join([f"{len(mined.unreadable)} recordings could not be read:", *mined.unreadable[:20]]))
        raise typer.Exit(1)


def _print_mined(table: list[dict[str, Any]], hours: float) -> None:
    typer.echo(f"{hours:.2f} h searched")
    for row in table:
        heard = (
            f", heard again {row['heard_again']} ({row['heard_share']:.0%})" if row["heard_share"] is not None else ""
        )
        rate = f", {row['clips_an_hour']:g} an hour" if row["clips_an_hour"] is not None else ""
        typer.echo(f"{row['word']}: {row['clips']} clips{rate}, {row['speakers']} speakers{heard}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the clips are."""

    data: Path | None
    work: Path | None
    split: str
    speech: Path | None


def _assess(
    bundle: str, against: str | None, unseen: tuple[str, ...] | None, noise: tuple[Any, Any], place: _Place
) -> dict[str, Any]:
    from kws_training.assess import Plan, Subject, assess  # noqa: PLC0415 - slow to import
    from kws_training.test_sets import prepared_test_set, read_speech, read_test_set, unseen_elsewhere  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415

    loaded = load_bundle(bundle, kind="commands")
    words = loaded.manifest.training.unseen if unseen is None else unseen
    elsewhere = []
    if place.work is not None:
        clips = prepared_test_set(place.work, place.split)
    elif place.data is not None:
        clips = read_test_set(place.data, place.split)
        elsewhere = unseen_elsewhere(place.data, words) if place.split == "test" else []
    else:
        raise ConfigError("nothing to measure on", fix="name a folder with --data, or prepared features with --work")
    if place.speech:
        clips = replace(clips, speech=read_speech(place.speech))
    other = Subject(load_bundle(against, kind="commands")) if against else None
    return assess(Subject(loaded), clips, Plan(words, *noise), other, elsewhere)


def _summary(figures: dict[str, Any]) -> str:
    """Return the figures that a person wants first."""
    accuracy = figures["accuracy"]
    lines = [
        f"{name}: {_share(accuracy[key])}" + (_speakers(accuracy[key]))
        for name, key in (
            (f"{len(figures['bundle']['labels'])} labels, balanced", "balanced"),
            ("every clip", "all"),
            ("commands alone", "commands"),
        )
    ]
    if spread := figures["speakers"]:
        shares = ", ".join(f"{name} {100 * spread[name]:.1f} %" for name in ("median", "tenth", "worst"))
        lines.append(f"speakers ({spread['speakers']}): {shares}")
    lines.append(f"expected calibration error: {100 * figures['calibration']['expected_calibration_error']:.2f} %")
    for key, share in figures["at_threshold"].items():
        if key != "threshold" and share["n"]:
            lines.append(
                f"at threshold {figures['at_threshold']['threshold']:g}, {key.replace('_', ' ')}: {_share(share)}"
            )
    for name in ("open_set", "open_set_more_speakers"):
        if found := figures[name]:
            text = f"{name.replace('_', ' ')}, accepted at {100 * found['recall']:.1f} % of the commands heard"
            lines.append(f"{text}: {_share(found['false_accepts'])}{_speakers(found)}")
            lines.append(f"  where any command counts as heard: {_share(found['as_any_command']['false_accepts'])}")
    for row in figures["noise"]["rows"] if figures["noise"] else []:
        lines.append(f"{row['noise']}, {row['snr_db']:g} dB: {_share(row)}, {row['points_lost']:.1f} points lost")
    if other := figures["against"]:
        name = f"{other['bundle']['id']} {other['bundle']['version']}"
        lines.append(f"{name}: {_share(other['accuracy'])}, {other['points_lost']:.2f} points lost")
    if unreadable := figures["data"]["unreadable"]:
        lines += [f"{len(unreadable)} clips could not be read:", *unreadable[:20]]
    return "\n".join(lines)


def _share(share: dict[str, Any]) -> str:
    return f"{100 * share['value']:.1f} % [{100 * share['low']:.1f}, {100 * share['high']:.1f}] of {share['n']}"


def _speakers(share: dict[str, Any]) -> str:
    if "speakers_low" not in share:
        return ""
    return f"; over speakers [{100 * share['speakers_low']:.1f}, {100 * share['speakers_high']:.1f}]"


def _choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{option} {value!r}", fix=f"choose {', '.join(choices)}")


def _snrs(text: str) -> tuple[float, ...]:
    if text.strip().lower() in ("", "none"):
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--snr {text}: not numbers with commas", fix="give dB, such as 20,10,5,0") from None


def _emit_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        _emit(row)


def _emit(figures: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
