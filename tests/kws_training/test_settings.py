from pathlib import Path

import pytest

from kws_training.settings import BackboneRecipe, CommandsRecipe, KeywordRecipe, OptimiserSettings, read_recipe
from voice.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("optimiser: {stepps: 3}", "optimiser.stepps", "did you mean 'steps'"),
        ("imageshare: 0.5", "imageshare", "did you mean 'image_share'"),
        ("augment: {snr: [0, 1]}", "augment.snr", "did you mean 'snr_db'"),
        ("qqq: 1", "qqq", "one of augment, "),
    ],
)
def test_a_misspelt_key_is_named_with_its_file_and_the_nearest_valid_one(tmp_path, text, place, advice):
    path = tmp_path / "mine.yaml"
    path.write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        read_recipe(path, CommandsRecipe)
    assert f"{path}: {place}: no such key" in str(caught.value)
    assert advice in str(caught.value)


def test_a_wrong_value_is_named_with_its_file_and_key(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("optimiser: {schedule: sometimes}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: optimiser\.schedule: .*'cosine', 'step' or 'plateau'"):
        read_recipe(path, CommandsRecipe)


@pytest.mark.parametrize(("name", "kind"), [("commands", CommandsRecipe), ("computer", KeywordRecipe)])
def test_shipped_recipes_train_as_before_where_they_name_nothing(request, name, kind):
    optimiser = read_recipe(request.config.rootpath / "config" / "kws" / f"{name}.yaml", kind).optimiser
    assert (optimiser.kind, optimiser.schedule, optimiser.weight_decay) == ("adamw", "cosine", 0.01)
    assert (optimiser.stop_epochs, optimiser.mixup, optimiser.clip_norm) == (0, 0.0, 1.0)
    assert OptimiserSettings().batch == optimiser.batch == 128


SHIPPED = sorted(Path(__file__).parents[2].joinpath("config", "kws").glob("*.yaml"))
KINDS = {"backbone": BackboneRecipe, "computer": KeywordRecipe, "computer-wide": KeywordRecipe}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_read(path):
    assert read_recipe(path, KINDS.get(path.stem, CommandsRecipe))
