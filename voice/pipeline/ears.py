"""The ears: wake words, VAD and segmenter on one stream. Synchronous; runs on one thread, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from voice.audio.pcm import level_dbfs
from voice.audio.rechunk import Rechunker
from voice.events import RATE, Chunk, EndedBy, Segment, Wake
from voice.models.gate import SpeechGate
from voice.pipeline.gated import GatedDetectors
from voice.pipeline.own_voice import HEARD_S, SPEECH_REASONS, OwnVoice, Refused
from voice.pipeline.segmenter import Segmenter
from voice.stages import Progress, VoiceActivityDetector, WakeWordDetector

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
    refused: tuple[Refused, ...] = ()
    """Wakes that were the assistant's own voice."""
    segments: tuple[Segment, ...] = ()
    forgotten: tuple[str, ...] = ()
    """Reasons to ignore wake words that nobody ever took back."""
    pause: Segment | None = None
    """The speech so far, at the moment in a pause when it is to be judged."""


class Ears:
    """Finds wake words and speech segments.

    The wake detectors see all audio in which a word could end, so their state is always warm; what they find counts
    only while no reason holds the hotword off (Hermes `hotword/toggleOff`). The segmenter hears everything too, for its
    pre-roll.

    Args:
        detectors: one for each wake word.
        vad: voice activity of 20 ms frames.
        segmenter: cuts the speech.
        gate: tells when the detectors may rest; None: never.
        own_voice: knows what the loudspeaker plays; None: nobody does.
        off_limit_s: age at which a reason to ignore wake words is taken for lost and forgotten, s; the empty reason,
            which a person gives, never is.
    """

    def __init__(
        self,
        detectors: Sequence[WakeWordDetector],
        vad: VoiceActivityDetector,
        segmenter: Segmenter,
        *,
        gate: SpeechGate | None = None,
        own_voice: OwnVoice | None = None,
        off_limit_s: float = 900.0,
    ) -> None:
        self._off_limit = round(off_limit_s * RATE)
        self._detectors = GatedDetectors(detectors, gated=gate is not None)
        self._gate = gate
        self._own_voice = own_voice or OwnVoice()
        self._vad = vad
        self._segmenter = segmenter
        self._frames = Rechunker(FRAME)
        self._off_reasons: dict[str, int] = {}  # with the sample at which each was given
        self._wakes_too = False
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
        self._own_voice.follow(chunk)
        wakes = self._detectors.process(chunk, self._gate.process(chunk) if self._gate else None)
        segments: list[Segment] = []
        speech: list[float] = []
        pause: Segment | None = None
        for frame in self._frames.process(chunk):
            speech.append(self._vad.process(frame))
            if segment := self._segmenter.process(frame, speech[-1]):
                segments.append(segment)
            pause = self._segmenter.paused() or pause
        share = sum(speech) / len(speech) if speech else 0.0
        forgotten = self._forget()
        refused: list[Refused] = []
        heard = tuple(wake for wake in wakes if self._counts(wake, refused))
        level = level_dbfs(chunk.samples)
        return Heard(chunk.end, level, share, heard, tuple(refused), tuple(segments), forgotten, pause)

    def toggle_hotword(self, on: bool, reason: str) -> None:
        """Add or remove a reason to ignore wake words; the empty reason switched on clears all."""
        if not on:
            self._off_reasons[reason] = self._next
        elif reason:
            if self._off_reasons.pop(reason, None) is not None and reason in SPEECH_REASONS:
                self._own_voice.spoke(self._next)
        else:
            self._off_reasons.clear()

    def listen(
        self,
        at: int | None = None,
        wake_at: int | None = None,
        *,
        until_stopped: bool = False,
        wakes_too: bool = False,
    ) -> None:
        """Capture the next segment.

        Args:
            at: from this sample on; None: from now.
            wake_at: sample of the wake word that asks for it.
            until_stopped: silence does not end it.
            wakes_too: wake words count meanwhile.
        """
        self._wakes_too = wakes_too
        self._segmenter.start(self._next if at is None else at, wake_at, until_stopped=until_stopped)

    def recent(self, start: int, end: int) -> Chunk:
        """Return the audio between two samples, as far as it is kept: `ring_ms` of the segmenter."""
        return self._segmenter.recent(start, end)

    def rearm(self, model_id: str) -> None:
        """Let a wake word be told again at the next look: its last wake was refused."""
        self._detectors.rearm(model_id)

    def so_far(self) -> Segment | None:
        """Return what has been captured of speech that goes on."""
        return self._segmenter.so_far()

    def judge(self, segment: Segment, said: Progress) -> None:
        """Let what was said in the `pause` of a `Heard` decide how long the pause may last."""
        self._segmenter.judge(segment, said)

    def stop(self, ended_by: EndedBy = "stopped") -> Segment | None:
        """End the capture; return what was captured, if anything."""
        return self._segmenter.stop(ended_by) if self.listening else None

    def _counts(self, wake: Wake, refused: list[Refused]) -> bool:
        """Return whether a wake is one that somebody said to us now; note one that is our own voice."""
        if not self.hotword_on or (self.listening and not self._wakes_too) or self._own_voice.lingers(wake.at):
            return False
        echo = self._own_voice.echo(wake, self.recent(wake.at - round(HEARD_S * RATE), wake.at).samples)
        refused += [echo] if echo else []
        return echo is None

    def _forget(self) -> tuple[str, ...]:
        """Forget reasons that are too old: a lost `toggleOn` must not leave a site deaf (reference, section 11)."""
        limit = self._next - self._off_limit
        lost = tuple(reason for reason, at in self._off_reasons.items() if reason and at < limit)
        for reason in lost:
            del self._off_reasons[reason]
        return lost

    def _reset(self) -> None:
        self._detectors.reset()
        self._own_voice.reset()
        if self._gate:
            self._gate.reset()
        self._vad.reset()
        self._frames.reset()
