"""A cheap look at all audio: might it be speech? The wake networks rest while the answer is no."""

import math
from collections import deque
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.features import hann
from voice.events import RATE, Chunk, Samples

FRAME = 320
"""Samples in a frame that is judged: 20 ms."""
BANDS_HZ = (200, 600, 1200, 2200, 4000)
"""Edges of the bands. The wake networks hear no further."""
_SMOOTHED = 4
"""Frames over which power is averaged: 80 ms, about a vowel."""
_BLOCK = 12
"""Frames in a block whose mean power is kept: 0.24 s, about a pause between words."""

Levels = npt.NDArray[np.float32]
"""Power or levels of frames in bands, shape (frames, bands)."""


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
    quiet_dbfs: float = Field(-90.0, le=-40, description="a band below this level is silent, dB of full scale")


class SpeechGate:
    """Tells frames that stand out of the background in some band.

    A band's level is that of the last 80 ms, its background the smallest mean over a quarter of a second in the last
    seconds: a minimum as in R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", IEEE TSAP 2001, section II, of means, so that it has hardly a bias. One band is enough, because a word
    in noise may stand out in a vowel's band only. Until the first background is known, everything may be speech.

    Args:
        settings: its thresholds.
    """

    def __init__(self, settings: GateSettings | None = None) -> None:
        chosen = settings or GateSettings()
        self._ratio = np.float32(10 ** (chosen.margin_db / 10))
        self._quiet = np.float32(10 ** (chosen.quiet_dbfs / 10))
        n_blocks = max(1, math.ceil(chosen.floor_s * RATE / FRAME / _BLOCK))
        self._bands = _bands()
        n_bands = self._bands.shape[1]
        self._means: deque[Levels] = deque(maxlen=n_blocks)
        self._background: Levels | None = None  # power
        self._rest: Samples = np.zeros(0, np.float32)
        self._past = np.zeros((_SMOOTHED - 1, n_bands), np.float32)
        self._sum = np.zeros(n_bands, np.float32)
        self._n = 0

    def process(self, chunk: Chunk) -> Span | None:
        """Return from where to where the frames that this chunk completes may be speech; None: nowhere."""
        audio = np.concatenate([self._rest, chunk.samples])
        start = chunk.end - len(audio)
        n_frames = len(audio) // FRAME
        self._rest = audio[n_frames * FRAME :].copy()
        found = [
            start + FRAME * (first + int(i))
            for first in range(0, n_frames, _BLOCK)
            for i in self._judge(audio[first * FRAME : min(n_frames, first + _BLOCK) * FRAME].reshape(-1, FRAME))
        ]
        return Span(found[0], found[-1] + FRAME) if found else None

    def reset(self) -> None:
        """Forget the background."""
        self._means.clear()
        self._background = None
        self._rest = self._rest[:0]
        self._past = np.zeros_like(self._past)
        self._sum = np.zeros_like(self._sum)
        self._n = 0

    def _judge(self, frames: Samples) -> npt.NDArray[np.intp]:
        """Return which of at most a block of frames, shape (frames, FRAME), may be speech."""
        spectrum = np.fft.rfft(frames * hann(FRAME), axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._bands  # (frames, bands)
        joined = np.concatenate([self._past, power])
        self._past = joined[-len(self._past) :]
        smooth = sum(joined[i : i + len(power)] for i in range(_SMOOTHED)) / np.float32(_SMOOTHED)
        background = self._background
        self._learn(power)
        if background is None:
            return np.arange(len(frames))
        return np.flatnonzero((smooth > np.maximum(background * self._ratio, self._quiet)).any(axis=1))

    def _learn(self, power: Levels) -> None:
        """Take in the power of frames as background."""
        self._sum = self._sum + power.sum(axis=0)
        self._n += len(power)
        if self._n >= _BLOCK:
            self._means.append(self._sum / np.float32(self._n))
            self._background = np.minimum.reduce(list(self._means))
            self._sum, self._n = np.zeros_like(self._sum), 0


@lru_cache
def _bands() -> Levels:
    """Weights that add the power spectrum of a frame up to mean squares in bands, shape (bins, bands)."""
    hertz = np.arange(FRAME // 2 + 1) * RATE / FRAME
    edges = np.asarray(BANDS_HZ)
    inside = (hertz[:, None] >= edges[:-1]) & (hertz[:, None] < edges[1:])
    return (2 * inside / (FRAME * float(np.sum(hann(FRAME) ** 2)))).astype(np.float32)  # Parseval
