"""What a network is told about a clip: its label alone, or a trained network's opinion as well (distillation)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.feed import Maker
from kws_training.settings import TeacherSettings
from voice.errors import DataError

Chances = npt.NDArray[np.float32]
"""Probabilities of the targets or of the labels, shape (batch, n)."""


def folded(chances: Chances, n_labels: int, unknown: int | None) -> Chances:
    """Return the probabilities of the labels: that of `unknown` is the sum of all targets that are no label."""
    if chances.shape[1] == n_labels:
        return chances
    kept = chances[:, :n_labels].copy()
    if unknown is not None:
        kept[:, unknown] += chances[:, n_labels:].sum(axis=1)
    return kept


def lessons(
    batches: Callable[[], Maker],
    fold: tuple[int, int | None] | None,
    teacher: Path | None = None,
    settings: TeacherSettings | None = None,
) -> Callable[[], Maker]:
    """Return the factory of a maker of batches whose targets are changed; picklable.

    Args:
        batches: the factory of the maker of clips and one-hot targets.
        fold: number of labels and index of unknown, for a network that learns labels instead of targets.
        teacher: folder of a finished training, whose opinion is mixed in (Hinton et al., arXiv 1503.02531, section 2,
            as one cross-entropy against the mean of both distributions).
        settings: how much it counts.
    """
    if fold is None and teacher is None:
        return batches
    return partial(_maker, batches, fold, teacher, settings or TeacherSettings())


def _maker(
    batches: Callable[[], Maker], fold: tuple[int, int | None] | None, teacher: Path | None, settings: TeacherSettings
) -> Maker:
    opinion = None if teacher is None else _opinion(teacher, settings.temperature)
    return partial(_lesson, batches(), fold, opinion, settings.share)


def _lesson(
    maker: Maker,
    fold: tuple[int, int | None] | None,
    opinion: Callable[[Any], Chances] | None,
    share: float,
    number: int,
) -> tuple[Any, Chances]:
    clips, targets = maker(number)
    targets = targets if fold is None else folded(targets, *fold)
    if opinion is None:
        return clips, targets
    heard = opinion(clips)
    heard = heard if fold is None else folded(heard, *fold)  # a teacher may know labels alone, or each other word
    if heard.shape[1] != targets.shape[1]:
        raise DataError(
            f"the teacher knows {heard.shape[1]} targets, not {targets.shape[1]}", fix="train it on the same data"
        )
    return clips, np.asarray((1 - share) * targets + share * heard, np.float32)


def _opinion(run: Path, temperature: float) -> Callable[[Any], Chances]:
    # Keras is loaded in the process that makes the batches.
    import keras  # noqa: PLC0415

    from kws_training.trained import load_network  # noqa: PLC0415

    path = run / "best.keras"
    try:
        model = load_network(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no trained network ({error})", fix="name the RUN of a finished training") from error

    def opinion(clips: Any) -> Chances:
        logits = keras.ops.convert_to_numpy(model.predict_on_batch(clips)) / temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

    return opinion
