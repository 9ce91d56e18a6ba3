"""Batches of one-second clips for the command classifier.

No class may be told by its origin: for every class, `image_share` of the clips are spectrograms of the pack, or audio
that went through the same eight bits and JPEG, and the rest is audio.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, Batch, add_gain, disturb, vary
from kws_training.corpora import COMMANDS
from kws_training.feature_store import FLOOR, Bytes, Clip, FeatureStore, to_logmel
from kws_training.prepare import WINDOW_FRAMES
from kws_training.settings import CommandsRecipe

SILENCE_LABEL, UNKNOWN_LABEL = "_silence_", "_unknown_"
LABELS = (SILENCE_LABEL, UNKNOWN_LABEL, *COMMANDS)


class Pool:
    """Clips of one kind to draw windows from.

    Args:
        store: where the frames are.
        clips: which of its clips; longer ones are cut at random.
    """

    def __init__(self, store: FeatureStore, clips: list[Clip]) -> None:
        self._frames = store.frames
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


def window(frames: Bytes, rng: np.random.Generator, length: int = WINDOW_FRAMES) -> Bytes:
    """Return `length` consecutive frames at a random place, zero-padded at random where the clip is shorter."""
    spare = len(frames) - length
    if spare >= 0:
        first = int(rng.integers(spare + 1))
        return frames[first : first + length]
    front = int(rng.integers(-spare + 1))
    return np.pad(frames, ((front, -spare - front), (0, 0)), constant_values=FLOOR)


class CommandData:
    """What `prepare` wrote, as pools by label and origin.

    Args:
        work: the folder of the stores.
    """

    def __init__(self, work: Path) -> None:
        self._stores = {
            name: FeatureStore(work / name)
            for name in ("words", "words-jpeg", "images", "noise", "noise-jpeg", "speech", "speech-jpeg", "wake")
        }

    def pool(self, store: str, split: str, label: str | None = None) -> Pool:
        """Return the pool of a label (a word, `_unknown_` for the other words, None for all)."""
        found = self._stores[store].select(split=split)
        if label == UNKNOWN_LABEL:
            found = [clip for clip in found if clip.label not in COMMANDS]
        elif label is not None:
            found = [clip for clip in found if clip.label == label]
        return Pool(self._stores[store], found)

    def fixed(self, store: str, split: str) -> tuple[Batch, npt.NDArray[np.int64]]:
        """Return every one-second clip of a split and its label's index, other words as unknown."""
        clips = self._stores[store].select(split=split)
        x = np.stack([self._stores[store][clip][:WINDOW_FRAMES] for clip in clips])
        return to_logmel(x), np.array([label_index(clip.label) for clip in clips])


def label_index(word: str) -> int:
    """Return the index of a word's label: commands their own, noise silence, the rest unknown."""
    if word == "noise":
        return 0
    return LABELS.index(word) if word in COMMANDS else 1


class CommandBatches:
    """An endless iterator of augmented training batches.

    Args:
        data: the pools.
        recipe: shares and augmentation.
        seed: of the random numbers.
    """

    def __init__(self, data: CommandData, recipe: CommandsRecipe, seed: int) -> None:
        self._recipe = recipe
        self._rng = np.random.default_rng(seed)
        self._noise = data.pool("noise", "train")
        words = {word: (data.pool("images", "train", word), data.pool("words", "train", word)) for word in COMMANDS}
        self._words = words
        self._unknown = (
            (data.pool("images", "train", UNKNOWN_LABEL), data.pool("words-jpeg", "train", UNKNOWN_LABEL)),
            (data.pool("words", "train", UNKNOWN_LABEL), data.pool("wake", "train")),
        )
        self._speech = (data.pool("speech-jpeg", "train"), data.pool("speech", "train"))
        self._silence = (data.pool("noise-jpeg", "train"), self._noise)
        share = (1 - recipe.unknown_share - recipe.silence_share) / len(COMMANDS)
        self._shares = [recipe.silence_share, recipe.unknown_share, *[share] * len(COMMANDS)]

    def __iter__(self) -> "CommandBatches":
        return self

    def __next__(self) -> tuple[Batch, npt.NDArray[np.float32]]:
        """Return clips (batch, 98, mels) and one-hot labels (batch, 12)."""
        rng, settings = self._rng, self._recipe
        size = settings.optimiser.batch
        labels = rng.choice(len(LABELS), size, p=self._shares)
        clips = to_logmel(np.stack([self._draw(int(label)) for label in labels]))
        noise = to_logmel(np.stack([self._noise.draw(rng) for _ in labels]))
        varied = vary(rng, clips, noise, settings.augment)
        silent = labels == 0
        quiet = add_gain(clips[silent], rng.uniform(-45, 5, (int(silent.sum()), 1)))
        varied[silent] = disturb(rng, quiet, np.full_like(quiet, SILENCE), settings.augment)
        return varied, np.eye(len(LABELS), dtype=np.float32)[labels]

    def _draw(self, label: int) -> Bytes:
        rng = self._rng
        origin = 0 if rng.random() < self._recipe.image_share else 1
        if label == 0:
            return self._silence[origin].draw(rng)
        if label > 1:
            return self._words[LABELS[label]][origin].draw(rng)
        if rng.random() < self._recipe.speech_share:
            return self._speech[origin].draw_loud(rng)
        pools = self._unknown[origin]
        first_share = 0.6 if origin == 0 else 0.85
        return pools[0 if rng.random() < first_share else 1].draw_loud(rng)


def validation(data: CommandData, seed: int = 0) -> tuple[Batch, npt.NDArray[np.int64]]:
    """Return the validation speakers' clips and labels, images and audio, with as much silence as an average word."""
    parts: list[tuple[Any, Any]] = [data.fixed("images", "dev"), data.fixed("words", "dev")]
    rng = np.random.default_rng(seed)
    noise = data.pool("noise", "dev")
    silence = to_logmel(np.stack([noise.draw(rng) for _ in range(400)]))
    parts.append((add_gain(silence, rng.uniform(-30, 0, (400, 1))), np.zeros(400, np.int64)))
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
