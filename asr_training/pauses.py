"""Where a recording pauses, and where to cut it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from voice.decoding.alignment import Span
from voice.events import RATE, Chunk, Samples
from voice.models.vad import WebRtcVad

FRAME = 320
"""Samples in a frame: 20 ms."""
_FRAME_S = FRAME / RATE
_FLOOR, _SPEECH = 10, 95  # percentiles of the level of frames
_SHARE = 0.3  # of the way from floor to speech: what is louder is speech
_LEAST_PAUSE_S = 0.1

Detector = Literal["vad", "level"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch without speech, seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    @property
    def middle(self) -> float:
        """Where to cut."""
        return (self.start + self.end) / 2


def speech_frames(samples: Samples, detector: Detector) -> npt.NDArray[np.bool_]:
    """Return which frames of 20 ms hold speech.

    Args:
        samples: at 16 kHz.
        detector: `vad`, WebRTC's; `level`, a threshold between the recording's own quiet and loud frames.
    """
    n_frames = len(samples) // FRAME
    frames = samples[: n_frames * FRAME].reshape(n_frames, FRAME)
    if detector == "vad":
        vad = WebRtcVad()
        return np.array([vad.process(Chunk(frame, i * FRAME)) > 0 for i, frame in enumerate(frames)], bool)
    level = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-10) if n_frames else np.zeros(0)
    if n_frames == 0 or np.ptp(level) < 6:
        return level > -60
    floor, loud = np.percentile(level, [_FLOOR, _SPEECH])
    return np.asarray(level > floor + _SHARE * (loud - floor))


def pauses_of(is_speech: npt.NDArray[np.bool_]) -> list[Pause]:
    """Return the pauses of at least a tenth of a second, the quiet beginning and end among them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], is_speech, [True]]).astype(np.int8)))
    found = [Pause(start * _FRAME_S, end * _FRAME_S) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return [pause for pause in found if pause.seconds >= _LEAST_PAUSE_S]


def pauses_between(words: Sequence[Span], seconds: float) -> list[Pause]:
    """Return what lies between the words of an alignment, and before and after them: a cut there divides no word."""
    edges = [0.0, *(edge for word in words for edge in (word.start, word.end)), seconds]
    return [Pause(start, end) for start, end in list(pairwise(edges))[::2]]


def cuts(pauses: Sequence[Pause], seconds: float, *, shortest: float, longest: float) -> list[float]:
    """Return where to cut a recording into pieces of at most `longest` seconds, its beginning and end included.

    Each cut is in the middle of the longest pause within reach. Where there is none, the piece ends after `longest`.

    Args:
        pauses: where it may be cut.
        seconds: length of the recording.
        shortest: no piece is made shorter, but for the last.
        longest: no piece is made longer.
    """
    found = [0.0]
    while seconds - found[-1] > longest:
        low, high = found[-1] + shortest, found[-1] + longest
        reach = [pause for pause in pauses if low <= pause.middle <= high]
        found.append(max(reach, key=lambda pause: pause.seconds).middle if reach else high)
    return [*found, seconds]
