"""A cheap look at all audio: might it be speech? The wake networks rest while the answer is no."""

from collections import deque
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.features import hann
from voice.audio.rechunk import Rechunker
from voice.events import RATE, Chunk, Samples

FRAME = 320
"""Samples in a frame that is judged: 20 ms."""
STEP = 4 * FRAME
"""Samples that are judged at a time: 80 ms, whatever the chunks, so that chunking changes no answer."""
BANDS_HZ = (200, 600, 1200, 2200, 4000)
"""Edges of the bands. The wake networks hear no further."""
_STEPS = 3
"""Steps whose mean power is kept: 0.24 s, about a pause between words."""

Levels = npt.NDArray[np.float32]
"""Power in bands, mean squares, shape (frames, bands) or (bands,)."""


class Span(NamedTuple):
    """A run of samples."""

    start: int
    end: int


class GateSettings(BaseModel):
    """When the wake networks may rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="let them rest while nothing like speech was heard")
    margin_db: float = Field(4.0, ge=1, description="level above a band's background that may be speech, dB")
    floor_s: float = Field(3.0, ge=1, description="time in which the background's level is sought, s")
    loud_dbfs: float = Field(-55.0, le=0, description="background from which they never rest, dB of full scale")
    quiet_dbfs: float = Field(-90.0, le=-40, description="a band below this level is silent, dB of full scale")


class SpeechGate:
    """Tells frames that stand out of a quiet background in some band.

    A band's level is that of the last 80 ms, its background the smallest mean over a quarter of a second in the last
    seconds: a minimum as in R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", IEEE TSAP 2001, section II, of means, so that it has hardly a bias. One band is enough, because a word
    may stand out in a vowel's band only. Over a loud background, and until the first one is known, everything may be
    speech: a network hears words there that no level gives away.

    Args:
        settings: its thresholds.
    """

    def __init__(self, settings: GateSettings | None = None) -> None:
        chosen = settings or GateSettings()
        self._ratio = np.float32(10 ** (chosen.margin_db / 10))
        self._quiet = np.float32(10 ** (chosen.quiet_dbfs / 10))
        self._loud = 10 ** (chosen.loud_dbfs / 10)
        self._steps = Rechunker(STEP)
        self._means: deque[Levels] = deque(maxlen=max(1, round(chosen.floor_s * RATE / STEP / _STEPS)))
        self._past = np.zeros((_SMOOTHING.shape[1] - STEP // FRAME, len(BANDS_HZ) - 1), np.float32)
        self.reset()

    def process(self, chunk: Chunk) -> Span | None:
        """Return from where to where the steps that this chunk completes may hold speech; None: nowhere."""
        found = [step for step in self._steps.process(chunk) if self._judge(step.samples)]
        return Span(found[0].start, found[-1].end) if found else None

    def reset(self) -> None:
        """Forget the background."""
        self._steps.reset()
        self._means.clear()
        self._past = np.zeros_like(self._past)
        self._sum = np.zeros(len(BANDS_HZ) - 1, np.float32)
        self._n = 0
        self._limit: Levels | None = None
        self._is_loud = False
        self._judged = 0

    def _judge(self, samples: Samples) -> bool:
        """Return whether a step may hold speech."""
        self._judged += 1
        if self._is_loud and self._judged % _STEPS:
            return True  # one of three tells whether it is still loud
        waves, bands = _transform()
        power = np.square(samples.reshape(-1, FRAME) @ waves) @ bands  # (frames, bands)
        joined = np.concatenate([self._past, power])
        self._past = power[1:]
        limit = self._limit
        self._learn(power)
        return limit is None or bool((_SMOOTHING @ joined > limit).any())

    def _learn(self, power: Levels) -> None:
        """Take in the power of a step as background."""
        self._sum = self._sum + power.sum(axis=0)
        self._n += len(power)
        if self._n < _STEPS * len(power):
            return
        self._means.append(self._sum / np.float32(self._n))
        background = np.minimum.reduce(list(self._means))
        self._is_loud = float(background.sum()) > self._loud
        self._limit = None if self._is_loud else np.maximum(background * self._ratio, self._quiet)
        self._sum, self._n = np.zeros_like(self._sum), 0


def _smoothing(n_frames: int) -> Levels:
    """Return the weights that average the frames of a step, each with those before it, shape (n, 2 n - 1)."""
    rows, columns = np.arange(n_frames)[:, None], np.arange(2 * n_frames - 1)
    return (((columns >= rows) & (columns < rows + n_frames)) / n_frames).astype(np.float32)


_SMOOTHING = _smoothing(STEP // FRAME)


@lru_cache
def _transform() -> tuple[Levels, Levels]:
    """Return what makes a frame's power in bands of its samples.

    Returns:
        Windowed cosines and sines of the frequencies that count, shape (FRAME, 2 x frequencies), and the weights that
        add their squares up to mean squares in bands (Parseval), shape (2 x frequencies, bands). For four frames a
        product with a matrix costs a third of numpy's FFT.
    """
    edges = np.asarray(BANDS_HZ)
    hertz = np.arange(FRAME // 2 + 1) * RATE / FRAME
    hertz = hertz[(hertz >= edges[0]) & (hertz < edges[-1])]
    angles = 2 * np.pi * np.outer(np.arange(FRAME), hertz) / RATE
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * hann(FRAME)[:, None]
    inside = (hertz[:, None] >= edges[:-1]) & (hertz[:, None] < edges[1:])
    weights = 2 * np.concatenate([inside, inside]) / (FRAME * float(np.sum(hann(FRAME) ** 2)))
    return waves.astype(np.float32), weights.astype(np.float32)
