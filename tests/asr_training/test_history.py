"""A run remembers every recipe that it was trained with."""

import pytest

from asr_training import checkpoint as checkpoints
from asr_training.checkpoint import Checkpoint, Position
from asr_training.history import STAGES, beginning, minutes_before, read_stages, record_stage
from voice.errors import DataError


def test_a_changed_recipe_is_a_new_stage_and_the_same_one_is_not(recipe, tmp_path):
    louder = recipe.model_copy(update={"seed": 2})
    for step, used in ((0, recipe), (5, recipe), (9, louder)):
        record_stage(tmp_path / "run", step, used)
    assert [(stage.from_step, stage.recipe.seed) for stage in read_stages(tmp_path / "run")] == [(0, 1), (9, 2)]


def test_a_folder_without_notes_has_no_stages(tmp_path):
    assert read_stages(tmp_path) == []


def test_broken_notes_are_named(tmp_path):
    (tmp_path / STAGES).write_text("{}\n")
    with pytest.raises(DataError, match=STAGES):
        read_stages(tmp_path)


def test_a_run_that_began_with_another_tells_of_it(tmp_path, recipe):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    record_stage(first, 0, recipe.model_copy(update={"seed": 1}))
    checkpoints.save(first, Checkpoint(Position(8000, 9, 1, 6000.0), [], [], []))
    record_stage(second, 0, recipe.model_copy(update={"seed": 2}), beginning(first))
    checkpoints.save(second, Checkpoint(Position(10, 0, 10, 60.0), [], [], []))
    record_stage(second, 10, recipe.model_copy(update={"seed": 3}))
    assert minutes_before(read_stages(second)) == 100
    record_stage(third, 0, recipe.model_copy(update={"seed": 4}), beginning(second))
    found = [(stage.recipe.seed, stage.begun_with, stage.minutes_before) for stage in read_stages(third)]
    assert found == [(1, "", 0), (2, "first", 100), (3, "", 0), (4, "second", 101)]
