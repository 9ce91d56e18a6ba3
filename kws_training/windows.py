"""Windows of a fixed length from clips of any, and words that nobody trained, made of pieces of others."""

import numpy as np

from kws_training.feature_store import FLOOR, Bytes, to_logmel
from kws_training.prepare import WINDOW_FRAMES


def window(frames: Bytes, rng: np.random.Generator, length: int = WINDOW_FRAMES) -> Bytes:
    """Return `length` consecutive frames at a random place, zero-padded at random where the clip is shorter."""
    spare = len(frames) - length
    if spare >= 0:
        first = int(rng.integers(spare + 1))
        return frames[first : first + length]
    front = int(rng.integers(-spare + 1))
    return np.pad(frames, ((front, -spare - front), (0, 0)), constant_values=FLOOR)


def looped(frames: Bytes, rng: np.random.Generator, length: int) -> Bytes:
    """Return `length` frames from a random place of a recording that is repeated where it is shorter."""
    if len(frames) < length:
        frames = np.tile(frames, (-(-length // len(frames)), 1))
    return window(frames, rng, length)


def isolated(rng: np.random.Generator, frames: Bytes) -> Bytes:
    """Return a piece of running speech, 0.25 to 0.7 s, as if it were a word said alone.

    Around it is the quietest tenth of the cut. Running speech as it is never sounds like a word between two pauses,
    so a classifier that has heard nothing else takes the unknown word for one of its own.
    """
    n_frames = int(rng.integers(25, 71))
    level = frames.astype(np.int32).sum(axis=1)
    first = int(np.clip(int(level.argmax()) - rng.integers(n_frames), 0, len(frames) - n_frames))
    alone = np.minimum(frames, np.quantile(frames, 0.1, axis=0).astype(np.uint8))
    place = int(rng.integers(len(frames) - n_frames + 1))
    alone[place : place + n_frames] = frames[first : first + n_frames]
    return alone


def spliced(rng: np.random.Generator, front: Bytes, back: Bytes) -> Bytes:
    """Return the beginning of one word and the end of another, both cut near the middle of their energy.

    Such words stand for those that no recording has (a rule of the winners of Kaggle's challenge of 2017/18).
    """
    cuts = [_middle(word) + int(rng.integers(-5, 6)) for word in (front, back)]
    first, second = front[: max(cuts[0], 1)], back[min(cuts[1], len(back) - 1) :]
    louder = int(np.quantile(first, 0.9)) - int(np.quantile(second, 0.9))
    joined = np.concatenate([first, np.clip(second.astype(np.int32) + louder, 0, 255).astype(np.uint8)])
    return window(joined, rng)


def _middle(frames: Bytes) -> int:
    energy = np.exp(to_logmel(frames)).sum(axis=1).cumsum()
    return int(np.searchsorted(energy, energy[-1] / 2))
