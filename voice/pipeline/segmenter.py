"""Cut speech out of a stream: a state machine over samples and speech shares, with no clock but the sample clock.

    idle --start--> waiting --onset--> speech --silence, cap--> Segment
                       | no speech in time --------------------> Segment without speech

How much silence ends a segment may depend on what was said so far (`grammar_endpoint`): less after a whole sentence,
more after the beginning of one. `paused` hands out the speech once in each pause, and `judge` takes the answer; until
it comes the usual silence holds, and when speech goes on the answer is forgotten.

A capture may be started late: the segmenter keeps the recent audio and goes through it again from the sample asked for,
so that the answer does not depend on when `start` was called.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from voice.events import RATE, Chunk, EndedBy, Segment
from voice.stages import Progress

State = Literal["idle", "waiting", "speech"]
Preset = Literal["short", "normal", "relaxed"]

SILENCE_MS: dict[Preset, int] = {"short": 250, "normal": 700, "relaxed": 1250}
"""Silence that ends a segment, for each preset."""


class SegmenterSettings(BaseModel):
    """When speech begins and ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silence: Preset = Field("normal", description="silence that ends a segment: 250, 700 or 1250 ms")
    silence_ms: int | None = Field(None, gt=0, description="the same in ms; overrides the preset")
    grammar_endpoint: bool = Field(
        True,
        description="less silence after a finished sentence of the grammar, more after the beginning of one",
    )
    look_ms: int = Field(200, gt=0, description="silence after which the speech so far is looked at, ms")
    complete_ms: int = Field(
        400, gt=0, description="silence that ends a sentence that can't go on, ms; at most the usual one"
    )
    unfinished_ms: int = Field(1200, gt=0, description="silence that ends the beginning of one, ms; at least the usual")
    pre_roll_ms: int = Field(500, ge=500, description="audio kept in front of the speech, ms")
    ring_ms: int = Field(3000, ge=2000, description="recent audio kept for a late start, ms")
    speech_share: float = Field(0.5, gt=0, le=1, description="speech share from which a frame is voiced")
    onset_ms: int = Field(60, gt=0, description="voiced audio within `onset_window_ms` that begins speech, ms")
    onset_window_ms: int = Field(100, gt=0, description="window in which an onset is sought, ms")
    resume_ms: int = Field(40, gt=0, description="unbroken voiced audio that interrupts a silence, ms")
    min_speech_ms: int = Field(100, ge=0, description="less voiced audio than this is a noise, ms")
    wake_tail_ms: int = Field(300, ge=0, description="speech ending this soon after the wake is the wake word's, ms")
    no_speech_ms: int = Field(5000, gt=0, description="longest wait for speech, ms")
    cap_ms: int = Field(15_000, gt=0, description="longest segment, ms")

    @model_validator(mode="after")
    def _consistent(self) -> "SegmenterSettings":
        needed = self.pre_roll_ms + self.wake_tail_ms + self.onset_window_ms
        if self.ring_ms < needed:
            raise ValueError(
                f"ring_ms {self.ring_ms} is less than pre_roll_ms + wake_tail_ms + onset_window_ms = {needed}"
            )
        if self.complete_ms <= self.look_ms:
            raise ValueError(f"complete_ms {self.complete_ms} is not more than look_ms {self.look_ms}")
        if self.onset_ms > self.onset_window_ms:
            raise ValueError(f"onset_ms {self.onset_ms} does not fit into onset_window_ms {self.onset_window_ms}")
        if self.cap_ms <= needed:
            raise ValueError(f"cap_ms {self.cap_ms} leaves no room for speech after {needed} ms")
        return self

    @property
    def ending_ms(self) -> int:
        """Silence that ends speech, ms."""
        return self.silence_ms or SILENCE_MS[self.silence]

    def ending_after(self, said: Progress) -> int:
        """Silence that ends speech of which so much was said, ms."""
        usual = self.ending_ms
        return {"complete": min(self.complete_ms, usual), "unfinished": max(self.unfinished_ms, usual)}.get(said, usual)


@dataclass(frozen=True, slots=True)
class _Frame:
    chunk: Chunk
    voiced: bool


