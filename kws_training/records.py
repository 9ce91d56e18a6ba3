"""What a bundle's manifest records of its training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_training import cards
from kws_training.piper import model_names


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


def piper_data(voices: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the record of what Piper's voices said; none without voices."""
    if not voices:
        return ()
    licence = "each voice's own; its MODEL_CARD tells"
    return ({"name": "synthetic speech of Piper", "licence": licence, "attribution": ", ".join(model_names(voices))},)
