"""`kws-train keyword`: a head on the backbone's embeddings, from synthetic speech and takes, in minutes.

The backbone stays as it is. So every clip is varied and embedded once, hours of running speech are embedded once for
all phrases, and a look over all of them costs seconds. Rounds of training alternate with such looks: what the head took
for the phrase is drawn more often in the next round.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.embedded import Embeddings, compiled
from kws_training.models.backbone import head_network
from kws_training.optimisers import build_optimiser, rate_at
from kws_training.report import say
from kws_training.settings import OptimiserSettings, WordRecipe
from kws_training.tracking import ticks
from kws_training.word_clips import Placed

Windows = npt.NDArray[np.float16]
"""Shape (windows, covered, width)."""
_EARLY = 5  # embeddings before the end of the phrase: what ends earlier is only a part of it
_FAR = 12  # embeddings behind the latest positive end: what ends later has lost the beginning
_MINED_AT_MOST = 12_000
_SLOWEST = 1.3
"""People to synthesisers: 105 takes of "jarvis" last 1.03 times as long, 138 of "computer" 1.00, 9 of "athena" 1.11."""
_LEAST_SCORE = 0.02  # of a false accept worth learning from


@dataclass
class Material:
    """What a head learns from, after the backbone."""

    synthetic: Placed
    takes: Placed
    negatives: dict[str, Embeddings]
    """Streams without the phrase, and how to name them."""
    shares: dict[str, float]
    """How often a stream is drawn from."""
    stride: int
    """Feature frames of an embedding."""
    mined: Windows = field(default_factory=lambda: np.zeros((0, 0, 0), np.float16))


def covered(recipe: WordRecipe, n_pooled: int) -> int:
    """Return the embeddings that a look covers."""
    return recipe.head.reach + n_pooled


def pooled_of(recipe: WordRecipe, placed: Placed, stride: int, synthetic: Placed | None = None) -> int:
    """Return the embeddings to pool over: as long as nearly every clip of the phrase lasts, 0.6 to 1.8 s.

    Where a take's phrase begins is found by level, and in a noisy one that is where the recording begins: ten of
    "alexa" seemed to last 1.8 s. So takes count no longer than `_SLOWEST` times synthetic speech, where there is some.
    """
    if recipe.pooled:
        return recipe.pooled
    longest = float(np.quantile(placed.lengths, 0.85))
    if synthetic is not None and len(synthetic.lengths):
        longest = min(longest, _SLOWEST * float(np.quantile(synthetic.lengths, 0.85)))
    return int(np.clip(np.ceil(longest + recipe.late_frames / stride / 2), 60 // stride, 180 // stride))


def train_head(material: Material, recipe: WordRecipe, n_pooled: int, width: int) -> keras.Model:
    """Return a trained head.

    Args:
        material: what to learn from; its mined windows grow.
        recipe: how.
        n_pooled: embeddings that a look pools over.
        width: of an embedding.
    """
    keras.utils.set_random_seed(recipe.seed)
    head = head_network(recipe.head, width, n_pooled)
    settings = OptimiserSettings(
        steps=recipe.steps, warmup_steps=min(100, recipe.steps // 4), peak_rate=recipe.peak_rate, ema=0.995
    )
    for number in range(recipe.rounds):
        if number:
            material.mined = mine(head, material, recipe, n_pooled)
        _round(head, material, recipe, n_pooled, settings, number)
    return head


def _round(
    head: keras.Model,
    material: Material,
    recipe: WordRecipe,
    n_pooled: int,
    settings: OptimiserSettings,
    number: int,
) -> None:
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    peak = settings.peak_rate / (1 + number)
    settings = settings.model_copy(update={"peak_rate": peak})
    head.compile(build_optimiser(settings), loss, jit_compile=False)  # XLA: six times as slow here
    rng = np.random.default_rng((recipe.seed, number))
    batches = Draw(material, recipe, n_pooled, rng)
    total = 0.0
    for step in ticks(range(recipe.steps), f"head, round {number + 1}", recipe.steps):
        head.optimizer.learning_rate = rate_at(step, settings)
        x, y = batches()
        total += float(head.train_on_batch(x.astype(np.float32), y[:, None, None]))
    head.optimizer.finalize_variable_values(head.trainable_variables)
    say(f"round {number + 1} of {recipe.rounds}: loss {total / recipe.steps:.4f}, {len(material.mined)} mined")


class Draw:
    """Draws batches of windows."""

    def __init__(self, material: Material, recipe: WordRecipe, n_pooled: int, rng: np.random.Generator) -> None:
        self._material, self._recipe, self._rng = material, recipe, rng
        self._covered = covered(recipe, n_pooled)
        self._names = [name for name, stream in material.negatives.items() if len(stream) > self._covered]
        shares = np.array([material.shares[name] for name in self._names])
        self._shares = shares / shares.sum()
        self._late = recipe.late_frames // material.stride

    def __call__(self) -> tuple[Windows, npt.NDArray[np.float32]]:
        """Return windows and targets of a batch."""
        recipe, rng, material = self._recipe, self._rng, self._material
        n_positive = round(recipe.batch * recipe.positive_share)
        n_takes = round(n_positive * recipe.take_share) if len(material.takes.embeddings) else 0
        if not len(material.synthetic.embeddings):
            n_takes = n_positive
        parts = [
            self._ending(material.synthetic, n_positive - n_takes, 0, self._late + 1),
            self._ending(material.takes, n_takes, 0, self._late + 1),
        ]
        n_negative = recipe.batch - n_positive
        n_mined = round(0.4 * n_negative) if len(material.mined) else 0
        n_parts = round(0.12 * n_negative)
        n_of_takes = n_parts // 2 if len(material.takes.embeddings) else 0
        parts += [self._part(material.synthetic, n_parts - n_of_takes), self._part(material.takes, n_of_takes)]
        if n_mined:
            parts.append(material.mined[rng.integers(len(material.mined), size=n_mined)])
        counts = rng.multinomial(n_negative - n_mined - sum(map(len, parts[2:4])), self._shares)
        parts += [self._random(material.negatives[name], n) for name, n in zip(self._names, counts, strict=True)]
        targets = np.zeros(sum(map(len, parts)), np.float32)
        targets[:n_positive] = 1
        return np.concatenate(parts), targets

    def _ending(self, placed: Placed, n: int, first: int, last: int) -> Windows:
        """Return windows that end `first` to `last - 1` embeddings after the phrase."""
        if n == 0 or not len(placed.embeddings):
            return np.zeros((0, self._covered, self._width), np.float16)
        row = self._rng.integers(len(placed.embeddings), size=n)
        end = placed.end + self._rng.integers(first, last, size=n)
        return self._gather(placed.embeddings, row, end)

    def _part(self, placed: Placed, n: int) -> Windows:
        """Return windows that end well before the phrase does, or so late that its beginning is gone."""
        if n == 0 or not len(placed.embeddings):
            return np.zeros((0, self._covered, self._width), np.float16)
        rng = self._rng
        row = rng.integers(len(placed.embeddings), size=n)
        early = placed.end - _EARLY - rng.integers(0, 10, size=n)
        late = placed.end + self._late + _FAR
        late = late + rng.integers(0, max(1, placed.embeddings.shape[1] - late), size=n)
        end = np.where((rng.random(n) < 0.7) | (late > placed.embeddings.shape[1]), early, late)
        return self._gather(placed.embeddings, row, end)

    def _random(self, stream: Embeddings, n: int) -> Windows:
        end = self._rng.integers(self._covered, len(stream) + 1, size=n)
        at = end[:, None] + np.arange(-self._covered, 0)
        return stream[at]

    def _gather(self, embeddings: Embeddings, row: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> Windows:
        at = np.clip(end[:, None] + np.arange(-self._covered, 0), 0, embeddings.shape[1] - 1)
        return embeddings[row[:, None], at]

    @property
    def _width(self) -> int:
        material = self._material
        return int((material.synthetic if len(material.synthetic.embeddings) else material.takes).embeddings.shape[-1])


def looks(head: keras.Model, stream: Embeddings, n_covered: int, block: int = 8192) -> npt.NDArray[np.float32]:
    """Return the logit of every look at a stream, shape (embeddings + 1 - n_covered,)."""
    found = np.zeros(max(0, len(stream) + 1 - n_covered), np.float32)
    call = _call_of(head)
    for first in range(0, len(found), block):
        part = stream[first : first + block + n_covered - 1]
        whole = np.zeros((1, block + n_covered - 1, stream.shape[1]), np.float32)
        whole[0, : len(part)] = part
        n = len(part) - n_covered + 1
        found[first : first + n] = np.asarray(call(whole))[0, :n, 0]
    return found


def scores(head: keras.Model, stream: Embeddings, n_covered: int) -> npt.NDArray[np.float32]:
    """Return the probability at every embedding of a stream, zero where a look isn't covered, shape (embeddings,)."""
    found = np.zeros(len(stream), np.float32)
    found[n_covered - 1 :] = 1 / (1 + np.exp(np.clip(-looks(head, stream, n_covered), None, 80)))
    return found


