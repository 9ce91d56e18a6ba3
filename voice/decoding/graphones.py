"""How unknown words are said: the likeliest phones for their letters, by a joint-sequence model.

A graphone is a letter with the none, one or two phones that it stands for; a word is a sequence of them, and an n-gram
model over graphones gives its probability. Bisani and Ney 2008, "Joint-sequence models for grapheme-to-phoneme
conversion", section 3, with one letter in each graphone and a beam for the sum over alignments. Many words are
searched at once, letter by letter, and words that begin alike share the search up to where they part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import BEGIN, END, MARKS, Ids, Scores
from voice.decoding.phones import PHONES, Phones
from voice.decoding.ranges import ranges
from voice.errors import BundleError

MAKE_AGAIN = "make them again with `asr-train lexicon`"
MAX_ORDER = 9
_BEAM = 16  # partial words kept after each letter
_FURTHER = 4  # times as many are looked at before equal ones are added up
_MIN_LOG_PROB = -14.0  # behind the best: what is less likely is dropped
_APART = 64.0  # nats between the words of two groups that are sorted together: more than within one
_TOGETHER = 512  # words searched at once: their arrays fit a processor's cache
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)  # mix numbers into one

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Beam:
    """The partial words of all prefixes, those of a prefix together, best first."""

    first: Ids
    """(prefixes + 1,) Where each prefix's partial words begin."""
    score: Scores
    """(n,) Log-probability."""
    contexts: npt.NDArray[np.int32]
    """(n, order - 1) Which 1-, 2-, ... gram the last graphones are, -1 for none that the model has."""
    said: Hashes
    """(n,) The phones so far, as a number: the same however they are divided among the letters."""
    before: Ids
    """(n,) The partial word of the beam before that this one goes on from."""
    token: Ids
    """(n,) Its last graphone."""


