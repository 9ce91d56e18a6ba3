"""Noise at a stated ratio: pink noise, and babble of several talkers.

SNR is 10 log10 of the clip's power over the noise's, and the noise lies under the whole clip. The clip's power is its
mean over the whole clip ("clip", the usual definition), or the mean of its loudest half second ("speech"), which is
up to 3 dB stricter for a word in a second: pauses don't count. The mixture is made softer where it would clip.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from voice.events import RATE, Samples

SnrOver = Literal["clip", "speech"]
SNRS_DB = (20.0, 10.0, 5.0, 0.0)
N_TALKERS = 5
_LOUDEST = RATE // 2  # samples

Noise = Callable[[np.random.Generator, int], Samples]
"""Returns n samples of noise of any level."""


def pink(rng: np.random.Generator, n_samples: int) -> Samples:
    """Return noise whose power falls as 1 / f, from 20 Hz up."""
    frequency = np.fft.rfftfreq(n_samples, 1 / RATE)
    spectrum = rng.normal(size=len(frequency)) + 1j * rng.normal(size=len(frequency))
    spectrum *= np.where(frequency >= 20, 1 / np.sqrt(np.maximum(frequency, 20)), 0)
    return np.asarray(np.fft.irfft(spectrum, n_samples), np.float32)


def babble(recordings: Sequence[Samples], n_talkers: int = N_TALKERS) -> Noise:
    """Return noise of `n_talkers` who talk at once, each equally loud.

    Args:
        recordings: of one talker each; a talker goes on with other recordings where one ends. Needs sound in them.
        n_talkers: who talk at once.
    """
    usable = [samples / _rms(samples) for samples in recordings if len(samples) and _rms(samples) > 1e-5]

    def noise(rng: np.random.Generator, n_samples: int) -> Samples:
        total = np.zeros(n_samples, np.float32)
        for _ in range(n_talkers):
            total += _talk(usable, rng, n_samples)
        return total

    return noise


def _talk(recordings: list[Samples], rng: np.random.Generator, n_samples: int) -> Samples:
    """Return a talker's samples from a random place on."""
    first = recordings[rng.integers(len(recordings))]
    parts = [first[int(rng.integers(max(1, len(first) - n_samples))) :]]
    while sum(map(len, parts)) < n_samples:
        parts.append(recordings[rng.integers(len(recordings))])
    return np.concatenate(parts)[:n_samples]


def mix(samples: Samples, noise: Samples, snr_db: float, over: SnrOver = "speech") -> Samples:
    """Return a clip with noise of the same length under it, see the module; digital silence stays as it is."""
    noise_rms = _rms(noise)
    if noise_rms == 0:
        return samples
    scale = np.sqrt(power(samples, over)) / noise_rms * 10 ** (-snr_db / 20)
    mixed = samples + noise * np.float32(scale)
    return mixed / np.float32(max(1.0, float(np.abs(mixed).max())))


def power(samples: Samples, over: SnrOver) -> float:
    """Return the power that an SNR refers to."""
    squared = np.square(samples, dtype=np.float64)
    if over == "clip" or len(samples) <= _LOUDEST:
        return float(squared.mean())
    total = np.concatenate([[0.0], np.cumsum(squared)])
    return float((total[_LOUDEST:] - total[:-_LOUDEST]).max() / _LOUDEST)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
