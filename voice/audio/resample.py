"""One resampling step, from whatever a device or file delivers to 16 kHz."""

import numpy as np
import soxr

from voice.events import RATE, Samples


class Resampler:
    """Brings a mono stream to 16 kHz; chunking changes no sample count (soxr, high quality).

    Args:
        rate: sampling rate of the input, Hz.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._stream = self._new()

    def process(self, samples: Samples) -> Samples:
        """Return the 16 kHz samples that `samples` completes; some milliseconds stay inside."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def flush(self) -> Samples:
        """Return what stayed inside and begin a new stream."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest: Samples = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the past audio."""
        self._stream = self._new()

    def _new(self) -> "soxr.ResampleStream | None":
        return None if self.rate == RATE else soxr.ResampleStream(self.rate, RATE, 1, dtype="float32")
