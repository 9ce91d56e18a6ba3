"""What a telephone leaves of a recording."""

import numpy as np

from voice.events import RATE, Samples

_RATE = 8000
_MU = 255


def by_telephone(samples: Samples, band: tuple[float, float] | None = None) -> Samples:
    """Return samples as a telephone gives them: 8 kHz, coded by the mu-law of ITU-T G.711 (its continuous form).

    Args:
        samples: mono at 16 kHz.
        band: lowest and highest frequency that the line carries, Hz; None: all below 4 kHz.
    """
    import soxr  # noqa: PLC0415 - slow to import

    narrow = np.clip(soxr.resample(samples, RATE, _RATE), -1, 1)
    if band is not None:
        hertz = np.fft.rfftfreq(len(narrow), 1 / _RATE)
        carried = (hertz > band[0]) & (hertz < band[1])
        narrow = np.clip(np.fft.irfft(np.fft.rfft(narrow) * carried, len(narrow)), -1, 1)
    coded = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    coded = np.rint(coded * 127) / 127  # 8 bits: sign and 127 steps
    heard = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    wide = soxr.resample(np.asarray(heard, np.float32), _RATE, RATE)
    return np.pad(wide, (0, max(0, len(samples) - len(wide))))[: len(samples)]
