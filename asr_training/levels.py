"""What a recording sounds like, as far as it can be told without listening: silence, clipping."""

import numpy as np

from asr_training.manifest import Limits
from voice.events import Samples

_LOUD_S = 0.1  # the loudest stretch of this length tells whether anybody speaks
_RUN = 3  # samples of one value at the peak: a flat top


def objection(samples: Samples, rate: int, limits: Limits) -> str:
    """Return why a recording should not be learnt from; empty where nothing speaks against it."""
    if loudest_db(samples, rate) < limits.quietest_db:
        return f"quieter than {limits.quietest_db:g} dB"
    if clipped_share(samples) > limits.clipped:
        return f"with more than {limits.clipped:.0%} of their samples clipped"
    return ""


def loudest_db(samples: Samples, rate: int) -> float:
    """Return the level of the loudest tenth of a second, dB of full scale."""
    length = min(len(samples), int(_LOUD_S * rate))
    if length == 0:
        return -np.inf
    n = len(samples) // length
    power = np.square(samples[: n * length], dtype=np.float64).reshape(n, length).mean(axis=1).max()
    return float(10 * np.log10(power)) if power > 0 else -np.inf


def clipped_share(samples: Samples) -> float:
    """Return the share of samples in flat tops: runs of `_RUN` and more that stay at the recording's own peak.

    The peak need not be full scale: a recording may have been clipped first and turned down later.
    """
    size = np.abs(samples)
    peak = float(size.max(initial=0.0))
    if peak == 0:
        return 0.0
    at_peak = np.concatenate([[False], size >= 0.999 * peak, [False]])
    edges = np.flatnonzero(np.diff(at_peak.astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= _RUN].sum() / len(samples))
