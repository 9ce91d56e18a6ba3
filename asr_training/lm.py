"""Word n-grams of order 2 to 4 from text: interpolated modified Kneser-Ney, pruned by entropy.

Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", equations 26 to 29; pruning
as Stolcke 1998, "Entropy-based pruning of backoff language models", with the change of the back-off weight left out of
the criterion and computed afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import BEGIN, END, MARKS, ORDERS, UNKNOWN
from voice.errors import ConfigError, DataError

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the model may get."""

    words: int = 60_000
    min_count: int = 3
    """A word seen less often is unknown."""
    bigrams: int = 400_000
    trigrams: int = 400_000
    quadgrams: int = 400_000

    def most(self, order: int) -> int:
        """Return the largest number of n-grams of an order."""
        return (self.bigrams, self.trigrams, self.quadgrams)[order - 2]


class Limits(Protocol):
    """Says how many n-grams may stay."""

    def most(self, order: int) -> int:
        """Return the largest number of n-grams of an order."""
        ...


@dataclass(frozen=True, slots=True)
class Level:
    """The n-grams of one order that stay in a model, ascending by key; all of shape (n,)."""

    key: Ids
    """Index of the n-gram without its last word, among those that stay, * V + the last; a word's own id in order 1."""
    score: Floats
    """log p(last word | the others)."""
    backoff: Floats
    """log of its back-off weight as a context."""


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of one order, in the order of (context, last word)."""

    context: Ids
    """Index of the n-gram without its last word, among those one shorter; of a word: -1."""
    last: Ids
    """Id of the last word."""
    suffix: Ids
    """Index of the n-gram without its first word, among those one shorter; of a word: -1."""
    frequency: Floats
    """How often it stands in the text."""
    count: Floats
    """What smoothing counts: its frequency in the longest order and after `<s>`, else its different left neighbours."""


def estimate(sentences: Iterable[str], sizes: Sizes = Sizes(), order: int = 3) -> dict[str, npt.NDArray]:
    """Return the arrays of `voice.decoding.ngram.NGram`.

    Args:
        sentences: normalised, words separated by spaces.
        sizes: limits.
        order: words in the longest n-gram, 2 to 4.

    Raises:
        ConfigError: another order.
        DataError: the text is too small.
    """
    if not 2 <= order <= len(ORDERS):
        raise ConfigError(f"order {order} of a language model", fix=f"choose 2 to {len(ORDERS)}")
    lines = [sentence.split() for sentence in sentences]
    words = vocabulary(lines, sizes)
    arrays = {"words": np.frombuffer("".join(f"{word}\n" for word in words).encode(), np.uint8)}
    for n, (name, found) in enumerate(zip(ORDERS, estimated(lines, words, sizes, order), strict=False)):
        if n:
            arrays[f"{name}_key"] = found.key
        arrays[f"{name}_score"] = found.score.astype(np.float16 if n else np.float32)
        if n + 1 < order:
            arrays[f"{name}_backoff"] = found.backoff.astype(np.float16 if n else np.float32)
    return arrays


def estimated(lines: Sequence[Sequence[str]], words: Sequence[str], sizes: Limits, order: int) -> list[Level]:
    """Return the n-grams that stay of each order, from 1 on; `order` may be any from 2 on.

    Args:
        lines: the words of each sentence.
        words: that are known, `MARKS` first.
        sizes: limits of the longer orders.
        order: words in the longest n-gram.

    Raises:
        DataError: the text is too small.
    """
    v = len(words)
    ids, start = _numbered(lines, {word: i for i, word in enumerate(words)})
    grams = _grams(ids, start, v, order)
    if not all(len(each.last) for each in grams):
        raise DataError("too little text for a language model", fix="give more sentences, or a lower order")
    p = [_unigrams(grams[0], v)]
    for each in grams[1:]:
        p.append(_interpolated(each, p[-1][each.suffix]))
    kept = _pruned(grams, p, sizes)
    backoff = [*_backoffs(grams, p, kept), np.ones(len(p[-1]))]
    found, place = [], np.arange(v)
    for n, here in enumerate(kept):
        key = place[grams[n].context[here]] * v + grams[n].last[here] if n else place
        place = np.cumsum(here) - 1
        found.append(Level(key, np.log(p[n][here]), np.log(backoff[n][here])))
    return found


def vocabulary(lines: Sequence[Sequence[str]], sizes: Sizes) -> list[str]:
    """Return the marks and the most frequent words, most frequent first."""
    counts = Counter(word for line in lines for word in line)
    frequent = [word for word, count in counts.most_common(sizes.words) if count >= sizes.min_count]
    return [*MARKS, *frequent]


def _numbered(lines: Sequence[Sequence[str]], index: dict[str, int]) -> tuple[Ids, Ids]:
    """Return all sentences as ids with their marks, and for each position how far its sentence's start is."""
    ids, start = [], []
    for line in lines:
        ids += [BEGIN, *(index.get(word, UNKNOWN) for word in line), END]
        start += range(len(line) + 2)
    return np.asarray(ids, np.int64), np.asarray(start, np.int64)


