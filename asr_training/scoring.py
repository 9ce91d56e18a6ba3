"""Word and character error rates with an interval over speakers."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from voice.text import edit_distance


@dataclass(frozen=True, slots=True)
class Scored:
    """One recognised utterance."""

    speaker: str
    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate in per cent: errors by reference units of the whole set, never a mean of rates."""

    value: float
    low: float
    """2.5 % quantile of the bootstrap over speakers (Liu and Peng 2019: blocks, as a speaker's errors correlate)."""
    high: float
    n: int
    """Utterances."""


def word_error_rate(scored: Iterable[Scored], *, resamples: int = 1000, seed: int = 1) -> Rate:
    """Return the word error rate."""
    return _rate(
        [
            (s.speaker, edit_distance(s.reference.split(), s.hypothesis.split()), len(s.reference.split()))
            for s in scored
        ],
        resamples,
        seed,
    )


def word_error_difference(one: list[Scored], other: list[Scored], *, resamples: int = 1000, seed: int = 1) -> Rate:
    """Return the word error rate of `one` less that of `other` on the same utterances, in points.

    The interval is a paired bootstrap over speakers (Bisani and Ney 2004).
    """
    counts = [
        (
            a.speaker,
            edit_distance(a.reference.split(), a.hypothesis.split())
            - edit_distance(b.reference.split(), b.hypothesis.split()),
            len(a.reference.split()),
        )
        for a, b in zip(one, other, strict=True)
    ]
    return _rate(counts, resamples, seed)


def character_error_rate(scored: Iterable[Scored], *, resamples: int = 1000, seed: int = 1) -> Rate:
    """Return the character error rate, spaces counted."""
    return _rate(
        [(s.speaker, edit_distance(s.reference, s.hypothesis), len(s.reference)) for s in scored], resamples, seed
    )


def _rate(counts: list[tuple[str, int, int]], resamples: int, seed: int) -> Rate:
    by_speaker: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for speaker, errors, units in counts:
        by_speaker[speaker][0] += errors
        by_speaker[speaker][1] += units
    if not by_speaker:
        return Rate(float("nan"), float("nan"), float("nan"), 0)
    table = np.array(list(by_speaker.values()), np.float64)  # (speakers, 2)
    drawn = np.random.default_rng(seed).integers(0, len(table), (resamples, len(table)))
    sums = table[drawn].sum(axis=1)  # (resamples, 2)
    low, high = np.quantile(100 * sums[:, 0] / np.maximum(1, sums[:, 1]), (0.025, 0.975))
    errors, units = table.sum(axis=0)
    return Rate(100 * errors / max(1, units), float(low), float(high), len(counts))
