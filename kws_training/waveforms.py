"""Variations of raw samples, on whole batches of shape (batch, samples) in [-1, 1]."""

import numpy as np
import numpy.typing as npt

Waves = npt.NDArray[np.float32]
"""Samples, shape (batch, samples) or (samples,)."""
_BLOCKS = 100
"""Parts of a clip whose loudest tenth is its level."""


def moved(clips: Waves, shift: npt.NDArray[np.float64], speed: npt.NDArray[np.float64]) -> Waves:
    """Return clips shifted by `shift` samples (positive: later) and played at `speed`; zeros come in.

    Linear interpolation; speed changes the pitch too, as a tape does.

    Args:
        clips: shape (batch, samples).
        shift: shape (batch,).
        speed: shape (batch,); above 1 shortens the words.
    """
    n_samples = clips.shape[1]
    centre = (n_samples - 1) / 2
    at = (np.arange(n_samples) - centre - shift[:, None]) * speed[:, None] + centre  # (batch, samples)
    outside = (at < 0) | (at > n_samples - 1)
    at = np.clip(at, 0, n_samples - 1)
    before = np.minimum(at.astype(np.intp), n_samples - 2)
    share = (at - before).astype(np.float32)
    row = np.arange(len(clips))[:, None]
    found = clips[row, before] * (1 - share) + clips[row, before + 1] * share
    found[outside] = 0
    return np.asarray(found, np.float32)


def loud_power(clips: Waves) -> npt.NDArray[np.float64]:
    """Return the power of the louder parts of each clip (90th percentile of hundredths of it), shape (batch,)."""
    length = clips.shape[1] // _BLOCKS * _BLOCKS
    blocks = np.square(clips[:, :length], dtype=np.float64).reshape(len(clips), _BLOCKS, -1).mean(axis=2)
    return np.asarray(np.quantile(blocks, 0.9, axis=1))


def with_noise(clips: Waves, noise: Waves, snr_db: npt.NDArray[np.float64]) -> Waves:
    """Return clips with noise at a ratio of the clip's loud parts to the noise's mean power.

    Args:
        clips: shape (batch, samples).
        noise: the same shape.
        snr_db: shape (batch,); infinity adds nothing.
    """
    mean = np.maximum(np.square(noise, dtype=np.float64).mean(axis=1), 1e-20)
    scale = np.sqrt(loud_power(clips) / mean) * 10 ** (-snr_db / 20)
    return clips + noise * scale.astype(np.float32)[:, None]


def with_gain(clips: Waves, gain_db: npt.NDArray[np.float64]) -> Waves:
    """Return clips made louder by `gain_db`, shape (batch,), cut off at full scale."""
    return np.clip(clips * (10 ** (gain_db / 20)).astype(np.float32)[:, None], -1, 1)
