"""Clips of a phrase, varied, as the backbone hears them in a stream: sound before, the phrase, sound after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws_training.augment import SILENCE, Batch, disturb, move, warp_frequency
from kws_training.embedded import Embedder, Embeddings, Joined
from kws_training.feature_store import SETTINGS, Bytes, Clip, FeatureStore, to_logmel
from kws_training.settings import WordRecipe
from kws_training.windows import looped, window

LENGTH, END = 480, 400
"""Frames of a varied clip, and the frame at which its phrase ends."""
_BATCH = 256
_OWN_SHARE = 0.05
"""Of the running sound without the phrase: one's own at least, however little there is."""
_SPEECH_BEFORE, _SPEECH_AFTER, _TALK_UNDER = 0.4, 0.25, 0.35  # shares


@dataclass(frozen=True, slots=True)
class Sources:
    """What a wake word is learnt from, before the backbone."""

    spoken: FeatureStore
    """Synthetic speech."""
    keyword: Sequence[Clip]
    """Of it, with the phrase."""
    near: Sequence[Clip]
    """Of it, without."""
    takes_store: FeatureStore | None
    takes: Sequence[Clip]
    background: tuple[FeatureStore, Sequence[Clip]]
    """Running speech to stand before and behind the phrase."""
    noise: tuple[FeatureStore, Sequence[Clip]]
    """To lie under all."""
    negatives: dict[str, Joined]
    """Streams without the phrase."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Varied clips after the backbone."""

    embeddings: Embeddings
    """Shape (clips, LENGTH / stride, width)."""
    end: int
    """Embeddings up to the end of the phrase."""
    lengths: npt.NDArray[np.int32]
    """Embeddings from the phrase's beginning to its end, shape (clips,)."""


def shares_of(lengths: Mapping[str, int]) -> dict[str, float]:
    """Return how often streams are drawn from: by their lengths, but one's own sound in a twentieth of the draws.

    A wrong wake that was kept is 3 s beside hours of other speech, and matters more than they.

    Args:
        lengths: of the streams by name; one's own sound is `own`.
    """
    whole = sum(lengths.values())
    shares = {name: length / whole for name, length in lengths.items()}
    if 0 < shares.get("own", 1) < _OWN_SHARE:
        rest = (1 - _OWN_SHARE) / (1 - shares["own"])
        shares = {name: _OWN_SHARE if name == "own" else rest * share for name, share in shares.items()}
    return shares


def place(
    embedder: Embedder, store: FeatureStore, clips: Sequence[Clip], recipe: WordRecipe, sources: Sources, seed: int
) -> Placed:
    """Return varied clips of a phrase with its end at frame `END`.

    Args:
        embedder: of the backbone.
        store: of the clips.
        clips: in the order that they are placed in; one that stands twice is varied twice.
        recipe: how to vary them.
        sources: of what stands around them and lies under them.
        seed: of the variations.
    """
    found, lengths = [], []
    for first in range(0, len(clips), _BATCH):
        rng = np.random.default_rng((seed, first))
        part = clips[first : first + _BATCH]
        batch, spans = varied(rng, [(store[clip], clip) for clip in part], recipe, sources)
        found.append(embedder(batch))
        lengths.append(spans // embedder.stride)
    shape = (0, LENGTH // embedder.stride, embedder.width)
    whole = np.concatenate(found) if found else np.zeros(shape, np.float16)
    return Placed(whole, END // embedder.stride, np.concatenate([*lengths, np.zeros(0, np.int32)]))


def varied(
    rng: np.random.Generator, found: Sequence[tuple[Bytes, Clip]], recipe: WordRecipe, sources: Sources
) -> tuple[Batch, npt.NDArray[np.int32]]:
    """Return clips with what stands before and behind them, varied, and the frames that each phrase lasts."""
    settings, n_clips = recipe.augment, len(found)
    clips = np.full((n_clips, LENGTH, SETTINGS.mels), SILENCE, np.float32)
    begins = np.zeros(n_clips, np.int32)
    for i, (frames, clip) in enumerate(found):
        end = clip.keyword_end if clip.keyword_end > 0 else len(frames)
        begins[i] = begin = phrase_begin(frames, end)
        front = frames[max(0, end - END) : end]
        clips[i, END - len(front) : END] = to_logmel(front)
        behind = frames[end : end + LENGTH - END]
        clips[i, END : END + len(behind)] = to_logmel(behind)
        edge = max(0, END - (end - begin) - int(rng.integers(3, 25)))
        if rng.random() < _SPEECH_BEFORE:
            clips[i, :edge] = _speech(rng, sources.background, edge)
        elif len(front) < END:
            quiet = to_logmel(np.quantile(frames, 0.1, axis=0).astype(np.uint8)[None])
            clips[i, : END - len(front)] = quiet
        if len(behind) < 20 or rng.random() < _SPEECH_AFTER:
            start = END + int(rng.integers(2, 20))
            if rng.random() < 0.6:
                clips[i, start:] = _speech(rng, sources.background, LENGTH - start)
    spans = np.array([c.keyword_end if c.keyword_end > 0 else len(f) for f, c in found]) - begins
    speed = 1 + rng.uniform(-settings.speed, settings.speed, n_clips)
    centre = (LENGTH - 1) / 2  # move() plays about the centre; the end of the phrase stays where it is
    clips = move(clips, (END - centre) * (1 - 1 / speed), speed)
    clips = warp_frequency(clips, 1 + rng.uniform(-settings.warp, settings.warp, n_clips))
    return disturb(rng, clips, noise_under(rng, sources, n_clips), settings), np.rint(spans / speed).astype(np.int32)


def noise_under(rng: np.random.Generator, sources: Sources, n_clips: int) -> Batch:
    """Return noise of random recordings, or people who talk, shape (n_clips, LENGTH, mels)."""
    found = []
    for _ in range(n_clips):
        store, every = sources.background if rng.random() < _TALK_UNDER else sources.noise
        found.append(looped(store[every[rng.integers(len(every))]], rng, LENGTH))
    return to_logmel(np.stack(found))


def phrase_begin(frames: Bytes, end: int) -> int:
    """Return the frame at which the loud stretch that ends at `end` begins; pauses up to 0.25 s belong to it."""
    if end <= 1:
        return 0
    level = np.log(np.exp(frames.astype(np.float32) / 10.06).sum(axis=1))
    floor, peak = np.quantile(level, 0.05), level[:end].max()
    loud = np.flatnonzero(level[:end] > floor + 0.3 * (peak - floor))
    if not len(loud):
        return 0
    at = len(loud) - 1
    while at > 0 and loud[at] - loud[at - 1] <= 25:
        at -= 1
    return int(loud[at])


def _speech(rng: np.random.Generator, background: tuple[FeatureStore, Sequence[Clip]], n_frames: int) -> Batch:
    store, clips = background
    return to_logmel(window(store[clips[rng.integers(len(clips))]], rng, n_frames))
