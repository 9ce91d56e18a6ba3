"""Word trigrams from text: interpolated modified Kneser-Ney, pruned by entropy.

Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", equations 26 to 29; pruning
as Stolcke 1998, "Entropy-based pruning of backoff language models", with the change of the back-off weight left out of
the criterion and computed afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import BEGIN, END, MARKS, UNKNOWN
from voice.errors import DataError

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the model may get."""

    words: int = 60_000
    min_count: int = 3
    """A word seen less often is unknown."""
    bigrams: int = 400_000
    trigrams: int = 400_000


@dataclass(frozen=True, slots=True)
class Order:
    """The n-grams of one order: keys ascending, with what smoothing needs."""

    key: Ids
    count: Floats


def estimate(sentences: Iterable[str], sizes: Sizes = Sizes()) -> dict[str, npt.NDArray]:
    """Return the arrays of `voice.decoding.ngram.NGram`.

    Args:
        sentences: normalised, words separated by spaces.
        sizes: limits.

    Raises:
        DataError: the text is too small to estimate discounts.
    """
    lines = [sentence.split() for sentence in sentences]
    words = vocabulary(lines, sizes)
    v = len(words)
    ids, start = _numbered(lines, {word: i for i, word in enumerate(words)})
    tri, bi, uni = _counts(ids, start, v)
    if not len(tri.key) or not len(bi.key):
        raise DataError("too little text for a language model", fix="give more sentences")
    p1 = _unigrams(uni, v)
    p2 = _interpolated(bi, bi.key // v, p1[bi.key % v])
    backed = _looked_up(bi.key, p2, tri.key % (v * v))  # the tail of a trigram seen was seen
    p3 = _interpolated(tri, tri.key // v, backed)
    kept3 = _most_useful(p3, backed, _looked_up(*_context_counts(ids, start, v), tri.key // v), sizes.trigrams)
    tri_key, p3 = tri.key[kept3], p3[kept3]
    share = np.bincount(ids, minlength=v)[bi.key // v].astype(float)
    needed = np.isin(bi.key, tri_key // v)
    kept2 = needed | _most_useful(p2, p1[bi.key % v], share, sizes.bigrams)
    bi_key, p2 = bi.key[kept2], p2[kept2]
    backoff1 = _backoff(bi_key // v, p2, p1[bi_key % v], v)
    context = np.searchsorted(bi_key, tri_key // v)
    lower = _backed_off(tri_key % (v * v), bi_key, p2, backoff1, p1, v)
    backoff2 = _backoff(context, p3, lower, len(bi_key))
    return {
        "words": np.frombuffer("".join(f"{word}\n" for word in words).encode(), np.uint8),
        "uni_score": np.log(p1).astype(np.float32),
        "uni_backoff": np.log(backoff1).astype(np.float32),
        "bi_key": bi_key,
        "bi_score": np.log(p2).astype(np.float16),
        "bi_backoff": np.log(backoff2).astype(np.float16),
        "tri_key": context * v + tri_key % v,
        "tri_score": np.log(p3).astype(np.float16),
    }


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


def _counts(ids: Ids, start: Ids, v: int) -> tuple[Order, Order, Order]:
    """Return trigrams with counts, bigrams and words with continuation counts (raw ones after `<s>`)."""
    third = np.nonzero((start >= 2) & (ids != UNKNOWN) & (np.roll(ids, 1) != UNKNOWN) & (np.roll(ids, 2) != UNKNOWN))[0]
    key, count = np.unique((ids[third - 2] * v + ids[third - 1]) * v + ids[third], return_counts=True)
    tri = Order(key, count.astype(float))
    bi_key, continued = np.unique(key % (v * v), return_counts=True)
    second = np.nonzero((start == 1) & (ids != UNKNOWN))[0]
    first_key, first_count = np.unique(ids[second - 1] * v + ids[second], return_counts=True)
    keys = np.concatenate([first_key, bi_key])  # those after <s> first: its id is the smallest
    bi = Order(keys, np.concatenate([first_count, continued]).astype(float))
    word, follows = np.unique(keys % v, return_counts=True)
    return tri, bi, Order(word, follows.astype(float))


def _discounts(count: Floats) -> Floats:
    """Return the discounts of counts 0, 1, 2 and more (Chen and Goodman 1998, equation 26)."""
    n = [float(np.sum(count == k)) for k in range(1, 5)]
    if min(n) == 0:
        return np.array([0.0, 0.5, 0.75, 0.9])  # too few to estimate: plausible ones
    y = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * y * n[k] / n[k - 1] for k in range(1, 4)]
    return np.clip(np.array([0.0, *found]), 0.0, [0.0, 0.99, 1.99, 2.99])


def _unigrams(uni: Order, v: int) -> Floats:
    """Return p(word), the mass of the discounts spread evenly; `<s>` is never predicted."""
    discount = _discounts(uni.count)[np.minimum(uni.count, 3).astype(int)]
    p = np.zeros(v)
    p[uni.key] = (uni.count - discount) / uni.count.sum()
    left = discount.sum() / uni.count.sum()
    p += left / (v - 1)
    p[BEGIN] = 1e-9
    return p


def _interpolated(order: Order, context: Ids, lower: Floats) -> Floats:
    """Return p(word | context) of the n-grams seen, the lower order weighed in."""
    discount = _discounts(order.count)[np.minimum(order.count, 3).astype(int)]
    _, at = np.unique(context, return_inverse=True)
    total = np.bincount(at, order.count)
    gamma = np.bincount(at, discount) / total
    return (order.count - discount) / total[at] + gamma[at] * lower


def _context_counts(ids: Ids, start: Ids, v: int) -> tuple[Ids, Floats]:
    """Return how often each pair of words stands in the text."""
    second = np.nonzero(start >= 1)[0]
    key, count = np.unique(ids[second - 1] * v + ids[second], return_counts=True)
    return key, count.astype(float)


def _looked_up(keys: Ids, values: Floats, wanted: Ids) -> Floats:
    """Return the values of keys that are all there; `keys` ascend."""
    return values[np.searchsorted(keys, wanted)]


def _most_useful(p: Floats, lower: Floats, share: Floats, most: int) -> npt.NDArray[np.bool_]:
    """Return the `most` n-grams that lose most entropy when left to the lower order."""
    worth = share * p * (np.log(p) - np.log(lower))
    if len(worth) <= most:
        return np.ones(len(worth), bool)
    return worth > np.partition(worth, -most)[-most]


def _backoff(context: Ids, p: Floats, lower: Floats, n: int) -> Floats:
    """Return each context's back-off weight: the mass left over, for what it is spread on."""
    given = 1 - np.bincount(context, p, n)
    spread = 1 - np.bincount(context, lower, n)
    return np.maximum(given, 1e-6) / np.maximum(spread, 1e-6)


def _backed_off(keys: Ids, bi_key: Ids, p2: Floats, backoff1: Floats, p1: Floats, v: int) -> Floats:
    at = np.minimum(np.searchsorted(bi_key, keys), len(bi_key) - 1)
    return np.where(bi_key[at] == keys, p2[at], backoff1[keys // v] * p1[keys % v])
