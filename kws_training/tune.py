"""Backbone and head trained on together for one phrase: what a network of this size can tell apart, it spends on it.

A clip is looked at everywhere. Of a clip with the phrase the best look within `late_frames` after its end shall say
yes, and the best look at a part of it no; of any other clip the best look of all shall say no (max pooling over time,
Sun et al. 2016, arXiv 1705.02411, section 3). So a step teaches what the detector's false accepts and misses are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.augment import Batch, disturb
from kws_training.feature_store import Clip, to_logmel
from kws_training.feed import Feed
from kws_training.optimisers import build_optimiser, rate_at
from kws_training.report import say
from kws_training.settings import OptimiserSettings, WordRecipe
from kws_training.tracking import ticks
from kws_training.word_clips import LENGTH, Sources, noise_under, shares_of, varied

_EARLY = 5  # looks before the end of the phrase: what ends earlier is only a part of it
_NO = np.float32(-1e4)


@dataclass(frozen=True, slots=True)
class Found:
    """A false accept in a stream of negatives."""

    source: str
    """Name of the stream."""
    end: int
    """Frame of the stream just after it."""


@keras.saving.register_keras_serializable("earshot")
class BestLook(keras.losses.Loss):
    """Binary cross-entropy of the best look of each clip; targets: phrase or not, first and last look that may hear it.

    Args:
        part: weight of the looks at parts of the phrase.
    """

    def __init__(self, part: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        self.part = part

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each clip, shape (batch,), of logits, shape (batch, looks, 1)."""
        ops = keras.ops
        logits = y_pred[:, :, 0]
        look = ops.arange(ops.shape(logits)[1], dtype="float32")[None]
        there, first, last = y_true[:, 0], y_true[:, 1:2], y_true[:, 2:3]
        at_end = ops.max(ops.where((look >= first) & (look <= last), logits, _NO), axis=1)
        before = ops.max(ops.where(look < first - _EARLY, logits, _NO), axis=1)
        anywhere = ops.max(logits, axis=1)
        missed = ops.softplus(-at_end) + self.part * ops.softplus(before)
        return there * missed + (1 - there) * ops.softplus(anywhere)


class TuneBatches:
    """Batches of whole clips; batch number n is the same whenever it is made.

    Args:
        sources: what there is to draw from.
        recipe: shares and augmentation.
        found: false accepts to learn from.
        looks: first and last look that may hear the phrase.
        seed: of the random numbers.
    """

    def __init__(
        self,
        sources: Callable[[], Sources],
        recipe: WordRecipe,
        found: Sequence[Found],
        looks: tuple[int, int],
        seed: int,
    ) -> None:
        self._sources, self._recipe, self._found, self._looks, self._seed = sources(), recipe, found, looks, seed

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.float32]]:
        """Return clips (batch, LENGTH, mels) and targets as `BestLook` takes them."""
        recipe, sources = self._recipe, self._sources
        rng = np.random.default_rng((self._seed, number))
        n_positive = round(recipe.tune_batch * recipe.positive_share)
        n_takes = round(n_positive * recipe.take_share) if sources.takes else 0
        n_near = round(recipe.tune_batch * recipe.near_share) if sources.near else 0
        said = [
            (sources.spoken, clips)
            for clips, n in ((sources.keyword, n_positive - n_takes), (sources.near, n_near))
            for clips in _drawn(rng, clips, n)
        ]
        taken = [(sources.takes_store or sources.spoken, clip) for clip in _drawn(rng, sources.takes, n_takes)]
        rows = [*said[: n_positive - n_takes], *taken, *said[n_positive - n_takes :]]
        clips, _ = varied(rng, [(store[clip], clip) for store, clip in rows], recipe, sources)
        others = self._others(rng, recipe.tune_batch - len(rows))
        targets = np.zeros((recipe.tune_batch, 3), np.float32)
        targets[:n_positive, 0] = 1
        targets[:, 1:] = self._looks
        return np.concatenate([clips, others]), targets

    def _others(self, rng: np.random.Generator, n: int) -> Batch:
        """Return stretches of negative streams, most of them false accepts."""
        sources, frames = self._sources, []
        shares = shares_of({name: len(stream) for name, stream in sources.negatives.items()})
        names, weights = list(shares), np.array(list(shares.values()))
        for _ in range(n):
            if self._found and rng.random() < self._recipe.mined_share:
                found = self._found[rng.integers(len(self._found))]
                frames.append(sources.negatives[found.source].ending(found.end + int(rng.integers(0, 120)), LENGTH))
                continue
            stream = sources.negatives[names[int(rng.choice(len(names), p=weights))]]
            frames.append(stream.ending(int(rng.integers(LENGTH, max(LENGTH + 1, len(stream)))), LENGTH))
        clips = to_logmel(np.stack(frames))
        return disturb(rng, clips, noise_under(rng, sources, n), self._recipe.augment)


def _drawn(rng: np.random.Generator, clips: Sequence[Clip], n: int) -> list[Clip]:
    return [clips[i] for i in rng.integers(len(clips), size=n)] if n else []


def tune(
    network: keras.Model, batches: Callable[[], TuneBatches], recipe: WordRecipe, number: int, *, n_processes: int = 1
) -> None:
    """Train a whole network for a round, in place.

    Args:
        network: from ln(P + 1e-6), shape (batch, time, mels), to logits, shape (batch, looks, 1).
        batches: returns the maker of the batches; picklable.
        recipe: steps and rates.
        number: of the round: later ones learn more slowly.
        n_processes: that make batches ahead.
    """
    settings = OptimiserSettings(
        steps=recipe.tune_steps, warmup_steps=30, peak_rate=recipe.tune_rate / (1 + number), ema=0.98, weight_decay=0.01
    )
    network.compile(build_optimiser(settings), BestLook(), jit_compile=False)
    feed, total = Feed(batches, n_processes), 0.0
    try:
        batches_ahead = feed.batches(0, recipe.tune_steps)
        for step, (x, y) in enumerate(ticks(batches_ahead, f"tuning, round {number + 1}", recipe.tune_steps)):
            network.optimizer.learning_rate = rate_at(step, settings)
            total += float(network.train_on_batch(x, y))
    finally:
        feed.close()
    network.optimizer.finalize_variable_values(network.trainable_variables)
    say(f"tuned, round {number + 1} of {recipe.tune_rounds}: loss {total / recipe.tune_steps:.4f}")
