"""A run remembers every recipe that it was trained with."""

import pytest

from asr_training.history import STAGES, read_stages, record_stage
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