class Graphones:
    """An n-gram model with back-off over graphones, of any order.

    Args:
        arrays: `graphones` (uint8, a line each: the letter, then its phones, separated by spaces; the first three are
            `MARKS`, the others ascending); for n from 1 `graph<n>_score`, natural logarithms, and for all but the
            longest `graph<n>_backoff`; from 2 on `graph<n>_key`, ascending = index of the n-gram without its last
            graphone * V + the last.

    Raises:
        BundleError: the arrays don't belong together.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        order = max((n for n in range(1, MAX_ORDER + 1) if f"graph{n}_score" in arrays), default=0)
        try:
            lines = bytes(arrays["graphones"]).decode("ascii").split("\n")[:-1]
            self._scores = [np.asarray(arrays[f"graph{n}_score"]) for n in range(1, order + 1)]
            self._keys = [np.asarray(arrays[f"graph{n}_key"]) for n in range(2, order + 1)]
            self._backoffs = [np.asarray(arrays[f"graph{n}_backoff"]) for n in range(1, order)]
        except (KeyError, UnicodeDecodeError) as error:
            raise BundleError(f"pronunciations without {error}", fix=MAKE_AGAIN) from error
        if order < 2 or tuple(lines[: len(MARKS)]) != MARKS or len(lines) != len(self._scores[0]):
            raise BundleError("pronunciations whose graphones and scores differ", fix=MAKE_AGAIN)
        self._n_graphones = len(lines)
        self._phones: list[Phones] = [tuple(line.split()[1:]) for line in lines]
        letters = [line[:1] for line in lines]
        if letters[len(MARKS) :] != sorted(letters[len(MARKS) :]) or not set().union(*self._phones[3:]) <= set(PHONES):
            raise BundleError("pronunciations whose graphones are in disorder", fix=MAKE_AGAIN)
        self._letters = {letter: i for i, letter in enumerate(dict.fromkeys(letters[len(MARKS) :]))}
        starts = [letters.index(letter, len(MARKS)) for letter in self._letters]
        self._first_token = np.array(starts, np.int64)
        self._n_tokens = np.diff([*starts, len(lines)])
        self._factor, self._sum = _hashes(self._phones)

    def best(self, words: Sequence[str]) -> list[list[tuple[Phones, float]]]:
        """Return pronunciations of each word with their probabilities among those found, the likeliest first.

        Args:
            words: letters that no graphone has are passed over.
        """
        sayable = ["".join(letter for letter in word if letter in self._letters) for word in words]
        found: dict[str, list[tuple[Phones, float]]] = {}
        different = sorted(set(sayable))
        for i in range(0, len(different), _TOGETHER):
            found.update(self._found(different[i : i + _TOGETHER]))
        return [found[word] for word in sayable]

    def _found(self, words: Sequence[str]) -> Iterator[tuple[str, list[tuple[Phones, float]]]]:
        """Yield words with their pronunciations; `words` are different, sayable and ascending."""
        n_letters = np.array([len(word) for word in words])
        shared = np.array([0, *(_n_shared(one, other) for one, other in pairwise(words))])
        prefix = np.zeros(len(words), np.int64)  # of each word, in the beam
        beams = [self._start()]
        for n in range(int(n_letters.max()) + 1):
            ended = np.flatnonzero(n_letters == n).tolist()
            for i, ways in zip(ended, self._ended(beams, prefix[ended]), strict=True):
                yield words[i], ways
            longer = np.flatnonzero(n_letters > n)
            if not len(longer):
                return
            parting = shared[longer] <= n
            letters = np.array([self._letters[words[i][n]] for i in longer[parting]])
            beams.append(self._after(beams[-1], prefix[longer[parting]], letters))
            prefix[longer] = np.cumsum(parting) - 1

    def _start(self) -> _Beam:
        contexts = np.full((1, len(self._keys)), -1, np.int32)
        contexts[0, 0] = BEGIN
        none = np.zeros(1, np.int64)
        return _Beam(np.array([0, 1]), np.zeros(1, np.float32), contexts, np.zeros(1, np.uint64), none, none)

    def _after(self, beam: _Beam, prefixes: Ids, letters: Ids) -> _Beam:
        """Return the beam of longer prefixes: of `prefixes` of the beam, each with a further letter.

        What is said alike and goes on alike is added up.
        """
        counts = np.diff(beam.first)[prefixes]
        source = ranges(beam.first[prefixes], counts)
        prefix = np.repeat(np.arange(len(prefixes)), counts)
        letter = letters[prefix]
        place, token, step, after = self._steps(
            beam.contexts[source], self._first_token[letter], self._n_tokens[letter]
        )
        source, prefix = source[place], prefix[place]
        score = beam.score[source] + step
        best = np.maximum.reduceat(score, np.searchsorted(prefix, np.arange(len(prefixes))))
        loss = best[prefix] - score
        likely = np.flatnonzero(loss <= -_MIN_LOG_PROB)
        likely = likely[_best_first(loss[likely], prefix[likely], _FURTHER * _BEAM)]
        source, prefix, token = source[likely], prefix[likely], token[likely]
        loss, after = loss[likely], after[likely]
        said = beam.said[source] * self._factor[token] + self._sum[token]
        alike = said * _ODD[0] + prefix.astype(np.uint64) * _ODD[1] + self._states(after) * _ODD[2]
        _, first, merged = np.unique(alike, return_index=True, return_inverse=True)
        loss = -np.log(np.bincount(merged, np.exp(-loss)))
        order = np.argsort(first)  # as they were, best first
        first, loss = first[order], loss[order]
        kept = _best_first(loss, prefix[first], _BEAM)
        first, loss = first[kept], loss[kept]
        starts = np.searchsorted(prefix[first], np.arange(len(prefixes) + 1))
        score = best[prefix[first]] - loss.astype(np.float32)
        return _Beam(starts, score, after[first], said[first], source[first], token[first])

    def _ended(self, beams: Sequence[_Beam], prefixes: Ids) -> Iterator[list[tuple[Phones, float]]]:
        """Yield the pronunciations of words that are whole prefixes of the last beam."""
        beam = beams[-1]
        counts = np.diff(beam.first)[prefixes]
        at = ranges(beam.first[prefixes], counts)
        _, _, ends, _ = self._steps(beam.contexts[at], np.full(len(at), END), np.ones(len(at), np.int64))
        scores, said = beam.score[at] + ends, beam.said[at]
        tokens = np.zeros((len(at), len(beams) - 1), np.int64)
        for i in range(len(beams) - 1, 0, -1):
            tokens[:, i - 1] = beams[i].token[at]
            at = beams[i].before[at]
        for begin, count in zip(np.cumsum(counts) - counts, counts, strict=True):
            own = slice(begin, begin + count)
            yield self._summed(np.exp(scores[own] - scores[own].max()), said[own].tolist(), tokens[own])

    def _summed(self, shares: Scores, said: list[int], tokens: Ids) -> list[tuple[Phones, float]]:
        """Return a word's different pronunciations with their probabilities, without the empty one."""
        total: dict[int, float] = {}
        first: dict[int, int] = {}
        for i, (number, share) in enumerate(zip(said, shares.tolist(), strict=True)):
            total[number] = total.get(number, 0.0) + share
            first.setdefault(number, i)
        total.pop(0, None)
        everything = sum(total.values())
        phones = self._phones
        return [
            (tuple(phone for token in tokens[first[number]].tolist() for phone in phones[token]), share / everything)
            for number, share in sorted(total.items(), key=lambda item: -item[1])
        ]

    def _steps(
        self, contexts: npt.NDArray[np.int32], first_token: Ids, n_tokens: Ids
    ) -> tuple[Ids, Ids, Scores, npt.NDArray[np.int32]]:
        """Return what each context may go on with.

        Args:
            contexts: shape (n, order - 1).
            first_token: (n,) the first of a range of graphones.
            n_tokens: (n,) how many there are in it.

        Returns:
            For each context and graphone of its range: the context's index, the graphone, log p(graphone | context),
            and the contexts after it, shape (all, order - 1).
        """
        start = np.cumsum(n_tokens) - n_tokens
        place = np.repeat(np.arange(len(contexts)), n_tokens)
        token = ranges(first_token, n_tokens)
        score = self._scores[0][token].astype(np.float32)
        after = np.full((len(token), len(self._keys)), -1, np.int32)
        after[:, 0] = token
        for n, keys in enumerate(self._keys):
            given = np.flatnonzero(contexts[:, n] >= 0)
            context = contexts[given, n].astype(np.int64)
            backoff = np.zeros(len(contexts), np.float32)
            backoff[given] = self._backoffs[n][context]
            score += backoff[place]
            wanted = context * self._n_graphones + first_token[given]
            low = np.searchsorted(keys, wanted.astype(keys.dtype))
            counts = np.searchsorted(keys, (wanted + n_tokens[given]).astype(keys.dtype)) - low
            at = ranges(low, counts)
            where = np.repeat(start[given] - wanted, counts) + keys[at]
            score[where] = self._scores[n + 1][at]
            if n + 1 < len(self._keys):
                after[where, n + 1] = at
        return place, token, score, after

    def _states(self, contexts: npt.NDArray[np.int32]) -> Hashes:
        """Return numbers that are equal where contexts are: the longest one, which all shorter ones follow from."""
        state, first = contexts[:, 0].astype(np.int64), 0
        for n in range(1, contexts.shape[1]):
            first += len(self._scores[n - 1])
            state = np.where(contexts[:, n] >= 0, first + contexts[:, n], state)
        return state.astype(np.uint64)


def _n_shared(one: str, other: str) -> int:
    """Return how many letters two different words begin with alike."""
    return next(i for i in range(len(other)) if one[: i + 1] != other[: i + 1])


def _best_first(loss: npt.NDArray[np.floating[Any]], group: Ids, most: int) -> Ids:
    """Return the indices of the `most` best of each group, best first.

    Args:
        loss: what each is behind the best of its group, from -_APART / 2 to less than _APART / 2.
        group: of each, ascending, none left out.
        most: of a group.
    """
    order = np.argsort(group * _APART + loss, kind="stable")
    rank = np.arange(len(order)) - np.searchsorted(group, group)
    return order[rank < most]


def _hashes(phones: Sequence[Phones]) -> tuple[Hashes, Hashes]:
    """Return factor and sum by which a number that stands for phones becomes that of more phones: a polynomial."""
    factors, sums = [], []
    for each in phones:
        factor, total = 1, 0
        for phone in each:
            factor = factor * int(_ODD[0]) % 2**64
            total = (total * int(_ODD[0]) + int(_ODD[1]) * (1 + PHONES.index(phone))) % 2**64
        factors.append(factor)
        sums.append(total)
    return np.array(factors, np.uint64), np.array(sums, np.uint64)
