"""Phrases that sound nearly like a wake word: what a detector must learn to leave alone.

    near = NearPhrases(pronouncer, shipped_rates()).around(pronouncer.pronounce("hey luna"), n=200, seed=1)

Four kinds: parts of the phrase, the phrase with one word exchanged, single words, and pairs of words. All words of the
dictionary are compared with every beginning and every end of the phrase in two passes (`phone_distance.py`); a pair is
a word near the one and a word near the other. What holds the phrase itself, or can't be told from it, is never given.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kws_training.phone_distance import Costs, distances_within, prefix_distances, sequences
from kws_training.pronounce import Pronouncer, Pronunciation
from voice.decoding.phones import VOWELS, Phones

Kind = Literal["part", "exchanged", "word", "pair"]
Places = npt.NDArray[np.int64]

SAME = 0.8
"""What comes nearer to the phrase than this is the phrase, as somebody else says it."""

_SHARES: dict[Kind, float] = {"part": 0.15, "exchanged": 0.25, "word": 0.25, "pair": 0.35}
_PART = 0.6  # how far a word may be from a beginning or an end of the phrase and count as part of it
_HALVES = 60  # words tried for each half of a pair
_OTHERS = 60  # words that stand beside a part
_EACH = 600  # phrases of one kind, or pairs divided at one place, that are looked at closely
_SAYABLE = re.compile("(?=.*[aeiouy])[a-z]+('[a-z]+)?")


@dataclass(frozen=True, slots=True, order=True)
class NearPhrase:
    """A phrase and how near it is."""

    distance: float
    """Weighted phone edit distance of the usual pronunciations."""
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    kind: Kind
    phones: Phones
    rate: float


class NearPhrases:
    """The words of a dictionary, ready to be compared with phrases.

    Args:
        pronouncer: whose dictionary.
        rates: how often each word is said, in any unit (`word_rates.py`): other words are left out, and the common ones
            are drawn more often. None: every word of the dictionary, all alike.
    """

    def __init__(self, pronouncer: Pronouncer, rates: Mapping[str, float] | None = None) -> None:
        self._pronouncer = pronouncer
        found: dict[Phones, tuple[str, float]] = {}
        for word, said in pronouncer.dictionary.items():
            rate = 1.0 if rates is None else rates.get(word, 0.0)
            if rate > 0 and _SAYABLE.fullmatch(word):
                for phones in map(tuple, said):
                    if not VOWELS.isdisjoint(phones) and rate > found.get(phones, ("", 0.0))[1]:
                        found[phones] = word, rate
        self._phones = list(found)
        self._texts = [word for word, _ in found.values()]
        self._rates = np.array([rate for _, rate in found.values()], np.float64)
        self._spoken = sequences(self._phones)
        self._backwards = self._spoken.reversed()

    def around(self, phrase: Pronunciation, *, n: int = 200, seed: int = 0, furthest: float = 3.0) -> list[NearPhrase]:
        """Return phrases near `phrase`, the nearest first; the same for the same arguments.

        Args:
            phrase: the wake word.
            n: how many at most.
            seed: of the draw; what is near and common is drawn more often.
            furthest: weighted distance of all kinds but parts; at most half the number of the phrase's phones.
        """
        rng = np.random.default_rng(seed)
        phones = phrase.phones
        furthest = min(furthest, len(phones) / 2)
        begins = prefix_distances(phones, self._spoken)
        ends = prefix_distances(phones[::-1], self._backwards)
        found = [*self._parts(phrase, begins, ends, rng), *self._exchanged(phrase, furthest, rng)]
        found += [self._word(int(i), "word") for i in self._draw(begins[-1], furthest, _EACH, rng)]
        found += self._pairs(begins, ends, furthest, rng)
        return _drawn(self._told_apart(phrase, found, furthest), n, rng)

    def _word(self, i: int, kind: Kind) -> _Candidate:
        return _Candidate(self._texts[i], kind, self._phones[i], float(self._rates[i]))

    def _draw(self, distances: Costs, furthest: float, n: int, rng: np.random.Generator) -> Places:
        """Return at most `n` words within `furthest`, near and common ones rather than others."""
        within = np.flatnonzero(distances <= furthest)
        return within[_prefer(distances[within], self._rates[within], n, rng)]

    def _parts(
        self, phrase: Pronunciation, begins: Costs, ends: Costs, rng: np.random.Generator
    ) -> Iterator[_Candidate]:
        """Yield some of the phrase's words, and words that are its beginning or its end."""
        size = len(phrase.words)
        for start in range(size):
            for end in range(start + 1, size + 1):
                if end - start < size:
                    said = sum((pronunciations[0] for pronunciations in phrase.said[start:end]), ())
                    yield _Candidate(" ".join(phrase.words[start:end]), "part", said, float(self._rates.max(initial=1)))
        length = len(phrase.phones)
        for distances in (begins, ends):
            nearest = distances[max(2, -(-length // 3)) : length].min(axis=0, initial=np.inf)
            yield from (self._word(int(i), "part") for i in self._draw(nearest, _PART, _EACH, rng))

    def _exchanged(self, phrase: Pronunciation, furthest: float, rng: np.random.Generator) -> Iterator[_Candidate]:
        """Yield the phrase with one word exchanged, for a word near it or for any other."""
        for at in range(len(phrase.words) if len(phrase.words) > 1 else 0):
            word = phrase.said[at][0]
            distances = prefix_distances(word, self._spoken)[-1]
            near = self._draw(distances, min(furthest, len(word) / 2), _EACH, rng)
            others = self._draw(np.zeros_like(distances), 0.0, _OTHERS, rng)
            for i in map(int, (*near, *others)):
                words = [*phrase.words[:at], self._texts[i], *phrase.words[at + 1 :]]
                said = [pronunciations[0] for pronunciations in phrase.said]
                said[at] = self._phones[i]
                yield _Candidate(" ".join(words), "exchanged", sum(said, ()), float(self._rates[i]))

    def _pairs(self, begins: Costs, ends: Costs, furthest: float, rng: np.random.Generator) -> Iterator[_Candidate]:
        """Yield two words, one near the first phones of the phrase and one near the rest, divided anywhere."""
        length = len(begins) - 1
        for at in range(1, length):
            first = self._draw(begins[at], min(furthest, at / 2), _HALVES, rng)
            second = self._draw(ends[length - at], min(furthest, (length - at) / 2), _HALVES, rng)
            apart = begins[at, first][:, None] + ends[length - at, second][None, :]
            rate = np.minimum(self._rates[first][:, None], self._rates[second][None, :])
            rows, columns = np.nonzero(apart <= furthest)
            for k in _prefer(apart[rows, columns], rate[rows, columns], _EACH, rng):
                i, j = int(first[rows[k]]), int(second[columns[k]])
                text, phones = f"{self._texts[i]} {self._texts[j]}", self._phones[i] + self._phones[j]
                yield _Candidate(text, "pair", phones, float(rate[rows[k], columns[k]]))

    def _told_apart(
        self, phrase: Pronunciation, found: list[_Candidate], furthest: float
    ) -> list[tuple[NearPhrase, float]]:
        """Return each text once, with its distance and rate; without those in which the phrase itself is heard."""
        once = list({candidate.text: candidate for candidate in reversed(found)}.values())
        if not once:
            return []
        spoken = sequences([candidate.phones for candidate in once])
        distances = prefix_distances(phrase.phones, spoken)[-1]
        held = np.min([distances_within(said, spoken).min(axis=0) for said in phrase.variants], axis=0)
        return [
            (NearPhrase(round(float(apart), 3), candidate.text, candidate.kind), candidate.rate)
            for candidate, apart, inside in zip(once, distances, held, strict=True)
            if inside >= SAME and (apart <= furthest or candidate.kind in {"part", "exchanged"})
        ]


def _prefer(distances: Costs, rates: npt.NDArray[np.float64], n: int, rng: np.random.Generator) -> Places:
    """Return the places of `n` drawn without replacement, with weights sqrt(rate) exp(-2 distance).

    Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", in logarithms (Gumbel noise).
    """
    keys = 0.5 * np.log(rates) - 2 * distances + rng.gumbel(size=len(rates))
    return np.argsort(-keys, kind="stable")[:n]


def _drawn(found: list[tuple[NearPhrase, float]], n: int, rng: np.random.Generator) -> list[NearPhrase]:
    """Return `n` of them, of each kind its share where there are as many."""
    kept: list[NearPhrase] = []
    rest: list[tuple[NearPhrase, float]] = []
    for kind, share in _SHARES.items():
        of_kind = [entry for entry in found if entry[0].kind == kind]
        order = _order(of_kind, rng)
        kept += [of_kind[i][0] for i in order[: round(share * n)]]
        rest += [of_kind[i] for i in order[round(share * n) :]]
    kept += [rest[i][0] for i in _order(rest, rng)[: max(0, n - len(kept))]]
    return sorted(kept)


def _order(entries: list[tuple[NearPhrase, float]], rng: np.random.Generator) -> list[int]:
    distances = np.array([near.distance for near, _ in entries], np.float32)
    rates = np.array([rate for _, rate in entries], np.float64)
    return [int(i) for i in _prefer(distances, rates, len(entries), rng)]
