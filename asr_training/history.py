"""What a run's folder tells of its past: the stages, as a run may go on with another recipe, and the log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training import checkpoint as checkpoints
from asr_training.settings import Recipe
from voice.errors import DataError
from voice.models.bundle import Bundle

STAGES = "stages.jsonl"
LOG = "log.jsonl"
"""A line for each report: step, epoch, seconds, and loss or dev error rates."""


class Stage(BaseModel):
    """A recipe and where it took over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_step: int = Field(ge=0, description="optimizer steps of its run done before")
    recipe: Recipe
    begun_with: str = Field("", description="run or bundle whose weights it began with; empty: its own run's")
    minutes_before: float = Field(0.0, ge=0, description="training time of those, minutes")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the weights were that a run began with."""

    name: str
    minutes: float
    """Of all training that made them."""
    stages: tuple[Stage, ...]


def beginning(source: Path) -> Beginning:
    """Return the past of a run or a bundle; nothing where it has none.

    Raises:
        DataError: a run's notes can't be read.
        BundleError: the bundle is broken.
    """
    if (source / "bundle.json").is_file():
        training = Bundle(source).manifest.training
        try:
            stages = tuple(map(Stage.model_validate, json.loads(training.recipe)))
        except (ValueError, TypeError):
            stages = ()
        return Beginning(source.name, training.minutes, stages)
    saved, stages = checkpoints.load(source), tuple(read_stages(source))
    return Beginning(source.name, (saved.position.seconds / 60 if saved else 0.0) + minutes_before(stages), stages)


def minutes_before(stages: Sequence[Stage]) -> float:
    """Return the training time of the weights with which the last run of some stages began."""
    return next((stage.minutes_before for stage in reversed(stages) if stage.begun_with), 0.0)


def record_stage(run: Path, step: int, recipe: Recipe, begun_with: Beginning | None = None) -> None:
    """Note that `recipe` trains from `step` on; the recipe that already does isn't noted twice.

    Args:
        run: folder.
        step: optimizer steps of the run done before.
        recipe: that trains now.
        begun_with: the weights it began with, where they are not the run's own; their stages come first.

    Raises:
        DataError: the disk refuses, or the former notes can't be read.
    """
    stages = read_stages(run)
    if stages and stages[-1].recipe == recipe:
        return
    new = [Stage(from_step=step, recipe=recipe)]
    if begun_with:
        first = Stage(
            from_step=step, recipe=recipe, begun_with=begun_with.name, minutes_before=round(begun_with.minutes, 1)
        )
        new = [*begun_with.stages, first]
    try:
        run.mkdir(parents=True, exist_ok=True)
        with (run / STAGES).open("a", encoding="utf-8") as stream:
            stream.write("".join(stage.model_dump_json() + "\n" for stage in new))
    except OSError as error:
        raise DataError(f"{run}: {error.strerror or error}", fix="free disk space or choose another --run") from error


def read_stages(run: Path) -> list[Stage]:
    """Return the stages of a run, first to last; none for a folder that isn't a run yet.

    Raises:
        DataError: the notes can't be read.
    """
    path = run / STAGES
    if not path.is_file():
        return []
    try:
        return [Stage.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise DataError(f"{path}: not the stages of a run", fix="delete it to start the notes afresh") from error


def stages_json(stages: list[Stage]) -> str:
    """Return the stages as one JSON list, for a bundle's manifest."""
    return json.dumps([stage.model_dump(mode="json") for stage in stages], separators=(",", ":"))
