"""Error rates with an interval over speakers: words, characters, sentences, kinds of error, cosine similarity."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from voice.text import edit_distance

Aligned = list[tuple[str | None, str | None]]
"""Reference word and recognised word; None where the other was inserted or left out."""


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


@dataclass(frozen=True, slots=True)
class Edits:
    """Word errors of a set by their kind."""

    substitutions: int
    deletions: int
    insertions: int
    words: int
    """Of the references."""


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


def sentence_error_rate(scored: Iterable[Scored], *, resamples: int = 1000, seed: int = 1) -> Rate:
    """Return the share of utterances with at least one error."""
    return _rate([(s.speaker, s.reference.split() != s.hypothesis.split(), 1) for s in scored], resamples, seed)


def cosine_similarity(scored: Iterable[Scored], *, resamples: int = 1000, seed: int = 1) -> Rate:
    """Return the mean cosine between the word counts of reference and hypothesis, in per cent.

    It knows nothing of the order of words and forgives much: an error rate says more.
    """
    return _rate([(s.speaker, _cosine(s.reference, s.hypothesis), 1) for s in scored], resamples, seed)


def word_edits(scored: Iterable[Scored]) -> Edits:
    """Return the errors by their kind, on a best alignment of each utterance."""
    kinds: Counter[str] = Counter()
    for s in scored:
        kinds.update(_kind(pair) for pair in aligned(s.reference.split(), s.hypothesis.split()))
    words = kinds["right"] + kinds["substituted"] + kinds["deleted"]
    return Edits(kinds["substituted"], kinds["deleted"], kinds["inserted"], words)


def confusions(scored: Iterable[Scored], n: int) -> list[tuple[str | None, str | None, int]]:
    """Return the `n` most frequent errors: the word, what was recognised instead, how often."""
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for s in scored:
        counts.update(pair for pair in aligned(s.reference.split(), s.hypothesis.split()) if pair[0] != pair[1])
    return [(word, instead, count) for (word, instead), count in counts.most_common(n)]


def aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> Aligned:
    """Return a best alignment: of equal ones, substitutions before deletions before insertions, from the end."""
    costs = np.zeros((len(reference) + 1, len(hypothesis) + 1), int)
    costs[:, 0], costs[0] = np.arange(len(reference) + 1), np.arange(len(hypothesis) + 1)
    for i, word in enumerate(reference, 1):
        for j, got in enumerate(hypothesis, 1):
            costs[i, j] = min(costs[i - 1, j - 1] + (word != got), costs[i - 1, j] + 1, costs[i, j - 1] + 1)
    i, j = len(reference), len(hypothesis)
    pairs: Aligned = []
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], hypothesis[j]))
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, hypothesis[j]))
    return pairs[::-1]


def by_group(scored: Sequence[Scored], groups: Sequence[str]) -> list[tuple[str, Rate, Edits]]:
    """Return word error rate and kinds of error of each group, in the order in which the groups are met.

    A group of one speaker has its interval over utterances.

    Args:
        scored: utterances.
        groups: what each belongs to.
    """
    members: dict[str, list[Scored]] = defaultdict(list)
    for s, group in zip(scored, groups, strict=True):
        members[group].append(s)
    return [(name, word_error_rate(_blocks(found)), word_edits(found)) for name, found in members.items()]


def _blocks(scored: list[Scored]) -> list[Scored]:
    if len({s.speaker for s in scored}) > 1:
        return scored
    return [Scored(str(i), s.reference, s.hypothesis) for i, s in enumerate(scored)]


def _kind(pair: tuple[str | None, str | None]) -> str:
    word, got = pair
    if word is None:
        return "inserted"
    if got is None:
        return "deleted"
    return "right" if word == got else "substituted"


def _cosine(reference: str, hypothesis: str) -> float:
    one, other = Counter(reference.split()), Counter(hypothesis.split())
    lengths = sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))
    product = sum(n * other[word] for word, n in one.items())
    return product / lengths if lengths else float(one == other)


def _rate(counts: Sequence[tuple[str, float, int]], resamples: int, seed: int) -> Rate:
    by_speaker: dict[str, list[float]] = defaultdict(lambda: [0, 0])
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
    return Rate(float(100 * errors / max(1, units)), float(low), float(high), len(counts))
