"""Augmentation of log-mel features: tempo, vocal tract length, level, noise, silence and masks.

All of it works on the cached features, so an utterance is never decoded twice and never heard twice the same.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from asr_training.settings import AugmentSettings

_HOP_SECONDS = 0.01
Array = npt.NDArray[np.float32]


def augment(features: Array, noise: Array, settings: AugmentSettings, offset: float, rng: np.random.Generator) -> Array:
    """Return an altered copy of an utterance.

    Args:
        features: log-mel features, shape (frames, mels).
        noise: log mel power of background noise, shape (any, mels); may be empty.
        settings: what may happen.
        offset: the features' offset in the logarithm, below which nothing is heard.
        rng: decides.
    """
    x = _warp(features, 1 + settings.tempo * rng.uniform(-1, 1), 1 + settings.warp * rng.uniform(-1, 1))
    x = _surround(x, settings.silence_frames, rng)
    power = np.exp(x) * 10 ** (settings.gain_db * rng.uniform(-1, 1) / 10)
    if rng.random() < settings.room:
        power = reverberate(power, rng.uniform(0.15, 0.7), rng.uniform(0.02, 0.25))
    if len(noise) and rng.random() < settings.noise:
        power = power + _background(power, noise, rng.uniform(*settings.snr_db), rng)
    return mask(np.log(power + np.float32(offset)), settings, rng)


def reverberate(power: Array, seconds: float, share: float) -> Array:
    """Return power with a diffuse tail: every frame's power dies away by 60 dB within the reverberation time.

    The exponential decay of a diffuse room (Polack's model, as in Habets, Gannot and Cohen 2009), on power: phases
    average out over a frame.

    Args:
        power: mel power, shape (frames, mels).
        seconds: reverberation time.
        share: power of the tail in relation to the direct sound, summed over time.
    """
    decay = np.float32(10 ** (-6 * _HOP_SECONDS / seconds))
    tail = lfilter([0.0, share * (1 - decay)], [1.0, -decay], power, axis=0)
    return power + tail.astype(np.float32)


def mask(x: Array, settings: AugmentSettings, rng: np.random.Generator) -> Array:
    """Return SpecAugment's masking (Park et al. 2019, arXiv:1904.08779, section 2): masked cells take the mean."""
    x = np.array(x, np.float32)
    mean = x.mean(axis=0)
    for _ in range(settings.frequency_masks):
        width = int(rng.integers(0, settings.frequency_width + 1))
        low = int(rng.integers(0, max(1, x.shape[1] - width)))
        x[:, low : low + width] = mean[low : low + width]
    longest = int(settings.time_share * len(x))
    for _ in range(settings.time_masks):
        length = int(rng.integers(0, longest + 1))
        first = int(rng.integers(0, max(1, len(x) - length)))
        x[first : first + length] = mean
    return x


def _warp(x: Array, tempo: float, scale: float) -> Array:
    """Resample time by `tempo` and mel by `scale` (vocal tract length perturbation, Jaitly and Hinton 2013)."""
    n_frames = max(1, round(len(x) / tempo))
    x = _interpolate(x, np.linspace(0, len(x) - 1, n_frames))
    channels = np.clip(np.arange(x.shape[1]) * scale, 0, x.shape[1] - 1)
    return np.ascontiguousarray(_interpolate(np.ascontiguousarray(x.T), channels).T)


def _interpolate(x: Array, at: npt.NDArray[np.float64]) -> Array:
    low = np.minimum(at.astype(np.int64), len(x) - 1)
    high = np.minimum(low + 1, len(x) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return x[low] * (1 - share) + x[high] * share


def _surround(x: Array, most: int, rng: np.random.Generator) -> Array:
    """Add background at both ends: the quietest tenth of the frames, drawn at random."""
    before, after = rng.integers(0, most + 1, 2)
    loudness = x.mean(axis=1)
    quiet = x[loudness <= np.quantile(loudness, 0.1)]
    parts = (quiet[rng.integers(0, len(quiet), before)], x, quiet[rng.integers(0, len(quiet), after)])
    return np.concatenate(parts)


def _background(power: Array, noise: Array, snr_db: float, rng: np.random.Generator) -> Array:
    first = int(rng.integers(0, max(1, len(noise) - len(power))))
    sound = np.exp(noise[first : first + len(power)])
    sound = np.resize(sound, power.shape) if len(sound) < len(power) else sound
    level = float(power.mean()) / max(1e-9, float(sound.mean())) / 10 ** (snr_db / 10)
    return sound * np.float32(level)
