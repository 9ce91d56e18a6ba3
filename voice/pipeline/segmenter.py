"""Cut speech out of a stream: a pure state machine fed with chunks and how speech-like each one is.

States: idle -> waiting (for speech) -> speaking -> a `Segment`. Recent audio is kept in a bounded ring in every state,
so a segment begins with pre-roll, and a request that comes late (the bus takes time) is replayed from where it points.
"""

from collections import deque
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.events import RATE, Chunk, EndedBy, Segment

SILENCE_MS = {"short": 250, "normal": 700, "relaxed": 1250}
"""Presets of the silence that ends a segment."""


class SegmenterSettings(BaseModel):
    """When speech begins and ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silence: Literal["short", "normal", "relaxed"] = Field("normal", description="0.25, 0.7 or 1.25 s end a segment")
    silence_ms: int | None = Field(None, gt=0, description="silence that ends a segment, ms; overrides the preset")
    onset_ms: int = Field(100, gt=0, description="speech within the onset window that begins a segment, ms")
    onset_window_ms: int = Field(200, gt=0, description="length of the onset window, ms")
    speech_share: float = Field(0.5, gt=0, le=1, description="share of a chunk's frames that makes it speech")
    pre_roll_ms: int = Field(500, ge=500, description="audio kept before the onset, ms")
    wake_tail_ms: int = Field(320, ge=0, description="speech that ends this soon after the wake is the wake word's, ms")
    no_speech_ms: int = Field(5000, gt=0, description="give up when no speech begins, ms")
    cap_ms: int = Field(15000, gt=0, description="longest segment, ms")
    ring_ms: int = Field(3000, ge=1000, description="audio kept for pre-roll and late requests, ms")


def _samples(ms: int) -> int:
    return ms * RATE // 1000


class Segmenter:
    """Cuts one segment for each `start`.

    Args:
        settings: when speech begins and ends.
    """

    def __init__(self, settings: SegmenterSettings | None = None) -> None:
        self.settings = settings or SegmenterSettings()
        self._silence = _samples(self.settings.silence_ms or SILENCE_MS[self.settings.silence])
        self._ring: deque[tuple[Chunk, bool]] = deque()
        self._ready: Segment | None = None
        self._idle()

    @property
    def listening(self) -> bool:
        """True from `start` until the segment has been returned."""
        return self._from is not None or self._ready is not None

    def start(self, at: int, wake_at: int | None = None) -> None:
        """Wait for speech from sample `at` on; audio already heard since is replayed from the ring.

        Args:
            at: sample index.
            wake_at: where the wake word ended; its own tail then doesn't count as speech.
        """
        self._idle(at, wake_at)
        self._ready = None
        for chunk, voiced in tuple(self._ring):
            if chunk.end > at and self._ready is None:
                self._ready = self._step(chunk, voiced)

    def process(self, chunk: Chunk, speech: float) -> Segment | None:
        """Return the segment that ends with this chunk, if one does.

        Args:
            chunk: the next audio; a jump of the clock forgets the ring and ends a running segment.
            speech: share of its frames that hold speech, 0 to 1.
        """
        voiced = speech >= self.settings.speech_share
        if self._ring and self._ring[-1][0].end != chunk.start and not self._captured:
            self._ring.clear()
        self._remember(chunk, voiced)
        if self._ready is not None:
            ready, self._ready = self._ready, None
            return ready
        return self._step(chunk, voiced) if self._from is not None else None

    def stop(self, ended_by: EndedBy = "stopped") -> Segment | None:
        """End the capture; return what was captured, None where no speech had begun."""
        if self._ready is not None:
            ready, self._ready = self._ready, None
            return ready
        segment = self._finish(ended_by) if self._onset is not None else None
        self._idle()
        return segment

    def _idle(self, at: int | None = None, wake_at: int | None = None) -> None:
        self._from = at
        self._wake_at = wake_at
        self._onset: int | None = None
        self._last_voiced = 0
        self._recent: deque[tuple[int, int]] = deque()  # voiced chunks of the onset window: start, end
        self._captured: list[Chunk] = []

    def _remember(self, chunk: Chunk, voiced: bool) -> None:
        self._ring.append((chunk, voiced))
        while self._ring[0][0].end <= chunk.end - _samples(self.settings.ring_ms):
            self._ring.popleft()

    def _step(self, chunk: Chunk, voiced: bool) -> Segment | None:
        if self._onset is not None:
            return self._speaking(chunk, voiced)
        return self._waiting(chunk, voiced)

    def _waiting(self, chunk: Chunk, voiced: bool) -> Segment | None:
        self._recent = deque(
            part for part in self._recent if part[1] > chunk.end - _samples(self.settings.onset_window_ms)
        )
        if voiced:
            self._recent.append((chunk.start, chunk.end))
        if sum(end - start for start, end in self._recent) >= _samples(self.settings.onset_ms):
            self._begin(chunk)
            return None
        assert self._from is not None  # noqa: S101 - `start` sets it, `_idle` ends this state
        if chunk.end - self._from < _samples(self.settings.no_speech_ms):
            return None
        audio = tuple(part for part, _ in self._ring if part.end > chunk.end - _samples(self.settings.pre_roll_ms))
        segment = self._cut(audio, "timeout")
        self._idle()
        return segment

    def _begin(self, chunk: Chunk) -> None:
        onset = self._recent[0][0]
        wanted = onset - _samples(self.settings.pre_roll_ms)
        self._captured = [part for part, _ in self._ring if wanted < part.end <= chunk.end]
        self._onset, self._last_voiced = onset, self._recent[-1][1]

    def _speaking(self, chunk: Chunk, voiced: bool) -> Segment | None:
        self._captured.append(chunk)
        if voiced:
            self._last_voiced = chunk.end
        if chunk.end - self._captured[0].start >= _samples(self.settings.cap_ms):
            return self._finish("cap")
        silent = chunk.end - self._last_voiced
        if self._is_wake_tail():
            if silent >= _samples(self.settings.onset_window_ms):
                self._onset, self._recent, self._captured = None, deque(), []
            return None
        return self._finish("silence") if silent >= self._silence else None

    def _is_wake_tail(self) -> bool:
        """True while everything voiced so far may be the end of the wake word itself."""
        return self._wake_at is not None and self._last_voiced <= self._wake_at + _samples(self.settings.wake_tail_ms)

    def _finish(self, ended_by: EndedBy) -> Segment:
        segment = self._cut(tuple(self._captured), ended_by)
        self._idle()
        return segment

    def _cut(self, chunks: tuple[Chunk, ...], ended_by: EndedBy) -> Segment:
        return Segment(
            np.concatenate([chunk.samples for chunk in chunks]),
            chunks[0].start,
            ended_by=ended_by,
            speech_start=self._onset,
            speech_end=self._last_voiced if self._onset is not None else None,
            wake_at=self._wake_at,
        )
