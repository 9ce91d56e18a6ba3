"""What the loudspeaker plays and has just played, for whoever must tell it from a voice in the room."""

import threading
from collections import deque

import numpy as np

from voice.events import RATE, Samples

KEPT_S = 30
"""Seconds of sound that are kept; of one sound that is longer, so many from its beginning count twice as long."""


class Played:
    """Keeps recent sounds, mono at 16 kHz. Written on the event loop, read on the ears' thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sounds: deque[Samples] = deque()
        self._playing = 0

    @property
    def playing(self) -> bool:
        """True while a sound is being played."""
        return self._playing > 0

    def begin(self, samples: Samples) -> None:
        """Note that a sound begins; the oldest make room."""
        with self._lock:
            self._playing += 1
            self._sounds.append(samples[: 2 * KEPT_S * RATE])
            while len(self._sounds) > 1 and sum(map(len, self._sounds)) > KEPT_S * RATE:
                self._sounds.popleft()

    def end(self) -> None:
        """Note that a sound ended."""
        with self._lock:
            self._playing = max(0, self._playing - 1)

    def recent(self) -> Samples:
        """Return the sounds kept, one after the other, with half a second of silence around them."""
        pause = np.zeros(RATE // 2, np.float32)
        with self._lock:
            return np.concatenate([pause, *self._sounds, pause])
