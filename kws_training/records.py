"""What a bundle's manifest records of its training."""

from pathlib import Path
from typing import Any

from kws_training import cards


def record(
    command: str, recipe: Path | None, seed: int, minutes: float, parameters: int, data: tuple[dict[str, Any], ...]
) -> dict[str, Any]:
    """Return the `training` of a manifest.

    Args:
        command: that made the model.
        recipe: its file; None for the defaults.
        seed: of the random numbers.
        minutes: that it took.
        parameters: that were trained.
        data: records of the corpora.
    """
    return {
        "command": command,
        "recipe": "defaults of kws_training/settings.py" if recipe is None else recipe.name,
        "commit": cards.commit(),
        "seed": seed,
        "minutes": round(minutes, 1),
        "parameters": parameters,
        "data": list(data),
    }


def wake_data(work: Path) -> tuple[dict[str, Any], ...]:
    """Return the records of what a wake word is trained on, by the stores that there are."""
    further = cards.FURTHER_SPEECH if (work / "more" / "clips.jsonl").exists() else ()
    known = (*cards.WAKE_WORDS, cards.SYNTHETIC, *cards.RUNNING_SPEECH, *further)
    return (*known, cards.SPEECH_COMMANDS, cards.NOISE)
