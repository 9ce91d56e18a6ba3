"""Batches of one-second clips for a classifier of single words.

No class may be told by its origin: for every class, `image_share` of the clips are spectrograms of the pack, or audio
that went through the same eight bits and JPEG, and the rest is audio. A kind of clip that a data set doesn't have
(spectrograms, running speech, wake words) is simply not drawn.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, Batch, add_gain, disturb, vary
from kws_training.dataset import LABELS, PACK, SILENCE_LABEL, UNKNOWN_LABEL, Dataset, read_dataset
from kws_training.feature_store import FLOOR, Bytes, Clip, FeatureStore, to_logmel
from kws_training.prepare import WINDOW_FRAMES
from kws_training.settings import CommandsRecipe
from kws_training.windows import isolated, spliced, window

TARGETS = PACK.targets
"""Of the data pack: each other word is a target of its own, and `_unknown_` is speech that is none of them."""
STORES = ("words", "words-jpeg", "images", "noise", "noise-jpeg", "speech", "speech-jpeg", "wake")
_TALKERS = 5
_FEW = 100
"""Audio clips of a word below which only its spectrograms are drawn: a few clips would be learnt by heart."""

__all__ = ["LABELS", "SILENCE_LABEL", "TARGETS", "UNKNOWN_LABEL", "CommandBatches", "CommandData", "Pool"]


class Pool:
    """Clips of one kind to draw windows from.

    Args:
        store: where the frames are; None where there is no such store.
        clips: which of its clips; longer ones are cut at random.
    """

    def __init__(self, store: FeatureStore | None, clips: list[Clip]) -> None:
        self._frames = store.frames if store else np.zeros((0, 0), np.uint8)
        self._clips = [clip for clip in clips if clip.n_frames >= WINDOW_FRAMES // 2]

    def __len__(self) -> int:
        return len(self._clips)

    def draw(self, rng: np.random.Generator) -> Bytes:
        """Return a random window, shape (98, mels); a clip shorter than that lies in digital silence."""
        return window(self._any(rng), rng)

    def draw_loud(self, rng: np.random.Generator) -> Bytes:
        """Return a window that holds one of the louder moments of its clip, so that it isn't a pause."""
        frames = self._any(rng)
        level = frames.sum(axis=1, dtype=np.int32)
        moments = np.flatnonzero(level >= np.quantile(level, 0.9))
        first = int(rng.choice(moments)) - int(rng.integers(15, WINDOW_FRAMES - 15))
        first = max(0, min(first, len(frames) - WINDOW_FRAMES))
        return window(frames[first : first + WINDOW_FRAMES], rng)

    def _any(self, rng: np.random.Generator) -> Bytes:
        clip = self._clips[rng.integers(len(self._clips))]
        return self._frames[clip.start : clip.stop]


def label_index(word: str) -> int:
    """Return the index of a word's label in the data pack: commands their own, noise silence, the rest unknown."""
    label = PACK.label_of(word)
    return LABELS.index(UNKNOWN_LABEL) if label is None else label


class CommandData:
    """What `prepare` wrote, as pools by label and origin.

    Args:
        work: the folder of the stores.

    Raises:
        DataError: nothing was prepared there, or with another feature definition.
    """

    def __init__(self, work: Path) -> None:
        self.dataset: Dataset = read_dataset(work)
        self._stores = {name: FeatureStore(work / name) for name in STORES if (work / name / "clips.jsonl").exists()}

    def pool(self, store: str, split: str, label: str | None = None) -> Pool:
        """Return the pool of a label (a word, `_unknown_` for the other words, None for all)."""
        if store not in self._stores:
            return Pool(None, [])
        found = self._stores[store].select(split=split)
        if label == UNKNOWN_LABEL:
            found = [clip for clip in found if clip.label not in self.dataset.words]
        elif label is not None:
            found = [clip for clip in found if clip.label == label]
        return Pool(self._stores[store], found)

    def fixed(
        self, store: str, split: str, index: Callable[[str], int | None] | None = None
    ) -> tuple[Batch, npt.NDArray[np.int64]]:
        """Return every one-second clip of a split that has a label, and the index of its word."""
        index = index or self.dataset.label_of
        clips = self._stores[store].select(split=split) if store in self._stores else []
        chosen = [clip for clip in clips if index(clip.label) is not None]
        x = np.zeros((len(chosen), WINDOW_FRAMES, self.dataset.features.mels), np.uint8) + np.uint8(FLOOR)
        for row, clip in zip(x, chosen, strict=True):
            frames = self._stores[store][clip][:WINDOW_FRAMES]
            row[: len(frames)] = frames
        return to_logmel(x), np.array([index(clip.label) for clip in chosen], np.int64)


