"""How much of what a microphone hears is what a loudspeaker plays."""

import numpy as np
import numpy.typing as npt

from voice.events import RATE, Samples

_WINDOW = 2048
"""Samples of a spectrum: 128 ms, so that early reflections count as the sound that they are of."""
_HOP = 512
_BAND_HZ = (200, 4000)
_SILENT = 1e-10
"""Mean square below which a sound is nothing."""


def echo_share(heard: Samples, played: Samples) -> float:
    """Return the share of the power of `heard`, 200 to 4000 Hz, that a linear path from `played` explains, 0 to 1.

    The delay is where both correlate most; there the magnitude-squared coherence weighted by the power (G. C. Carter,
    "Coherence and time delay estimation", Proc. IEEE 75(2), 1987, section II) says how much is explained.

    Args:
        heard: the microphone's audio, about a second.
        played: what was played around then, at least as long; the delay may be anything that fits into it.
    """
    if len(heard) < 2 * _WINDOW or len(played) < len(heard) or np.mean(heard**2) < _SILENT:
        return 0.0
    delay = _delay(np.diff(heard), np.diff(played))
    reference = played[delay : delay + len(heard)]
    if np.mean(reference**2) < _SILENT:
        return 0.0
    x, r = _spectra(heard), _spectra(reference)
    cross = np.abs((x * r.conj()).mean(axis=0)) ** 2
    power, ours = (np.abs(x) ** 2).mean(axis=0), (np.abs(r) ** 2).mean(axis=0)
    hertz = np.arange(_WINDOW // 2 + 1) * RATE / _WINDOW
    band = (hertz >= _BAND_HZ[0]) & (hertz <= _BAND_HZ[1])
    explained = cross[band] / np.maximum(ours[band], 1e-20)
    return float(explained.sum() / power[band].sum())


def _delay(heard: Samples, played: Samples) -> int:
    """Return where in `played` `heard` begins: the largest normalised cross-correlation, by FFT."""
    n = 1 << (len(played) + len(heard)).bit_length()
    product = np.fft.irfft(np.fft.rfft(played, n) * np.fft.rfft(heard, n).conj(), n)
    lags = len(played) - len(heard) + 1
    energy = np.concatenate([[0.0], np.cumsum(np.square(played, dtype=np.float64))])
    energy = energy[len(heard) :] - energy[: len(energy) - len(heard)]
    floor = 1e-3 * float(energy.max()) + 1e-20  # where nothing is played nothing correlates
    return int(np.argmax(np.abs(product[:lags]) / np.sqrt(np.maximum(energy[:lags], floor))))


def _spectra(samples: Samples) -> npt.NDArray[np.complexfloating]:
    """Return the spectra of overlapping windows, shape (windows, bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    return np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1)
