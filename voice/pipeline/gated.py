"""Wake detectors behind a speech gate.

The rule: a look is left out only where no frame of all the audio that its score depends on (`context`) may be speech.
When such a frame comes, the detector takes in that audio from a ring. So every look that is made has the score that it
would have had without the gate, bit for bit; `tests/pipeline/test_gated.py` compares them.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from voice.events import Chunk, Wake
from voice.models.gate import STEP, Span
from voice.stages import Rearming, ReplayableDetector, WakeWordDetector


class GatedDetectors:
    """Wake detectors, of which those that can take in the past anew rest while there is no speech.

    Args:
        detectors: one or more for each wake word.
        gated: False lets none of them rest.
    """

    def __init__(self, detectors: Sequence[WakeWordDetector], *, gated: bool = True) -> None:
        self._detectors = detectors
        self._resting = [d for d in detectors if gated and isinstance(d, ReplayableDetector)]
        self._context = max((detector.context for detector in self._resting), default=0)
        self._kept = self._context + max((detector.period for detector in self._resting), default=0) + STEP
        self._ring: deque[Chunk] = deque()
        self._origin = self._open_until = 0

    def process(self, chunk: Chunk, speech: Span | None) -> tuple[Wake, ...]:
        """Return the wakes that fall into a chunk, in the order of the detectors.

        Args:
            chunk: the next audio.
            speech: what the gate says of the frames that it completes.
        """
        if not self._ring:
            self._origin = chunk.start
        if self._resting:
            self._keep(chunk)
        opens = speech is not None and chunk.start >= self._open_until
        if speech is not None:
            self._open_until = speech.end + self._context
        found = []
        for detector in self._detectors:
            if not isinstance(detector, ReplayableDetector) or detector not in self._resting:
                wake = detector.process(chunk)
            elif speech is not None and opens:
                wake = self._replay(detector, speech.start)
            else:
                wake = detector.process(chunk) if chunk.start < self._open_until else None
            if wake is not None:
                found.append(wake)
        return tuple(found)

    def rearm(self, model_id: str) -> None:
        """Let a word be told again at the next look: its last wake did not count."""
        for detector in self._detectors:
            if isinstance(detector, Rearming):
                detector.rearm(model_id)

    def reset(self) -> None:
        """Forget the past audio."""
        for detector in self._detectors:
            detector.reset()
        self._ring.clear()
        self._origin = self._open_until = 0

    def _keep(self, chunk: Chunk) -> None:
        self._ring.append(chunk)
        while self._ring[0].end <= chunk.start - self._kept:  # the gate answers up to a step late
            self._ring.popleft()

    def _replay(self, detector: ReplayableDetector, since: int) -> Wake | None:
        """Let a detector take in what it left out, from a sample on that keeps its looks where they were."""
        wanted = max(0, since - detector.context - self._origin)
        start = self._origin + wanted // detector.period * detector.period
        chunks = [kept for kept in self._ring if kept.end > start]
        past = np.concatenate([kept.samples for kept in chunks])[start - chunks[0].start :]
        return detector.replay(Chunk(past, start, chunks[0].rate), since)
