"""The threshold of a wake word: where speech without the phrase passes it as often as is allowed, and what is sure."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from kws_training.embedded import Embeddings
from kws_training.evaluate import poisson
from kws_training.feature_store import SETTINGS
from kws_training.few_shot import covered, scores
from kws_training.settings import WordRecipe
from voice.errors import DataError
from voice.events import RATE

Looks = npt.NDArray[np.float32]
"""Smoothed scores at the detector's looks, shape (looks,)."""
_HOURS_PER_FRAME = SETTINGS.hop / RATE / 3600
_LEAST = 0.05
"""No threshold is lower, however far speech stays from it."""
_NONE_FOUND = 3.69
"""False accepts that none at all may stand for (95 %): the upper limit of a Poisson mean."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold, and how often it was passed by speech that the head never saw."""

    threshold: float
    false_accepts: int
    hours: float
    low: float
    """False accepts an hour: 95 % limits."""
    high: float

    @property
    def rate(self) -> float:
        """False accepts an hour."""
        return self.false_accepts / self.hours if self.hours else 0.0

    def promise(self, wanted: float, *, real: bool = True) -> str:
        """Return one line: is the wanted rate of false accepts sure, and if not, what is.

        Args:
            wanted: false accepts an hour.
            real: it was people who spoke.
        """
        if not real:
            return (
                f"{wanted:g} false accepts an hour are NOT promised, nor any other rate: only synthetic speech judged"
            )
        if self.high <= wanted:
            return f"at most {wanted:g} false accepts an hour are promised (95 % up to {_short(self.high)})"
        more = ""
        if self.hours < _NONE_FOUND / wanted:
            more = f"; {self.hours:.2g} h of speech are too few for it, {_NONE_FOUND / wanted:.0f} h are the least"
        return f"{wanted:g} false accepts an hour are NOT promised, {_short(self.high)} are (95 %){more}"


def judge(
    head: keras.Model, judging: Mapping[str, Embeddings], recipe: WordRecipe, n_pooled: int, stride: int
) -> dict[str, Looks]:
    """Return the detector's looks at each stream of embeddings."""
    n_covered = covered(recipe, n_pooled)
    return {name: smoothed(scores(head, stream, n_covered), recipe, stride) for name, stream in judging.items()}


def calibrate(judged: Mapping[str, Looks], recipe: WordRecipe) -> Threshold:
    """Return the lowest threshold, in steps of 0.01, that speech passes no oftener than the recipe says.

    Raises:
        DataError: nothing judges.
    """
    hours = hours_of(judged, recipe)
    if hours <= 0:
        raise DataError("there is no speech to find a threshold with", fix="give more sound with --negatives")
    every = np.sort(np.concatenate([events(looks, recipe) for looks in judged.values()]))[::-1]
    allowed = int(recipe.false_accepts_per_hour * hours)
    passing = float(np.floor(every[allowed] * 100) / 100 + 0.01) if len(every) > allowed else 0.0
    threshold = min(0.99, max(_LEAST, passing))
    n = int((every >= threshold).sum())
    _, low, high = poisson(n, hours)
    return Threshold(round(threshold, 2), n, round(hours, 2), round(low, 3), round(high, 3))


def hours_of(judged: Mapping[str, Looks], recipe: WordRecipe) -> float:
    """Return the hours that looks were taken in."""
    return sum(map(len, judged.values())) * recipe.step_frames * _HOURS_PER_FRAME


def smoothed(every: npt.NDArray[np.float32], recipe: WordRecipe, stride: int) -> Looks:
    """Return the detector's smoothed scores at its looks, of the scores at every embedding."""
    looks = every[recipe.step_frames // stride - 1 :: recipe.step_frames // stride]
    weights = np.ones(recipe.smoothing_steps, np.float32) / recipe.smoothing_steps
    return np.convolve(looks, weights)[: len(looks)]


def events(looks: Looks, recipe: WordRecipe) -> Looks:
    """Return the largest score of each refractory time, as a detector would fire."""
    width = event_looks(recipe)
    whole = np.zeros(-(-len(looks) // width) * width, np.float32)
    whole[: len(looks)] = looks
    return whole.reshape(-1, width).max(axis=1)


def event_looks(recipe: WordRecipe) -> int:
    """Return the looks of a refractory time."""
    return max(1, recipe.refractory_ms * RATE // 1000 // SETTINGS.hop // recipe.step_frames)


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