class Segmenter:
    """Finds one segment after each `start`.

    Args:
        settings: durations and thresholds.
    """

    def __init__(self, settings: SegmenterSettings | None = None) -> None:
        self.settings = settings or SegmenterSettings()
        self._ring = _Ring(_samples(self.settings.ring_ms))
        self._capture: _Capture | None = None
        self._found: Segment | None = None

    @property
    def state(self) -> State:
        """What the segmenter is doing."""
        if self._capture is None:
            return "idle" if self._found is None else "speech"
        return "speech" if self._capture.onset is not None else "waiting"

    @property
    def listening(self) -> bool:
        """True from `start` until the segment has been handed out."""
        return self.state != "idle"

    def start(self, at: int, wake_at: int | None = None, *, until_stopped: bool = False) -> None:
        """Look for speech from sample `at` on, also in the recent past; a capture under way is given up.

        Args:
            at: sample index; audio before it only serves as pre-roll.
            wake_at: sample index of the wake word that asks for the speech; None for a follow-up turn.
            until_stopped: silence does not end the segment, only `stop` and the longest length do.
        """
        self._found = None
        self._capture = _Capture(self.settings, self._ring, at, wake_at, until_stopped=until_stopped)
        for frame in self._ring:
            if self._found is None:
                self._found = self._advance(frame)

    def process(self, chunk: Chunk, speech: float) -> Segment | None:
        """Take in the next chunk, best a VAD frame; return a segment when one is complete.

        Lost audio (a jump of the sample clock) counts as silence. A clock that runs backwards is a new stream.

        Args:
            chunk: audio.
            speech: share of it that is speech, 0 to 1.
        """
        for frame in (*self._lost(chunk), _Frame(chunk, speech >= self.settings.speech_share)):
            self._ring.append(frame, self._keep_from())
            if self._found is None and self._capture is not None:
                self._found = self._advance(frame)
        found, self._found = self._found, None
        return found

    def recent(self, start: int, end: int) -> Chunk:
        """Return the audio between two samples, as far as the ring goes back and frames are complete."""
        return self._ring.cut(start, end)

    def so_far(self) -> Segment | None:
        """Return what the capture under way holds, and go on; None where no speech worth a segment has begun."""
        return self._capture.segment("stopped") if self._capture and self._capture.has_speech else None

    def paused(self) -> Segment | None:
        """Return the speech so far once in each pause, when it is time to `judge` it; None at any other time."""
        settings = self.settings
        if not settings.grammar_endpoint or self._capture is None or not self._capture.is_due():
            return None
        return self._capture.segment("stopped")

    def judge(self, segment: Segment, said: Progress) -> None:
        """Let what was said decide how long the pause may last; too late an answer is passed over.

        Args:
            segment: of `paused`.
            said: what it is.
        """
        if self._capture is not None:
            self._capture.judge(segment.speech_end, said)

    def stop(self, ended_by: EndedBy = "stopped") -> Segment | None:
        """End the capture; return what it holds, or None where no speech had begun."""
        found, capture = self._found, self._capture
        self._found = self._capture = None
        if found is None and capture is not None:
            found = capture.segment(ended_by)
        return found if found and found.speech_start is not None else None

    def _advance(self, frame: _Frame) -> Segment | None:
        if self._capture is None or (ended_by := self._capture.advance(frame)) is None:
            return None
        segment = self._capture.segment(ended_by)
        self._capture = None
        return segment

    def _keep_from(self) -> int | None:
        onset = self._capture.onset if self._capture else None
        return None if onset is None else onset - _samples(self.settings.pre_roll_ms)

    def _lost(self, chunk: Chunk) -> Iterator[_Frame]:
        """Yield silence for lost audio, as much as can matter."""
        end = self._ring.end
        if end is None or chunk.start == end:
            return
        if chunk.start < end:
            self._found = self._found or self.stop("end_of_stream")
            self._ring.clear()
            return
        longest = _samples(self.settings.cap_ms + self.settings.no_speech_ms)
        n = min(chunk.start - end, longest) if self._capture else 0
        for offset in range(0, n, RATE // 50):
            silence = np.zeros(min(RATE // 50, n - offset), np.float32)
            yield _Frame(Chunk(silence, end + offset), voiced=False)
        if n < chunk.start - end:
            self._ring.clear()


class _Ring:
    """Recent frames without a hole between them."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._frames: deque[_Frame] = deque()

    def __iter__(self) -> Iterator[_Frame]:
        return iter(tuple(self._frames))

    @property
    def start(self) -> int:
        return self._frames[0].chunk.start if self._frames else 0

    @property
    def end(self) -> int | None:
        return self._frames[-1].chunk.end if self._frames else None

    def append(self, frame: _Frame, keep_from: int | None) -> None:
        """Add a frame; drop what is older than the ring's length, but nothing from sample `keep_from` on."""
        self._frames.append(frame)
        oldest = frame.chunk.end - self._length
        oldest = oldest if keep_from is None else min(oldest, keep_from)
        while self._frames[0].chunk.end <= oldest:
            self._frames.popleft()

    def clear(self) -> None:
        self._frames.clear()

    def cut(self, start: int, end: int) -> Chunk:
        """Return the audio from sample `start`, or from the oldest kept, up to `end`."""
        frames = [frame.chunk for frame in self._frames if start < frame.chunk.end and frame.chunk.start < end]
        if not frames:
            return Chunk(np.zeros(0, np.float32), end)
        first = frames[0].start
        audio = np.concatenate([frame.samples for frame in frames])
        start = max(start, first)
        return Chunk(audio[start - first : end - first], start)


class _Capture:
    """The search for one segment."""

    def __init__(
        self, settings: SegmenterSettings, ring: _Ring, at: int, wake_at: int | None, *, until_stopped: bool = False
    ) -> None:
        self._until_stopped = until_stopped
        self._longest = _samples(settings.cap_ms)  # also of a wait for `stop` without any speech
        self.onset: int | None = None
        self._settings = settings
        self._ring = ring
        self._at = at
        self._wake_at = wake_at
        self._end = at
        self._window: deque[_Frame] = deque()
        self._run = 0  # samples of the present unbroken voiced run
        self._voiced = 0  # samples of voiced audio since the onset
        self._last_voiced = at
        self._asked_at: int | None = None  # end of the speech that was handed out to be judged
        self._ending_ms = settings.ending_ms
        self._in_tail = wake_at is not None and self._speaking_at(at)

    @property
    def has_speech(self) -> bool:
        """Whether there is speech that is no noise."""
        return self.onset is not None and self._voiced >= _samples(self._settings.min_speech_ms)

    def is_due(self) -> bool:
        """Return True once in a pause that has become long enough to look at what was said."""
        if self._until_stopped or not self.has_speech or self._asked_at == self._last_voiced:
            return False
        if self._end - self._last_voiced < _samples(self._settings.look_ms):
            return False
        self._asked_at = self._last_voiced
        return True

    def judge(self, speech_end: int | None, said: Progress) -> None:
        """Let what was said until `speech_end` decide how long this pause may last."""
        if speech_end == self._last_voiced:
            self._ending_ms = self._settings.ending_after(said)

    def advance(self, frame: _Frame) -> EndedBy | None:
        """Take in a frame; return why the segment is complete, or None."""
        ended_by = self._advance(frame)
        waits = self._until_stopped and (ended_by == "silence" or self._end - self._at < self._longest)
        return None if waits and ended_by != "cap" else ended_by

    def _advance(self, frame: _Frame) -> EndedBy | None:
        if frame.chunk.end <= self._at:
            return None
        self._end = frame.chunk.end
        self._run = self._run + len(frame.chunk.samples) if frame.voiced else 0
        if self.onset is not None:
            return self._in_speech(frame)
        if self._in_tail:
            self._follow_tail(frame)
        else:
            self._seek_onset(frame)
        timed_out = self.onset is None and self._end - self._at >= _samples(self._settings.no_speech_ms)
        return "timeout" if timed_out else None

    def segment(self, ended_by: EndedBy) -> Segment:
        """Return the audio with its pre-roll; without an onset where there was too little speech."""
        settings = self._settings
        if self._voiced < _samples(settings.min_speech_ms):
            self.onset = None
        start, onset = self._start(), self.onset
        end = min(self._end, start + _samples(settings.cap_ms))
        audio = self._ring.cut(start, end)
        return Segment(
            samples=audio.samples,
            start=audio.start,
            ended_by=ended_by,
            speech_start=onset,
            speech_end=None if onset is None else min(self._last_voiced, end),
            wake_at=self._wake_at,
        )

    def _in_speech(self, frame: _Frame) -> EndedBy | None:
        settings = self._settings
        if frame.voiced:
            self._voiced += len(frame.chunk.samples)
        if self._run >= _samples(settings.resume_ms):
            self._last_voiced, self._ending_ms = frame.chunk.end, settings.ending_ms
        if self._end - self._start() >= _samples(settings.cap_ms):
            return "cap"
        if self._end - self._last_voiced < _samples(self._ending_ms):
            return None
        if self._voiced >= _samples(settings.min_speech_ms):
            return "silence"
        self._forget_onset()  # a noise
        return "timeout" if self._end - self._at >= _samples(settings.no_speech_ms) else None

    def _follow_tail(self, frame: _Frame) -> None:
        """Tell the wake word's own tail from a command in one breath: the command outlasts `wake_tail_ms`."""
        tail_end = (self._wake_at or 0) + _samples(self._settings.wake_tail_ms)
        if frame.voiced:
            self._voiced += len(frame.chunk.samples)
            self._last_voiced = frame.chunk.end
            if frame.chunk.end > tail_end:
                self.onset = self._wake_at
        elif frame.chunk.end - self._last_voiced >= _samples(self._settings.onset_window_ms):
            self._in_tail = False
            self._voiced = 0

    def _seek_onset(self, frame: _Frame) -> None:
        settings = self._settings
        self._window.append(frame)
        while self._window[0].chunk.end <= frame.chunk.end - _samples(settings.onset_window_ms):
            self._window.popleft()
        voiced = [kept.chunk for kept in self._window if kept.voiced]
        n_voiced = sum(len(chunk.samples) for chunk in voiced)
        if n_voiced >= _samples(settings.onset_ms):
            self.onset, self._last_voiced, self._voiced = voiced[0].start, voiced[-1].end, n_voiced

    def _forget_onset(self) -> None:
        self.onset, self._voiced = None, 0
        self._window.clear()

    def _speaking_at(self, at: int) -> bool:
        """Return True where the window before sample `at` holds an onset's worth of voiced audio."""
        window = at - _samples(self._settings.onset_window_ms)
        voiced = (f for f in self._ring if f.voiced and window < f.chunk.end <= at)
        return sum(len(frame.chunk.samples) for frame in voiced) >= _samples(self._settings.onset_ms)

    def _start(self) -> int:
        """First sample of the segment: pre-roll before the speech, as far as the ring goes back."""
        wanted = self._at if self.onset is None else self.onset - _samples(self._settings.pre_roll_ms)
        return max(wanted, self._ring.start)


def _samples(ms: int) -> int:
    return ms * RATE // 1000
