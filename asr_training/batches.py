"""Batches of equal audio length: every one follows from (seed, epoch, number) alone, so training resumes exactly."""

import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr_training.augment import alter, mask
from asr_training.phones import Lexicon
from asr_training.prepare import Cache, Cached
from asr_training.settings import Recipe
from asr_training.units import Units, frames_needed
from voice.audio.features import finished

_AHEAD = 6
_FRAMES_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Part:
    """Which utterances of every batch are this process's, where several train one network."""

    rank: int = 0
    size: int = 1


ALONE = Part()


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded features and labels; with two maskings of each utterance, the second half is the first's again."""

    features: npt.NDArray[np.float32]
    """(b, t, bins), zero where padded; t is a multiple of the network's subsampling."""
    n_frames: npt.NDArray[np.int32]
    """Label frames of each utterance, shape (b,)."""
    labels: npt.NDArray[np.int32]
    """(b, longest), zero (blank) where padded."""
    texts: tuple[str, ...]
    phones: npt.NDArray[np.int32]
    """(b, longest), zero where padded; one phone stands in where the lexicon lacks a word."""
    phones_known: npt.NDArray[np.float32]
    """1 where the phones are the utterance's, else 0; shape (b,)."""
    counts: npt.NDArray[np.float32]
    """1 where the row is an utterance, 0 where it fills the batch; shape (b,)."""

    @property
    def label_frames(self) -> int:
        """Label frames of all utterances together."""
        return int((self.n_frames * self.counts).sum())

    def rounded(self, *, n_frames: int, n_rows: int, n_labels: int) -> "Batch":
        """Return the batch with its axes filled up to multiples: a compiler that wants fixed shapes then sees few."""
        rows, time, _ = self.features.shape
        more_rows, more_time = -rows % n_rows, -time % n_frames
        rows_only = ((0, more_rows),)

        def wider(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
            filled = np.pad(labels, (*rows_only, (0, -labels.shape[1] % n_labels)))
            filled[rows:, 0] = 1
            return filled

        return Batch(
            np.pad(self.features, (*rows_only, (0, more_time), (0, 0))),
            np.pad(self.n_frames, rows_only, constant_values=1),
            wider(self.labels),
            self.texts,
            wider(self.phones),
            np.pad(self.phones_known, rows_only),
            np.pad(self.counts, rows_only),
        )


def epoch_plan(utterances: list[Cached], recipe: Recipe, epoch: int) -> list[list[Cached]]:
    """Return an epoch's utterances in batches of about `batch_seconds`, similar lengths together, in random order.

    The first `short_epochs` hold short utterances only: an alignment is found sooner there (curriculum of
    Deep Speech 2, Amodei et al. 2015, arXiv:1512.02595, section 3.2).
    """
    schedule = recipe.schedule
    rng = np.random.default_rng([recipe.seed, 1, epoch])
    longest = schedule.short_seconds if epoch < schedule.short_epochs else np.inf
    drawn = []
    for utterance in utterances:
        weight = recipe.weights.get(utterance.corpus, 1.0)
        copies = int(weight) + int(rng.random() < weight % 1)
        drawn += [utterance] * copies if utterance.seconds <= longest else []
    drawn.sort(key=lambda utterance: utterance.frames * rng.uniform(0.9, 1.1))
    batches = _fill(drawn, schedule.batch_seconds * _FRAMES_PER_SECOND)
    return [batches[i] for i in rng.permutation(len(batches))]


def make_batch(
    cache: Cache,
    utterances: list[Cached],
    recipe: Recipe,
    seed: list[int] | None,
    lexicon: Lexicon | None = None,
    part: Part = ALONE,
) -> Batch:
    """Return padded features and labels.

    Args:
        cache: where the features are.
        utterances: the batch.
        recipe: features, units and augmentation.
        seed: of the augmentation; None for none, and for one row an utterance.
        lexicon: gives the phones; None for none.
        part: whose rows to make; what an utterance becomes doesn't depend on it.
    """
    units = Units(recipe, lexicon)
    mine = list(enumerate(utterances))[part.rank :: part.size]
    counts = np.ones(max(1, len(mine)), np.float32) * bool(mine)
    mine = mine or [(0, utterances[0])]  # every process takes every step
    labels = [units.encode(utterance.text) for _, utterance in mine]
    counts *= [bool(row) for row in labels]
    labels = [row or [1] for row in labels]
    if seed is None:
        views = [[cache.features(utterance)] for _, utterance in mine]
    else:
        views = [
            _views(cache, cache.stored(utterance), labels[i], recipe, np.random.default_rng([*seed, number]))
            for i, (number, utterance) in enumerate(mine)
        ]
    arrays = [view[i] for i in range(len(views[0])) for view in views]
    n_views = len(views[0])
    subsampling = recipe.network.subsampling
    longest = -(-max(len(array) for array in arrays) // subsampling) * subsampling
    features = np.zeros((len(arrays), longest, recipe.features.bins), np.float32)
    for i, array in enumerate(arrays):
        features[i, : len(array)] = array
    n_frames = np.array([recipe.network.label_frames(len(array)) for array in arrays], np.int32)
    texts = tuple(utterance.text for _, utterance in mine)
    phones = [lexicon.labels(text) if lexicon else [] for text in texts]
    known = np.array([bool(row) for row in phones], np.float32)
    return Batch(
        features,
        n_frames,
        np.tile(_padded(labels), (n_views, 1)),
        texts,
        np.tile(_padded([row or [1] for row in phones]), (n_views, 1)),
        np.tile(known, n_views),
        np.tile(counts, n_views),
    )


def learnable(utterances: list[Cached], recipe: Recipe, lexicon: Lexicon | None) -> list[Cached]:
    """Return the utterances whose labels are known and fit their label frames: CTC has no finite loss for others."""
    units = Units(recipe, lexicon)
    encoded = [(utterance, units.encode(utterance.text)) for utterance in utterances]
    return [
        utterance
        for utterance, labels in encoded
        if labels and frames_needed(labels) <= recipe.network.label_frames(utterance.frames)
    ]


def _views(
    cache: Cache, x: npt.NDArray[np.float32], labels: list[int], recipe: Recipe, rng: np.random.Generator
) -> list[npt.NDArray[np.float32]]:
    """Return an utterance as it is learnt: altered, and masked once or, for consistency, twice."""
    base = recipe.features.base
    augment = recipe.augment
    if base.kind == "waveform":  # it has no frequencies to mask
        augment = augment.model_copy(update={"frequency_masks": 0})
    altered = alter(x, cache.noise, augment, base, rng)
    too_fast = recipe.network.label_frames(len(altered)) <= frames_needed(labels)
    n_views = 2 if recipe.schedule.consistency else 1
    masked = [x if too_fast else mask(altered, augment, rng) for _ in range(n_views)]
    return [finished(view, recipe.features) for view in masked]


def training_batches(
    cache: Cache,
    utterances: list[Cached],
    recipe: Recipe,
    epoch: int,
    position: int,
    lexicon: Lexicon | None = None,
    part: Part = ALONE,
) -> Generator[tuple[int, int, Batch]]:
    """Yield (epoch, position after it, batch) for ever from a position, made ahead in a thread.

    Args:
        cache: where the features are.
        utterances: what is learnt.
        recipe: decides about batches and augmentation.
        epoch: where to begin.
        position: batches of that epoch already learnt.
        lexicon: gives phones; None for none.
        part: which rows of every batch to make.

    Raises:
        EarshotError: a batch can't be made; the error of the thread that makes them.
    """
    ready: queue.Queue[tuple[int, int, Batch] | BaseException] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def put(item: tuple[int, int, Batch] | BaseException) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in _endless(cache, utterances, recipe, epoch, position, lexicon, part):
                if not put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for the batch
            put(error)

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()


def _endless(
    cache: Cache,
    utterances: list[Cached],
    recipe: Recipe,
    epoch: int,
    position: int,
    lexicon: Lexicon | None,
    part: Part,
) -> Iterator[tuple[int, int, Batch]]:
    while True:
        plan = epoch_plan(utterances, recipe, epoch)
        for number in range(position, len(plan)):
            seed = [recipe.seed, 2, epoch, number]
            yield epoch, number + 1, make_batch(cache, plan[number], recipe, seed, lexicon, part)
        epoch, position = epoch + 1, 0


def _padded(rows: list[list[int]]) -> npt.NDArray[np.int32]:
    padded = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def _fill(utterances: list[Cached], n_frames: float) -> list[list[Cached]]:
    batches: list[list[Cached]] = []
    for utterance in utterances:  # ascending length: the newest is the longest
        if not batches or (len(batches[-1]) + 1) * utterance.frames > n_frames:
            batches.append([])
        batches[-1].append(utterance)
    return batches
