"""Where a training's files go when nobody says."""

from pathlib import Path

from kws_training.download import cache
from kws_training.settings import CommandsRecipe
from voice.errors import ConfigError


def places(recipe: Path | None, settings: CommandsRecipe, work: Path | None, run: Path | None) -> tuple[Path, Path]:
    """Return the folders of the stores and of the checkpoints.

    A recipe that names its data may do without them: they are then in the user's cache, in a folder of its name.

    Raises:
        ConfigError: the recipe names no data, and one of the folders isn't given.
    """
    if recipe is None or settings.data is None:
        missing = [option for option, folder in (("--work", work), ("--run", run)) if folder is None]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} must be given",
                fix="name the folders, or put `data:` into the recipe, as config/kws/smoke.yaml has it",
            )
    place = cache() / ("" if recipe is None else recipe.stem)
    return work or place / "work", run or place / "run"
