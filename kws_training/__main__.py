"""The command `kws-train`."""

import json
import time
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kws_training.data_cli import register as register_data
from kws_training.measuring import register
from kws_training.places import places
from kws_training.report import say
from kws_training.settings import CommandsRecipe, read_recipe, with_steps
from kws_training.train_threads import use_threads
from kws_training.word_cli import register as register_word
from voice.errors import ConfigError, DataError, EarshotError

app = typer.Typer(help="Train wake words and the command classifier.", no_args_is_help=True, add_completion=False)

Work = Annotated[Path, typer.Option(help="folder for feature stores; outside the repository")]
Run = Annotated[Path, typer.Option(help="folder for checkpoints; an interrupted run goes on")]
RecipeFile = Annotated[Path | None, typer.Option("--recipe", help="YAML of config/kws")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="of TensorFlow")]
Out = Annotated[Path, typer.Option(help="folder of the bundle")]


class Weights(StrEnum):
    """How a bundle stores the weights; see `kws_training/litert.py`."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"
    dynamic = "dynamic"
    full = "full"


register_data(app)


@app.command()
def train(  # noqa: PLR0913 - the options of a command
    *,
    recipe_file: Annotated[Path | None, typer.Argument(metavar="RECIPE", help="YAML of config/kws")] = None,
    work: Annotated[Path | None, typer.Option(help="folder of the stores; a recipe with `data:` has one")] = None,
    run: Annotated[Path | None, typer.Option(help="folder for checkpoints; an interrupted run goes on")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the bundle; a recipe with `data:`: RUN/bundle")] = None,
    recipe: RecipeFile = None,
    n_steps: Annotated[
        int | None, typer.Option("--steps", min=8, help="of training, instead of the recipe's; all else in proportion")
    ] = None,
    n_threads: Threads = 2,
    teacher: Annotated[Path | None, typer.Option(help="RUN of a larger network on the same data to learn from")] = None,
    init: Annotated[Path | None, typer.Option(help="RUN of the same network whose weights to begin with")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that train one network together")] = 1,
    rank: Annotated[int, typer.Option(min=0, help="of this one, where each is started by hand")] = 0,
    address: Annotated[str, typer.Option(help="HOST:PORT of process 0; without it the others are started here")] = "",
) -> None:
    """Train the command classifier; a recipe that names its data is prepared first, and exported at the end."""
    recipe = recipe_file or recipe
    settings = _commands(recipe)
    settings = settings if n_steps is None else with_steps(settings, n_steps)
    work, run = places(recipe, settings, work, run)
    if settings.data is not None and rank == 0:
        from kws_training.prepare_dataset import prepare_dataset  # noqa: PLC0415

        prepare_dataset(settings.data, work)
    use_threads(n_threads)
    from kws_training.commands import decide, train_commands  # noqa: PLC0415
    from kws_training.launch import together  # noqa: PLC0415

    started = time.monotonic()
    with together(workers, rank, address) as leads:
        model = train_commands(work, run, settings, teacher, init)
    if not leads:
        return
    decision = decide(model, work, settings)
    minutes = (time.monotonic() - started) / 60
    facts = {"minutes": round(minutes, 1), "steps": settings.optimiser.steps}
    _write(run / "decision.json", asdict(decision) | facts)
    say(f"{decision}, {minutes:.1f} minutes")
    if settings.data is not None or out is not None:
        _export(work, run, out or run / "bundle", recipe)


def _measure_run(work: Path, run: Path) -> dict[str, Any]:
    use_threads()
    from kws_training.commands import test_shares  # noqa: PLC0415

    model, decision, _ = _trained(run, work)
    return test_shares(model, work, decision)


register(app, _measure_run)
register_word(app)


@app.command()
def export(
    work: Work,
    run: Run,
    out: Out,
    recipe: RecipeFile = None,
    weights: Annotated[Weights, typer.Option(help="stored as; dynamic, full: int8 arithmetic")] = Weights.float32,
) -> None:
    """Write the command classifier's bundle; refused where LiteRT disagrees with Keras."""
    use_threads()
    _export(work, run, out, recipe, weights.value)


def _export(work: Path, run: Path, out: Path, recipe: Path | None, weights: Any = "float32") -> None:
    from kws_training import cards  # noqa: PLC0415
    from kws_training.batches import CommandData, validation  # noqa: PLC0415
    from kws_training.commands import PARAMETERS_AT_MOST, manifest, test_shares  # noqa: PLC0415
    from kws_training.export import export as write  # noqa: PLC0415
    from kws_training.provenance import data_records, limits, measured_on  # noqa: PLC0415
    from kws_training.records import record  # noqa: PLC0415
    from kws_training.trained import trained_parameters  # noqa: PLC0415
    from voice.models.bundle import SHIPPED  # noqa: PLC0415

    model, decision, facts = _trained(run, work)
    n_parameters = trained_parameters(model)
    if out.resolve().is_relative_to(SHIPPED) and n_parameters > PARAMETERS_AT_MOST:
        raise ConfigError(
            f"{n_parameters} parameters, {PARAMETERS_AT_MOST} at most in a shipped bundle",
            fix="shrink the recipe, or name a folder of your own with --out",
        )
    if len(model.input_shape) == 2:
        raise ConfigError(
            "this network takes raw samples, and a bundle gives its network features",
            fix="train a network on log-mel frames to use it in the loop; this one's figures: kws-train evaluate --run",
        )
    data = CommandData(work)
    shares = test_shares(model, work, decision)
    results = [cards.result(name, share, measured_on(data.dataset)) for name, share in shares.items()]
    settings = _commands(recipe)
    n_steps = facts.get("steps", settings.optimiser.steps)
    command = "kws-train train" + ("" if n_steps == settings.optimiser.steps else f" --steps {n_steps}")
    seed = settings.optimiser.seed
    training = record(command, recipe, seed, facts["minutes"], n_parameters, data_records(data.dataset))
    training["unseen"] = list(settings.unseen)
    clips, _ = validation(data)
    bundle = write(
        model, out, manifest(decision, training, results, data.dataset), clips[:: max(1, len(clips) // 100)], weights
    )
    cards.write_card(bundle, "Labels: " + ", ".join(bundle.manifest.labels) + ".", limits(data.dataset), weights)
    for name, share in shares.items():
        typer.echo(f"{name}: {share}")
    say(f"wrote {out}")


def main() -> None:
    """Run `kws-train`; an error is one line and an exit status."""
    try:
        app()
    except EarshotError as error:
        say(f"kws-train: {error}")
        raise SystemExit(2 if isinstance(error, ConfigError) else 1) from None


def _commands(recipe: Path | None) -> CommandsRecipe:
    return CommandsRecipe() if recipe is None else read_recipe(recipe, CommandsRecipe)


def _trained(run: Path, work: Path) -> tuple[Any, Any, dict[str, Any]]:
    from kws_training.commands import Decision, merged  # noqa: PLC0415
    from kws_training.dataset import check_run  # noqa: PLC0415
    from kws_training.trained import load_network  # noqa: PLC0415

    dataset = check_run(run, work)
    try:
        values = json.loads((run / "decision.json").read_text(encoding="utf-8"))
        model = load_network(run / "best.keras")
    except (OSError, ValueError) as error:
        raise DataError(f"{run}: no finished training ({error})", fix="run `kws-train train` first") from error
    facts = {name: values.pop(name) for name in ("minutes", "steps") if name in values}
    decision = Decision(**values)
    return merged(model, dataset, decision.unknown_bias), decision, facts


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
