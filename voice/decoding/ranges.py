"""Runs of neighbouring rows, gathered without a loop."""

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


def ranges(first: npt.NDArray[np.integer[Any]], counts: npt.NDArray[np.integer[Any]]) -> Numbers:
    """Return `counts[i]` numbers from `first[i]` on, one run after the other.

    Args:
        first: shape (n,).
        counts: shape (n,), none negative.

    Returns:
        The numbers, as many as the counts add up to.
    """
    return np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum(), dtype=np.int64)