@lru_cache(maxsize=2)
def _call_of(head: keras.Model) -> Any:
    return compiled(head)  # once for all streams of a look


def mine(head: keras.Model, material: Material, recipe: WordRecipe, n_pooled: int) -> Windows:
    """Return the windows of all negatives that the head takes most for the phrase, beside those mined before."""
    n_covered = covered(recipe, n_pooled)
    found: list[tuple[float, str, int]] = []
    for name, stream in material.negatives.items():
        every = scores(head, stream, n_covered)
        for at in peaks_of(every, n_covered // 3):
            found.append((float(every[at]), name, int(at)))
    found.sort(key=lambda item: -item[0])
    found = found[:_MINED_AT_MOST]
    say(f"  {sum(score > 0.5 for score, *_ in found)} false accepts at 0.5")
    windows = [material.negatives[name][at + 1 - n_covered : at + 1] for _, name, at in found]
    fresh = np.stack(windows) if windows else np.zeros((0, n_covered, recipe.head.blocks[0][0]), np.float16)
    return np.concatenate([material.mined, fresh]) if len(material.mined) else fresh


def peaks_of(every: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.int64]:
    """Return where the scores are largest within `width` to either side, and no less than `_LEAST_SCORE`."""
    candidates = np.flatnonzero(every >= _LEAST_SCORE)
    kept: list[int] = []
    for at in candidates:
        if kept and at - kept[-1] <= width:
            if every[at] > every[kept[-1]]:
                kept[-1] = int(at)
        else:
            kept.append(int(at))
    return np.array(kept, np.int64)
