"""Augmentation of features: tempo, speed, vocal tract length, level, room, noise, codec, silence and masks.

All of it works on the cached features, so an utterance is never decoded twice and never heard twice the same.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from asr_training.settings import AugmentSettings
from voice.audio.features import FeatureSettings, mel_filters

_HOP_SECONDS = 0.01
Array = npt.NDArray[np.float32]


def augment(
    x: Array, noise: Array, settings: AugmentSettings, features: FeatureSettings, rng: np.random.Generator
) -> Array:
    """Return an altered and masked copy of an utterance, see `alter` and `mask`."""
    return mask(alter(x, noise, settings, features, rng), settings, rng)


def alter(
    x: Array, noise: Array, settings: AugmentSettings, features: FeatureSettings, rng: np.random.Generator
) -> Array:
    """Return an utterance as it might have been said and heard elsewhere.

    A waveform changes in speed, level, noise and samples' coarseness only.

    Args:
        x: base features, shape (frames, bins).
        noise: base features of background noise, shape (any, bins); may be empty.
        settings: what may happen.
        features: what the features are, before they are finished (`FeatureSettings.base`).
        rng: decides.
    """
    if features.kind == "waveform":
        return _alter_waveform(x, noise, settings, rng)
    tempo, scale = 1 + settings.tempo * rng.uniform(-1, 1), 1 + settings.warp * rng.uniform(-1, 1)
    speed = 1 + settings.speed * rng.uniform(-1, 1)
    x = _in_frequency(_in_time(x, tempo * speed), np.arange(x.shape[1]) * scale)
    if settings.speed:
        x = _in_frequency(x, _bins_at(bin_hertz(features) / speed, features))
    x = _surround(x, settings.silence_frames, rng)
    power = np.exp(x) * 10 ** (settings.gain_db * rng.uniform(-1, 1) / 10)
    if rng.random() < settings.room:
        power = reverberate(power, rng.uniform(0.15, 0.7), rng.uniform(0.02, 0.25))
    if len(noise) and rng.random() < settings.noise:
        power = power + _background(power, noise, rng.uniform(*settings.snr_db), rng)
    if settings.codec and rng.random() < settings.codec:
        power = coded(power, features, rng.uniform(3000, 7000), rng.uniform(24, 40))
    return np.log(power + np.float32(features.offset))


def coded(power: Array, features: FeatureSettings, cut_off: float, snr_db: float) -> Array:
    """Return power as a telephone or a low bit rate leaves it: nothing above the cut-off, and coarse samples.

    A mu-law sample's error is in proportion to the sample (ITU-T G.711: about 38 dB below it at any level), so a frame
    gets white noise that far below its own power. The low-pass falls by 48 dB within an eighth of its cut-off.

    Args:
        power: shape (frames, bins).
        features: what the bins are.
        cut_off: of the low-pass, Hz.
        snr_db: of each frame.
    """
    hertz = bin_hertz(features)
    fall_db = np.clip(48 * (hertz / cut_off - 1) / 0.125, 0, 48)
    power = power * (10 ** (-fall_db / 10)).astype(np.float32)
    white = np.ones(len(hertz)) if features.kind != "logmel" else mel_filters(features).sum(axis=0)
    level = power.sum(axis=1, keepdims=True) / white.sum() / 10 ** (snr_db / 10)
    return power + (level * white).astype(np.float32)


def bin_hertz(features: FeatureSettings) -> npt.NDArray[np.float64]:
    """Return the centre of each bin, Hz."""
    if features.kind != "logmel":
        return np.arange(features.bins) * features.rate / features.fft
    edges = 1127 * np.log1p(np.array([features.f_min, features.f_max]) / 700)
    return 700 * np.expm1(np.linspace(*edges, features.mels + 2)[1:-1] / 1127)


def _bins_at(hertz: npt.NDArray[np.float64], features: FeatureSettings) -> npt.NDArray[np.float64]:
    """Return where frequencies are among the bins."""
    return np.interp(hertz, bin_hertz(features), np.arange(features.bins))


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


def _in_time(x: Array, tempo: float) -> Array:
    return _interpolate(x, np.linspace(0, len(x) - 1, max(1, round(len(x) / tempo))))


def _in_frequency(x: Array, at: npt.NDArray[np.float64]) -> Array:
    """Read the bins elsewhere (vocal tract length perturbation, Jaitly and Hinton 2013)."""
    at = np.clip(at, 0, x.shape[1] - 1)
    return np.ascontiguousarray(_interpolate(np.ascontiguousarray(x.T), at).T)


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


def _alter_waveform(x: Array, noise: Array, settings: AugmentSettings, rng: np.random.Generator) -> Array:
    """Return frames of samples in another speed and level, with noise, through 8 bit mu-law (ITU-T G.711)."""
    hop, samples = x.shape[1], x.ravel()
    speed = 1 + settings.speed * rng.uniform(-1, 1)
    n_frames = max(1, round(len(x) / speed))
    samples = np.interp(np.linspace(0, len(samples) - 1, n_frames * hop), np.arange(len(samples)), samples)
    samples = samples * 10 ** (settings.gain_db * rng.uniform(-1, 1) / 20)
    if len(noise) and rng.random() < settings.noise:
        first = int(rng.integers(0, max(1, len(noise) - n_frames)))
        sound = np.resize(noise[first : first + n_frames].ravel(), samples.shape)
        share = np.sqrt((samples**2).mean() / max(1e-12, float((sound**2).mean())))
        samples = samples + sound * share / 10 ** (rng.uniform(*settings.snr_db) / 20)
    if settings.codec and rng.random() < settings.codec:
        squeezed = np.sign(samples) * np.log1p(255 * np.minimum(1, np.abs(samples))) / np.log(256)
        steps = np.rint(squeezed * 127) / 127
        samples = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    return samples.reshape(n_frames, hop).astype(np.float32)