class CommandBatches:
    """Augmented training batches; batch number n is the same whenever and wherever it is made.

    Args:
        data: the pools.
        recipe: shares and augmentation.
        seed: of the random numbers.
    """

    def __init__(self, data: CommandData, recipe: CommandsRecipe, seed: int) -> None:
        self._recipe = recipe
        self._seed = seed
        self._dataset = dataset = data.dataset
        self._targets = dataset.targets
        self._noise = data.pool("noise", "train")
        self._words = {
            word: tuple(data.pool(store, "train", word) for store in ("images", "words-jpeg", "words"))
            for word in (*dataset.words, *dataset.other_words, UNKNOWN_LABEL)
        }
        others = (*dataset.other_words, UNKNOWN_LABEL)
        self._others = [word for word in others if word not in recipe.unseen and any(map(len, self._words[word]))]
        self._wake = data.pool("wake", "train")
        self._speech = (data.pool("speech-jpeg", "train", "speech"), data.pool("speech", "train", "speech"))
        self._silence = (data.pool("noise-jpeg", "train"), self._noise)
        has_images = any(len(images) + len(jpegs) for images, jpegs, _ in self._words.values())
        self._image_share = recipe.image_share if has_images else 0.0
        self._shares = shares(dataset, recipe)

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.float32]]:
        """Return clips (batch, 98, mels) and one-hot targets (batch, targets) of a batch."""
        rng, settings = np.random.default_rng((self._seed, number)), self._recipe
        size = settings.optimiser.batch
        labels = rng.choice(len(self._shares), size, p=self._shares)
        drawn = [self._draw(rng, int(label)) for label in labels]
        targets = np.array([target for target, _ in drawn])
        clips = to_logmel(np.stack([frames for _, frames in drawn]))
        babble = rng.random(size) < (settings.augment.babble_share if len(self._speech[1]) else 0.0)
        noise = np.stack([self._babble(rng) if talk else to_logmel(self._noise.draw(rng)) for talk in babble])
        varied = vary(rng, clips, noise, settings.augment)
        silent = targets == (-1 if self._dataset.silence is None else self._dataset.silence)
        if not silent.any():
            return varied, np.eye(len(self._targets), dtype=np.float32)[targets]
        quiet = add_gain(clips[silent], rng.uniform(-45, 5, (int(silent.sum()), 1)))
        varied[silent] = disturb(rng, quiet, np.full_like(quiet, SILENCE), settings.augment)
        return varied, np.eye(len(self._targets), dtype=np.float32)[targets]

    def _draw(self, rng: np.random.Generator, label: int) -> tuple[int, Bytes]:
        """Return the target and the frames of a clip with one of the labels."""
        origin = 0 if rng.random() < self._image_share else 1
        if label == self._dataset.silence:
            return label, (self._silence[origin] if len(self._silence[origin]) else self._noise).draw(rng)
        is_unknown = label == self._dataset.unknown
        kind = rng.random()
        if is_unknown and len(self._speech[origin]) and (kind < self._recipe.speech_share or not self._others):
            use_wake = origin == 1 and len(self._wake) and rng.random() < 0.15
            cut = (self._wake if use_wake else self._speech[origin]).draw_loud(rng)
            return label, isolated(rng, cut) if rng.random() < self._recipe.isolated_share else cut
        if is_unknown and kind >= 1 - self._recipe.spliced_share:
            words = (*self._dataset.words, *self._others)
            front, back = (self._word(rng, words[n], origin) for n in rng.choice(len(words), 2, replace=False))
            return label, spliced(rng, front, back)
        word = self._others[rng.integers(len(self._others))] if is_unknown else self._dataset.labels[label]
        target = self._targets.index(word) if word in self._targets else label
        return target, self._word(rng, word, origin)

    def _word(self, rng: np.random.Generator, word: str, origin: int) -> Bytes:
        images, jpegs, audio = self._words[word]
        if (origin == 1 and len(audio) >= _FEW) or not len(images) + len(jpegs):
            return audio.draw(rng)
        # In the pack a spectrogram of a command's audio is mostly one of its images already; of others there are few.
        is_new = word not in self._dataset.words or self._dataset.layout != "pack"
        use_jpegs = is_new and rng.random() * (len(images) + len(jpegs)) >= len(images)
        return (jpegs if use_jpegs or not len(images) else images).draw(rng)

    def _babble(self, rng: np.random.Generator) -> Batch:
        """Return the mean power of several people who talk at once, as ln(P + 1e-6)."""
        talkers = to_logmel(np.stack([self._speech[1].draw(rng) for _ in range(_TALKERS)]))
        return np.asarray(np.log(np.exp(talkers).mean(axis=0)), np.float32)


