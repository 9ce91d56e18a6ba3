"""The ears: wake words, VAD and segmenter on one stream. Synchronous; runs on one thread, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from voice.audio.pcm import level_dbfs
from voice.audio.rechunk import Rechunker
from voice.events import Chunk, EndedBy, Segment, Wake
from voice.pipeline.segmenter import Segmenter
from voice.stages import VoiceActivityDetector, WakeWordDetector

FRAME = 320
"""Samples in a VAD frame: 20 ms."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one chunk brought."""

    at: int
    """Sample index just after the chunk."""
    level_dbfs: float
    speech: float
    """Share of the chunk's frames that hold speech."""
    wakes: tuple[Wake, ...] = ()
    segments: tuple[Segment, ...] = ()


class Ears:
    """Finds wake words and speech segments.

    The wake detectors see every chunk, so their state is always warm; what they find counts only while no reason
    holds the hotword off (Hermes `hotword/toggleOff`). The segmenter hears everything too, for its pre-roll.

    Args:
        detectors: one for each wake word.
        vad: voice activity of 20 ms frames.
        segmenter: cuts the speech.
    """

    def __init__(self, detectors: Sequence[WakeWordDetector], vad: VoiceActivityDetector, segmenter: Segmenter) -> None:
        self._detectors = detectors
        self._vad = vad
        self._segmenter = segmenter
        self._frames = Rechunker(FRAME)
        self._off_reasons: set[str] = set()
        self._next = 0

    @property
    def hotword_on(self) -> bool:
        """True while no reason holds the wake words off."""
        return not self._off_reasons

    @property
    def listening(self) -> bool:
        """True while a segment is being captured."""
        return self._segmenter.listening

    def process(self, chunk: Chunk) -> Heard:
        """Return what `chunk` brought; a jump of the sample clock forgets the past."""
        if chunk.start != self._next:
            self._reset()
        self._next = chunk.end
        wakes = tuple(wake for detector in self._detectors if (wake := detector.process(chunk)))
        segments: list[Segment] = []
        speech: list[float] = []
        for frame in self._frames.process(chunk):
            speech.append(self._vad.process(frame))
            if segment := self._segmenter.process(frame, speech[-1]):
                segments.append(segment)
        share = sum(speech) / len(speech) if speech else 0.0
        heard = wakes if self.hotword_on and not self.listening else ()
        return Heard(chunk.end, level_dbfs(chunk.samples), share, heard, tuple(segments))

    def toggle_hotword(self, on: bool, reason: str) -> None:
        """Add or remove a reason to ignore wake words; the empty reason switched on clears all."""
        if not on:
            self._off_reasons.add(reason)
        elif reason:
            self._off_reasons.discard(reason)
        else:
            self._off_reasons.clear()

    def listen(self, at: int | None = None, wake_at: int | None = None) -> None:
        """Capture the next segment, from sample `at` (None: now)."""
        self._segmenter.start(self._next if at is None else at, wake_at)

    def stop(self, ended_by: EndedBy = "stopped") -> Segment | None:
        """End the capture; return what was captured, if anything."""
        return self._segmenter.stop(ended_by) if self.listening else None

    def _reset(self) -> None:
        for detector in self._detectors:
            detector.reset()
        self._vad.reset()
        self._frames.reset()
