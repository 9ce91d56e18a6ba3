"""How often words are said: counted in texts, or read off the language model that the recogniser ships with."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import BEGIN, END, UNKNOWN, NGram, read_arrays
from voice.models.bundle import SHIPPED
from voice.text import normalise

WORDS_AN_HOUR = 9_000
"""Of running speech: 150 a minute."""

_MILLION = 1e6
_ROUNDS = 12
_LISTED, _DRAWN = 50_000, 30_000  # pairs of words


def rates_in(texts: Iterable[str]) -> dict[str, float]:
    """Return how often each word stands in texts, per million words."""
    counts = Counter(word for text in texts for word in normalise(text).split())
    total = counts.total()
    return {word: _MILLION * n / total for word, n in counts.items()}


@lru_cache(maxsize=1)
def shipped_rates() -> Mapping[str, float]:
    """Return how often each of 50,000 words occurs, per million, by the trigrams of the bundle `asr-en`."""
    model = _shipped_model()
    share = _stationary(model)
    words = zip(model.words[UNKNOWN + 1 :], share[UNKNOWN + 1 :].tolist(), strict=True)
    return {word: _MILLION * p for word, p in words if re.fullmatch("[a-z']+", word)}


@lru_cache(maxsize=1)
def shipped_pairs() -> list[tuple[str, str, float]]:
    """Return pairs of words that follow each other in endless text of the bundle `asr-en`, and the share of each.

    The commonest of the pairs that the model lists, with the weight of all listed ones, and a draw of the others, whose
    second word doesn't depend on the first; the same at each call. Shares add up to 1.
    """
    model = _shipped_model()
    n = len(model.words)
    share = _stationary(model)
    key = np.asarray(model.arrays["bi_key"])
    first, second = key // n, key % n
    joint = share[first] * np.exp(np.asarray(model.arrays["bi_score"], np.float64))
    joint[(first <= UNKNOWN) | (second <= UNKNOWN)] = 0.0
    common = np.argsort(-joint, kind="stable")[:_LISTED]
    weights = joint[common] * joint.sum() / joint[common].sum()
    rng = np.random.default_rng(0)
    apart = share * np.exp(np.asarray(model.arrays["uni_backoff"], np.float64))
    ones = rng.choice(n, _DRAWN, p=apart / apart.sum())
    others = rng.choice(n, _DRAWN, p=share)
    weight = (1 - float(joint.sum())) / _DRAWN
    found = [
        (model.words[i], model.words[j], float(w))
        for i, j, w in zip(first[common], second[common], weights, strict=True)
    ]
    return found + [(model.words[i], model.words[j], weight) for i, j in zip(ones, others, strict=True)]


@lru_cache(maxsize=1)
def _shipped_model() -> NGram:
    return NGram(read_arrays(SHIPPED / "asr-en" / "language.bin"))


def _stationary(model: NGram) -> npt.NDArray[np.float64]:
    """Return the share of each word in endless text of the model's bigrams.

    A smoothed model's unigrams say after how many words a word is met, not how often; the bigrams' fixed point does.
    """
    key = np.asarray(model.arrays["bi_key"])
    n = len(model.words)
    first, second = key // n, key % n
    alone = np.exp(np.asarray(model.arrays["uni_score"], np.float64))
    backoff = np.exp(np.asarray(model.arrays["uni_backoff"], np.float64))
    gained = np.exp(np.asarray(model.arrays["bi_score"], np.float64)) - backoff[first] * alone[second]
    alone[BEGIN] = 0.0
    share = alone / alone.sum()
    for _ in range(_ROUNDS):
        share[BEGIN] = share[END]  # a sentence's end is followed by a beginning
        share = np.bincount(second, share[first] * gained, n) + alone * float((share * backoff).sum())
        share = np.maximum(share, 0.0)
        share /= share.sum()
    share[[BEGIN, END, UNKNOWN]] = 0.0
    return share / share.sum()
