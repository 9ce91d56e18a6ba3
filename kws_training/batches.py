"""Batches of one-second clips for the command classifier.

No class may be told by its origin: for every class, `image_share` of the clips are spectrograms of the pack, or audio
that went through the same eight bits and JPEG, and the rest is audio.
"""

from collections.abc import Callable
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
OTHER_WORDS = (
    *("backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy", "house", "learn"),
    *("marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "visual", "wow", "zero"),
)
TARGETS = (*LABELS, *OTHER_WORDS)
"""What the network learns: each other word is a target of its own, and `_unknown_` is speech that is none of them."""
_TALKERS = 5
_FEW = 100
"""Audio clips of a word below which only its spectrograms are drawn: a few clips would be learnt by heart."""


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


def label_index(word: str) -> int:
    """Return the index of a word's label: commands their own, noise silence, the rest unknown."""
    if word == "noise":
        return 0
    return LABELS.index(word) if word in COMMANDS else 1


def target_index(word: str) -> int:
    """Return the index among `TARGETS` of a clip's label; running speech and wake words are `_unknown_`."""
    if word == "noise":
        return 0
    return TARGETS.index(word) if word in TARGETS else 1


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

    def fixed(
        self, store: str, split: str, index: Callable[[str], int] = label_index
    ) -> tuple[Batch, npt.NDArray[np.int64]]:
        """Return every one-second clip of a split and the index of its word."""
        clips = self._stores[store].select(split=split)
        x = np.stack([self._stores[store][clip][:WINDOW_FRAMES] for clip in clips])
        return to_logmel(x), np.array([index(clip.label) for clip in clips])


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
        self._noise = data.pool("noise", "train")
        self._words = {
            word: tuple(data.pool(store, "train", word) for store in ("images", "words-jpeg", "words"))
            for word in (*COMMANDS, *OTHER_WORDS)
        }
        self._others = [word for word in OTHER_WORDS if word not in recipe.unseen]
        self._wake = data.pool("wake", "train")
        self._speech = (data.pool("speech-jpeg", "train", "speech"), data.pool("speech", "train", "speech"))
        self._silence = (data.pool("noise-jpeg", "train"), self._noise)
        share = (1 - recipe.unknown_share - recipe.silence_share) / len(COMMANDS)
        self._shares = [recipe.silence_share, recipe.unknown_share, *[share] * len(COMMANDS)]

    def __call__(self, number: int) -> tuple[Batch, npt.NDArray[np.float32]]:
        """Return clips (batch, 98, mels) and one-hot targets (batch, 37) of a batch."""
        rng, settings = np.random.default_rng((self._seed, number)), self._recipe
        size = settings.optimiser.batch
        labels = rng.choice(len(LABELS), size, p=self._shares)
        drawn = [self._draw(rng, int(label)) for label in labels]
        targets = np.array([target for target, _ in drawn])
        clips = to_logmel(np.stack([frames for _, frames in drawn]))
        babble = rng.random(size) < settings.augment.babble_share
        noise = np.stack([self._babble(rng) if talk else to_logmel(self._noise.draw(rng)) for talk in babble])
        varied = vary(rng, clips, noise, settings.augment)
        silent = targets == 0
        if not silent.any():
            return varied, np.eye(len(TARGETS), dtype=np.float32)[targets]
        quiet = add_gain(clips[silent], rng.uniform(-45, 5, (int(silent.sum()), 1)))
        varied[silent] = disturb(rng, quiet, np.full_like(quiet, SILENCE), settings.augment)
        return varied, np.eye(len(TARGETS), dtype=np.float32)[targets]

    def _draw(self, rng: np.random.Generator, label: int) -> tuple[int, Bytes]:
        """Return the target and the frames of a clip with one of the twelve labels."""
        origin = 0 if rng.random() < self._recipe.image_share else 1
        if label == 0:
            return 0, self._silence[origin].draw(rng)
        if label == 1 and rng.random() < self._recipe.speech_share:
            pool = self._wake if origin == 1 and rng.random() < 0.15 else self._speech[origin]
            return 1, pool.draw_loud(rng)
        word = LABELS[label] if label > 1 else self._others[rng.integers(len(self._others))]
        images, jpegs, audio = self._words[word]
        if origin == 1 and len(audio) >= _FEW:
            return TARGETS.index(word), audio.draw(rng)
        # A spectrogram of a command's audio is mostly one of its images already; of the others there are few images.
        use_jpegs = label == 1 and rng.random() * (len(images) + len(jpegs)) >= len(images)
        return TARGETS.index(word), (jpegs if use_jpegs else images).draw(rng)

    def _babble(self, rng: np.random.Generator) -> Batch:
        """Return the mean power of several people who talk at once, as ln(P + 1e-6)."""
        talkers = to_logmel(np.stack([self._speech[1].draw(rng) for _ in range(_TALKERS)]))
        return np.asarray(np.log(np.exp(talkers).mean(axis=0)), np.float32)


def command_batches(work: Path, recipe: CommandsRecipe) -> CommandBatches:
    """Return the batches of a recipe."""
    return CommandBatches(CommandData(work), recipe, recipe.optimiser.seed)


def validation(data: CommandData, seed: int = 0) -> tuple[Batch, npt.NDArray[np.int64]]:
    """Return the validation speakers' clips and targets, images and audio, with as much silence as an average word."""
    parts: list[tuple[Any, Any]] = [data.fixed(store, "dev", target_index) for store in ("images", "words")]
    rng = np.random.default_rng(seed)
    noise = data.pool("noise", "dev")
    silence = to_logmel(np.stack([noise.draw(rng) for _ in range(400)]))
    parts.append((add_gain(silence, rng.uniform(-30, 0, (400, 1))), np.zeros(400, np.int64)))
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
