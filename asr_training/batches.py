"""Batches of equal audio length: every one follows from (seed, epoch, number) alone, so training resumes exactly."""

import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr_training.augment import augment
from asr_training.manifest import label_frames_needed
from asr_training.models.convolutional import LABELS_PER_FRAME, SUBSAMPLING
from asr_training.phones import Lexicon
from asr_training.prepare import Cache, Cached
from asr_training.settings import Recipe
from voice.text import Alphabet

_AHEAD = 6
_FRAMES_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded features and labels."""

    features: npt.NDArray[np.float32]
    """(b, t, mels), zero where padded; t is a multiple of 8."""
    n_frames: npt.NDArray[np.int32]
    """Label frames of each utterance, shape (b,)."""
    labels: npt.NDArray[np.int32]
    """(b, longest), zero (blank) where padded."""
    texts: tuple[str, ...]
    phones: npt.NDArray[np.int32]
    """(b, longest), zero where padded; one phone stands in where the lexicon lacks a word."""
    phones_known: npt.NDArray[np.float32]
    """1 where the phones are the utterance's, else 0; shape (b,)."""


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
    cache: Cache, utterances: list[Cached], recipe: Recipe, seed: list[int] | None, lexicon: Lexicon | None = None
) -> Batch:
    """Return padded features and labels.

    Args:
        cache: where the features are.
        utterances: the batch.
        recipe: features and augmentation.
        seed: of the augmentation; None for none.
        lexicon: gives the phones; None for none.
    """
    alphabet, noise = Alphabet(), cache.noise
    arrays = [cache.features(utterance) for utterance in utterances]
    if seed is not None:
        rng = np.random.default_rng(seed)
        for i, utterance in enumerate(utterances):
            altered = augment(arrays[i], noise, recipe.augment, recipe.features.offset, rng)
            if label_frames(len(altered)) > label_frames_needed(utterance.text):
                arrays[i] = altered
    longest = -(-max(len(array) for array in arrays) // SUBSAMPLING) * SUBSAMPLING
    features = np.zeros((len(arrays), longest, recipe.features.bins), np.float32)
    labels = _padded([alphabet.encode(utterance.text) for utterance in utterances])
    for i, array in enumerate(arrays):
        features[i, : len(array)] = array
    n_frames = np.array([label_frames(len(array)) for array in arrays], np.int32)
    texts = tuple(utterance.text for utterance in utterances)
    phones = [lexicon.labels(text) if lexicon else [] for text in texts]
    known = np.array([bool(row) for row in phones], np.float32)
    return Batch(features, n_frames, labels, texts, _padded([row or [1] for row in phones]), known)


def label_frames(n_frames: int) -> int:
    """Return the label frames of `n_frames` feature frames."""
    return -(-n_frames // SUBSAMPLING) * LABELS_PER_FRAME


def training_batches(
    cache: Cache, utterances: list[Cached], recipe: Recipe, epoch: int, position: int, lexicon: Lexicon | None = None
) -> Generator[tuple[int, int, Batch]]:
    """Yield (epoch, position after it, batch) for ever from a position, made ahead in a thread."""
    ready: queue.Queue[tuple[int, int, Batch]] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def produce() -> None:
        for item in _endless(cache, utterances, recipe, epoch, position, lexicon):
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if stop.is_set():
                return

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    try:
        while True:
            yield ready.get()
    finally:
        stop.set()
        worker.join()


def _endless(
    cache: Cache, utterances: list[Cached], recipe: Recipe, epoch: int, position: int, lexicon: Lexicon | None
) -> Iterator[tuple[int, int, Batch]]:
    while True:
        plan = epoch_plan(utterances, recipe, epoch)
        for number in range(position, len(plan)):
            seed = [recipe.seed, 2, epoch, number]
            yield epoch, number + 1, make_batch(cache, plan[number], recipe, seed, lexicon)
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
