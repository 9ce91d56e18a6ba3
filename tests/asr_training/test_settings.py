"""Recipes."""

from pathlib import Path

import pytest

from asr_training.settings import read_recipe
from voice.errors import ConfigError

RECIPES = sorted((Path(__file__).parents[2] / "config" / "asr").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_shipped_recipes_are_valid(path):
    assert read_recipe(path).features.mels == 80


@pytest.mark.parametrize(
    ("text", "message"),
    [("scheduel: {}", "scheduel: unknown key"), ("schedule: {peak: fast}", "schedule.peak"), ("seed: [", "line")],
)
def test_a_wrong_recipe_is_named(tmp_path, text, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)
