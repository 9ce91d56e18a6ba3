"""Nouns: the values that travel through the loop.

Times are sample indices on the sample clock: samples since the source opened. Audio is mono float32 in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

RATE = 16_000
"""Sampling rate inside Earshot, Hz."""

Samples = npt.NDArray[np.float32]
"""Mono audio, shape (n,), in [-1, 1]."""

EndedBy = Literal["silence", "timeout", "cap", "end_of_stream", "stopped"]
"""Why a segment ended: silence after speech, no speech at all, the length cap, the source, or a request."""

Source = Literal["command", "grammar", "text", "open"]
"""What recognised an intent: the command classifier, constrained CTC, parsed text, or open transcription."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of samples from an audio source."""

    samples: Samples
    start: int
    """Sample index of the first sample; a jump means lost audio."""
    rate: int = RATE

    @property
    def end(self) -> int:
        """Sample index just after the last sample."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Wake:
    """A wake word was heard."""

    model_id: str
    score: float
    at: int
    """Sample index at which the smoothed score crossed the threshold."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Speech cut out by the VAD, with pre-roll in front and the silence that ended it behind."""

    samples: Samples
    start: int
    rate: int = RATE
    ended_by: EndedBy = "silence"
    speech_start: int | None = None
    """Sample index of the speech onset; None when no speech was found."""
    speech_end: int | None = None
    """Sample index just after the last speech frame."""
    wake_at: int | None = None
    """Sample index of the wake that opened the segment; None for a follow-up turn."""

    @property
    def end(self) -> int:
        """Sample index just after the last sample."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Command:
    """The command classifier's answer."""

    label: str
    score: float
    """Calibrated probability of `label`, 0 to 1."""
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A recognised word and its time."""

    text: str
    start: float
    """Seconds from the start of the segment."""
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """Recognised text."""

    text: str
    confidence: float
    """0 to 1."""
    tokens: tuple[Token, ...] = ()
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Slot:
    """One filled slot of an intent."""

    name: str
    value: Any
    """What the template substitutes for the spoken form: text or number."""
    raw: str
    """As spoken."""
    entity: str = ""
    """Name of the list or range that the value comes from."""
    start: int = 0
    """First character of `raw` in the intent's text."""
    end: int = 0
    """One past the last character."""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Intent:
    """What the speaker wants."""

    name: str
    slots: tuple[Slot, ...] = ()
    text: str = ""
    confidence: float = 1.0
    """0 to 1."""
    source: Source = "text"
    dangerous: bool = False
    """Whether it must be confirmed before anything happens."""