def shares(dataset: Dataset, recipe: CommandsRecipe) -> npt.NDArray[np.float64]:
    """Return the share of a batch that each label gets, shape (labels,); words are drawn equally often."""
    silence = recipe.silence_share if dataset.silence is not None else 0.0
    unknown = recipe.unknown_share if dataset.unknown is not None else 0.0
    found = np.full(len(dataset.labels), (1 - silence - unknown) / len(dataset.words))
    if dataset.silence is not None:
        found[dataset.silence] = silence
    if dataset.unknown is not None:
        found[dataset.unknown] = unknown
    return found


def command_batches(work: Path, recipe: CommandsRecipe) -> CommandBatches:
    """Return the batches of a recipe."""
    return CommandBatches(CommandData(work), recipe, recipe.optimiser.seed)


def speech_cuts(data: CommandData, split: str, n_cuts: int = 2000, seed: int = 0) -> Batch:
    """Return one-second cuts of a split's running speech around loud moments; none where there is no such speech."""
    rng = np.random.default_rng(seed)
    pool = data.pool("speech", split)
    if not len(pool):
        return np.zeros((0, WINDOW_FRAMES, data.dataset.features.mels), np.float32)
    return to_logmel(np.stack([pool.draw_loud(rng) for _ in range(n_cuts)]))


def validation(data: CommandData, seed: int = 0) -> tuple[Batch, npt.NDArray[np.int64]]:
    """Return the validation speakers' clips and targets, images and audio, with as much silence as an average word."""
    dataset = data.dataset
    parts: list[tuple[Any, Any]] = [data.fixed(store, "dev", dataset.target_of) for store in ("images", "words")]
    if dataset.silence is not None:
        rng = np.random.default_rng(seed)
        words = np.concatenate([labels for _, labels in parts])
        n_words = int(((words >= dataset.n_special) & (words < len(dataset.labels))).sum())
        n_silent = max(1, round(n_words / len(dataset.words)))
        noise = data.pool("noise", "dev")
        silence = to_logmel(np.stack([noise.draw(rng) for _ in range(n_silent)]))
        quiet = add_gain(silence, rng.uniform(-30, 0, (n_silent, 1)))
        parts.append((quiet, np.full(n_silent, dataset.silence, np.int64)))
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