def _grams(ids: Ids, start: Ids, v: int, order: int) -> list[Grams]:
    """Return the n-grams of each order up to `order`; those with an unknown word are left out."""
    at = ids  # the index of the n-gram that ends at each position, -1 for none
    known = ids != UNKNOWN
    none = np.full(v, -1)
    found = [Grams(none, np.arange(v), none, _tally(at, v), _neighbours(at, ids, start, known, 1, v))]
    for n in range(2, order + 1):
        here = np.nonzero(known & (start >= n - 1) & (np.roll(at, 1) >= 0))[0]
        keys, first, index = np.unique(at[here - 1] * v + ids[here], return_index=True, return_inverse=True)
        suffix = at[here[first]]
        at = np.full(len(ids), -1)
        at[here] = index
        frequency = np.bincount(index, minlength=len(keys)).astype(float)
        count = frequency if n == order else _neighbours(at, ids, start, at >= 0, n, len(keys))
        found.append(Grams(keys // v, keys % v, suffix, frequency, count))
    return found


def _tally(at: Ids, n: int) -> Floats:
    return np.bincount(at[at >= 0], minlength=n).astype(float)


def _neighbours(at: Ids, ids: Ids, start: Ids, known: Flags, n: int, size: int) -> Floats:
    """Return how many different words stand before each n-gram, or how often it begins a sentence."""
    inside = np.nonzero(known & (start >= n))[0]
    v = int(ids.max(initial=0)) + 1
    different = np.unique(at[inside] * v + ids[inside - n])
    first = at[np.nonzero(known & (start == n - 1) & (n > 1))[0]]
    return _tally(different // v, size) + _tally(first, size)


def _discounts(count: Floats) -> Floats:
    """Return the discounts of counts 0, 1, 2 and more (Chen and Goodman 1998, equation 26), none below 0."""
    n = [float(np.sum(count == k)) for k in range(1, 5)]
    if min(n) == 0:
        return np.array([0.0, 0.5, 0.75, 0.9])  # too few to estimate: plausible ones
    y = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * y * n[k] / n[k - 1] for k in range(1, 4)]
    return np.clip(np.array([0.0, *found]), 0.0, [0.0, 0.99, 1.99, 2.99])


def _unigrams(words: Grams, v: int) -> Floats:
    """Return p(word), the mass of the discounts spread evenly; `<s>` is never predicted."""
    discount = _discounts(words.count)[np.minimum(words.count, 3).astype(int)]
    p = (words.count - discount + discount.sum() / (v - 1)) / max(1.0, words.count.sum())
    p[BEGIN] = 1e-9
    return p


def _interpolated(grams: Grams, lower: Floats) -> Floats:
    """Return p(word | context) of the n-grams seen, the lower order weighed in."""
    discount = _discounts(grams.count)[np.minimum(grams.count, 3).astype(int)]
    total = np.bincount(grams.context, grams.count)
    gamma = np.bincount(grams.context, discount) / np.maximum(total, 1)
    return (grams.count - discount) / total[grams.context] + gamma[grams.context] * lower


def _pruned(grams: Sequence[Grams], p: Sequence[Floats], sizes: Limits) -> list[Flags]:
    """Return which n-grams of each order stay: the most useful ones, and what longer ones need as their context."""
    kept = [np.ones(len(each), bool) for each in p]
    for n in range(len(grams) - 1, 0, -1):
        share = grams[n - 1].frequency[grams[n].context]
        kept[n] = _most_useful(p[n], p[n - 1][grams[n].suffix], share, sizes.most(n + 1))
        if n + 1 < len(grams):
            kept[n][grams[n + 1].context[kept[n + 1]]] = True
    return kept


def _most_useful(p: Floats, lower: Floats, share: Floats, most: int) -> Flags:
    """Return the `most` n-grams that lose most entropy when left to the lower order."""
    worth = share * p * (np.log(p) - np.log(lower))
    if len(worth) <= most:
        return np.ones(len(worth), bool)
    return worth > np.partition(worth, -most)[-most]


def _backoffs(grams: Sequence[Grams], p: Sequence[Floats], kept: Sequence[Flags]) -> list[Floats]:
    """Return each n-gram's back-off weight as a context: the mass left over, for what it is spread on."""
    found: list[Floats] = []
    q = p[0]  # what the pruned model gives to every n-gram seen
    for n in range(1, len(grams)):
        here, lower = kept[n], q[grams[n].suffix]
        size = len(p[n - 1])
        given = 1 - np.bincount(grams[n].context[here], p[n][here], size)
        spread = 1 - np.bincount(grams[n].context[here], lower[here], size)
        backoff = np.maximum(given, 1e-6) / np.maximum(spread, 1e-6)
        backoff[~kept[n - 1]] = 1.0
        found.append(backoff)
        q = np.where(here, p[n], backoff[grams[n].context] * lower)
    return found
