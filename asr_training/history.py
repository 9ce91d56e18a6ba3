"""What a run's folder tells of its past: the stages, as a run may go on with another recipe, and the log."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training.settings import Recipe
from voice.errors import DataError

STAGES = "stages.jsonl"
LOG = "log.jsonl"
"""A line for each report: step, epoch, seconds, and loss or dev error rates."""


class Stage(BaseModel):
    """A recipe and where it took over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_step: int = Field(ge=0, description="optimizer steps done before")
    recipe: Recipe


def record_stage(run: Path, step: int, recipe: Recipe) -> None:
    """Note that `recipe` trains from `step` on; the recipe that already does isn't noted twice.

    Raises:
        DataError: the disk refuses, or the former notes can't be read.
    """
    stages = read_stages(run)
    if stages and stages[-1].recipe == recipe:
        return
    try:
        run.mkdir(parents=True, exist_ok=True)
        with (run / STAGES).open("a", encoding="utf-8") as stream:
            stream.write(Stage(from_step=step, recipe=recipe).model_dump_json() + "\n")
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
