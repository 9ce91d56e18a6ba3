"""Embeddings of recordings, as a stream gives them: each depends on all that the backbone reaches back to, no more."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, disturb
from kws_training.feature_store import FLOOR, SETTINGS, Bytes, Clip, FeatureStore, to_bytes, to_logmel
from kws_training.models.settings import BackboneSettings
from kws_training.report import say
from kws_training.settings import AugmentSettings
from kws_training.tracking import ticks
from kws_training.windows import looped

Embeddings = npt.NDArray[np.float16]
"""Shape (embeddings, width)."""
_BLOCK = 3200
"""Frames embedded at once, about."""
_BATCH = 16
_STRETCH = 57_600


class Embedder:
    """A trained backbone up to its embeddings.

    Args:
        network: from ln(P + 1e-6), shape (batch, time, mels), to embeddings, shape (batch, time / stride, width).
        settings: of the backbone.
    """

    def __init__(self, network: keras.Model, settings: BackboneSettings) -> None:
        self._call = compiled(network)
        self.width, self.stride = settings.width, settings.stride
        self._before = -(-settings.reach // self.stride) * self.stride
        """Frames before a block, for what its first embedding depends on."""
        weights = b"".join(np.asarray(weight).tobytes() for weight in network.get_weights())
        self.key = hashlib.sha256(weights).hexdigest()[:12]
        """Of the weights: what was embedded by others is of no use."""

    def __call__(self, clips: npt.NDArray[np.float32]) -> Embeddings:
        """Return embeddings of clips, shape (clips, time / stride, width), for (clips, time, mels)."""
        found = [self._call(clips[i : i + _BATCH * 8]) for i in range(0, len(clips), _BATCH * 8)]
        return np.concatenate([np.asarray(part, np.float16) for part in found])

    def stream(self, frames: Bytes) -> Embeddings:
        """Return the embeddings of one long stretch of audio, shape (frames // stride, width)."""
        n_frames, before = len(frames) // self.stride * self.stride, self._before
        block = _BLOCK // self.stride * self.stride
        parts = []
        for first in range(0, n_frames, block * _BATCH):
            starts = range(first, min(n_frames, first + block * _BATCH), block)
            clips = np.full((len(starts), before + block, SETTINGS.mels), SILENCE, np.float32)
            for clip, start in zip(clips, starts, strict=True):
                part = to_logmel(frames[max(0, start - before) : min(n_frames, start + block)])
                front = before - (start - max(0, start - before))
                clip[front : front + len(part)] = part
            found = self(clips)[:, before // self.stride :]
            parts.append(found.reshape(-1, self.width))
        whole = np.concatenate(parts) if parts else np.zeros((0, self.width), np.float16)
        return whole[: n_frames // self.stride]


def compiled(network: keras.Model) -> Any:
    """Return a network as a function of arrays for looking only, as fast as the backend has it."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        return tf.function(lambda x: network(x, training=False), reduce_retracing=True)
    return lambda x: keras.ops.convert_to_numpy(network(x, training=False))


def embed_clips(
    embedder: Embedder,
    store: FeatureStore,
    clips: Sequence[Clip],
    path: Path,
    *,
    noise: tuple[FeatureStore, AugmentSettings] | None = None,
    seed: int = 0,
) -> Embeddings:
    """Return the embeddings of clips as one stream, kept in a file.

    Args:
        embedder: of the backbone.
        store: of the clips.
        clips: in their order.
        path: of the file; what it holds of the same clips, varied alike, after the same backbone is read.
        noise: lay noise of a store under them, in rooms, at other levels; None leaves them as they are.
        seed: of that.
    """
    chosen = hashlib.sha256(np.array([(clip.start, clip.n_frames) for clip in clips], np.int64).tobytes())
    if noise is not None:
        chosen.update(noise[1].model_dump_json().encode())
    kept = path.with_name(f"{path.name}-{embedder.key}-{chosen.hexdigest()[:8]}.npy")
    if kept.exists():
        return np.asarray(np.load(kept, mmap_mode="r"))
    parts = []
    joined = Joined(store, clips)
    say(f"embedding {path.name}, {len(joined) * SETTINGS.hop / SETTINGS.rate / 3600:.1f} h")
    for number, frames in enumerate(ticks(joined.stretches(), path.name, joined.n_stretches)):
        if noise is not None:
            frames = _disturbed(frames, *noise, np.random.default_rng((seed, number)))  # noqa: PLW2901
        parts.append(embedder.stream(frames))
    whole = np.concatenate(parts) if parts else np.zeros((0, embedder.width), np.float16)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, whole)
    part.replace(kept)
    return whole


class Joined:
    """The frames of clips one behind the other: frame n of the whole is frame n of the stream that was embedded.

    Args:
        store: of the clips.
        clips: in their order.
    """

    def __init__(self, store: FeatureStore, clips: Sequence[Clip]) -> None:
        self._store, self._clips = store, clips
        self._starts = np.cumsum([0, *(clip.n_frames for clip in clips)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def ending(self, end: int, length: int) -> Bytes:
        """Return `length` frames up to frame `end`, digital silence before the first."""
        end = min(end, len(self))
        parts: list[Bytes] = []
        first = max(0, end - length)
        at = int(np.searchsorted(self._starts, first, side="right")) - 1
        while at < len(self._clips) and self._starts[at] < end:
            start = int(self._starts[at])
            parts.append(self._store[self._clips[at]][max(0, first - start) : end - start])
            at += 1
        found = np.concatenate(parts) if parts else np.zeros((0, SETTINGS.mels), np.uint8)
        return np.pad(found, ((length - len(found), 0), (0, 0)), constant_values=FLOOR)

    @property
    def n_stretches(self) -> int:
        """How many `stretches` yields."""
        return -(-len(self) // _STRETCH)

    def stretches(self, most: int = _STRETCH) -> Iterator[Bytes]:
        """Yield all frames, about ten minutes at a time."""
        for end in range(most, len(self) + most, most):
            length = min(most, len(self) - (end - most))
            yield self.ending(min(end, len(self)), length)


def _disturbed(frames: Bytes, noises: FeatureStore, settings: AugmentSettings, rng: np.random.Generator) -> Bytes:
    """Return frames with noise, rooms and levels that change every eight seconds."""
    length, found = 800, []
    every = noises.select(split="train")
    for first in range(0, len(frames) // length * length, length * 32):
        part = frames[first : first + length * 32]
        clips = to_logmel(part[: len(part) // length * length]).reshape(-1, length, SETTINGS.mels)
        noise = np.stack([looped(noises[every[rng.integers(len(every))]], rng, length) for _ in clips])
        found.append(disturb(rng, clips, to_logmel(noise), settings).reshape(-1, SETTINGS.mels))
    return to_bytes(np.concatenate(found)) if found else frames
