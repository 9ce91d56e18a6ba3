"""PCM on the wire (int16, little-endian) and samples inside (float32 in [-1, 1])."""

import numpy as np

from voice.events import Samples


def from_int16(data: bytes) -> Samples:
    """Return mono samples of S16LE bytes; an odd last byte is dropped."""
    usable = len(data) - len(data) % 2
    return np.frombuffer(data[:usable], "<i2").astype(np.float32) / np.float32(32768)


def to_int16(samples: Samples) -> bytes:
    """Return S16LE bytes of samples, clipped to full scale."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def level_dbfs(samples: Samples) -> float:
    """Return the RMS level in dB relative to full scale; -120 for silence and for no samples."""
    if len(samples) == 0:
        return -120.0
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return max(-120.0, 20 * float(np.log10(max(rms, 1e-12))))
