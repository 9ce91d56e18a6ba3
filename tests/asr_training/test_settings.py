"""Recipes."""

from pathlib import Path

import pytest

from asr_training.settings import read_recipe
from voice.errors import ConfigError

RECIPES = sorted((Path(__file__).parents[2] / "config" / "asr").glob("*.yaml"))
RECIPES = [path for path in RECIPES if path.stem != "ablation"]  # a table of recipes, see test_ablation.py


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_shipped_recipes_are_valid(path):
    assert read_recipe(path).features.mels == 80


def test_an_old_recipe_names_no_kind_and_no_units(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("network: {channels: 64}\n")
    recipe = read_recipe(path)
    assert recipe.network.kind == "convolutional"
    assert recipe.labels[:3] == ("<blank>", " ", "'")
    path.write_text("units: phones\nnetwork: {kind: conformer, stride: 4, label_rate: 1}\n")
    recipe = read_recipe(path)
    assert len(recipe.labels) == 40
    assert recipe.network.label_frames(9) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network: {kind: lstm}", "lstm"),
        ("network: {kind: conformer, channels: 30}", "no multiple of 2 x 4 heads"),
        ("alphabet: aba", "a character stands twice"),
        ("{units: phones, network: {phone_block: 2}}", "the labels are phones"),
        ("schedule: {average: snapshots}", "snapshots: 1 or more"),
        ("scheduel: {}", "scheduel: unknown key"),
        ("schedule: {peak: fast}", "schedule.peak"),
        ("seed: [", "line"),
    ],
)
def test_a_wrong_recipe_is_named(tmp_path, text, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)
