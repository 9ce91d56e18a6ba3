"""Letters aligned to phones: each letter of a word stands for none, one or two of its phones.

Expectation maximisation over all alignments, then the likeliest one of each word. Jiampojamarn, Kondrak and Sherif
2007, "Applying many-to-many alignments and hidden Markov models to letter-to-phoneme conversion", section 2, with one
letter a time; the probabilities are those of phones given the letter. All words of a length are computed at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.phones import PHONES, Phones

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
_N = len(PHONES)
_BEGINNING = (0.25, 0.70, 0.05)  # probability of no phone, of one, of two, before anything is learnt
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of equal length."""

    at: Ids
    """Where each stands in the list, (b,)."""
    letters: Ids
    """(b, n letters)."""
    phones: Ids
    """(b, longest), any phone where padded."""
    n_phones: Ids
    """(b,)."""


@dataclass(slots=True)
class _Table:
    """Probability of phones given a letter."""

    none: Floats
    """(letters,)."""
    one: Floats
    """(letters, phones)."""
    two: Floats
    """(letters, phones, phones)."""

    @classmethod
    def even(cls) -> "_Table":
        n = len(LETTERS)
        p0, p1, p2 = _BEGINNING
        return cls(np.full(n, p0), np.full((n, _N), p1 / _N), np.full((n, _N, _N), p2 / _N**2))

    @classmethod
    def empty(cls) -> "_Table":
        n = len(LETTERS)
        return cls(np.zeros(n), np.zeros((n, _N)), np.zeros((n, _N, _N)))

    def of(self, letter: Ids, phones: Ids) -> list[Floats]:
        """Return the probability that a letter (b,) stands for no, one or two of the phones that end at each place.

        Returns:
            Of shape (b, longest + 1), (b, longest) and (b, longest - 1).
        """
        none = np.broadcast_to(self.none[letter][:, None], (len(letter), phones.shape[1] + 1))
        return [none, self.one[letter[:, None], phones], self.two[letter[:, None], phones[:, :-1], phones[:, 1:]]]

    def shared(self) -> "_Table":
        """Return counts as probabilities."""
        total = self.none + self.one.sum(1) + self.two.sum((1, 2)) + _FLOOR
        return _Table(self.none / total, self.one / total[:, None], self.two / total[:, None, None])


def align(words: Sequence[tuple[str, Phones]], *, rounds: int = 8) -> list[list[Phones]]:
    """Return for each word what each of its letters stands for; nothing where no alignment exists.

    Args:
        words: spelling, of `LETTERS` only, and pronunciation.
        rounds: of expectation maximisation.
    """
    groups = _by_length(words)
    table = _Table.even()
    for _ in range(rounds):
        counts = _Table.empty()
        for group in groups:
            _expect(group, table, counts)
        table = counts.shared()
    found: list[list[Phones]] = [[] for _ in words]
    for group in groups:
        for at, taken in zip(group.at, _likeliest(group, table), strict=True):
            if taken is not None:
                phones, ends = words[at][1], np.cumsum(taken)
                found[at] = [phones[end - n : end] for n, end in zip(taken, ends, strict=True)]
    return found


def _by_length(words: Sequence[tuple[str, Phones]]) -> list[_Words]:
    letter = {name: i for i, name in enumerate(LETTERS)}
    phone = {name: i for i, name in enumerate(PHONES)}
    lengths: dict[int, list[int]] = {}
    for i, (word, phones) in enumerate(words):
        if phones and len(phones) <= 2 * len(word):
            lengths.setdefault(len(word), []).append(i)
    groups = []
    for at in lengths.values():
        n_phones = np.array([len(words[i][1]) for i in at])
        padded = np.zeros((len(at), max(2, n_phones.max())), np.int64)
        for row, i in zip(padded, at, strict=True):
            row[: len(words[i][1])] = [phone[name] for name in words[i][1]]
        letters = np.array([[letter[name] for name in words[i][0]] for i in at])
        groups.append(_Words(np.array(at), letters, padded, n_phones))
    return groups


def _forward(group: _Words, table: _Table) -> Floats:
    """Return the probability of the first letters and phones, (letters + 1, b, longest + 1)."""
    size, n_letters = group.letters.shape
    alpha = np.zeros((n_letters + 1, size, group.phones.shape[1] + 1))
    alpha[0, :, 0] = 1
    for i in range(n_letters):
        none, one, two = table.of(group.letters[:, i], group.phones)
        alpha[i + 1] = alpha[i] * none
        alpha[i + 1, :, 1:] += alpha[i, :, :-1] * one
        alpha[i + 1, :, 2:] += alpha[i, :, :-2] * two
    return alpha


def _expect(group: _Words, table: _Table, counts: _Table) -> None:
    """Add the expected counts of a group's alignments."""
    size, n_letters = group.letters.shape
    alpha = _forward(group, table)
    total = np.maximum(alpha[-1, np.arange(size), group.n_phones], 1e-300)
    beta = np.zeros_like(alpha[0])
    beta[np.arange(size), group.n_phones] = 1 / total
    for i in range(n_letters - 1, -1, -1):
        letter = group.letters[:, i]
        none, one, two = table.of(letter, group.phones)
        wide = letter[:, None]
        np.add.at(counts.none, letter, (alpha[i] * none * beta).sum(1))
        np.add.at(counts.one, (wide, group.phones), alpha[i, :, :-1] * one * beta[:, 1:])
        np.add.at(counts.two, (wide, group.phones[:, :-1], group.phones[:, 1:]), alpha[i, :, :-2] * two * beta[:, 2:])
        before = beta * none
        before[:, :-1] += one * beta[:, 1:]
        before[:, :-2] += two * beta[:, 2:]
        beta = before


def _likeliest(group: _Words, table: _Table) -> list[list[int] | None]:
    """Return how many phones each letter of each word stands for, None where nothing is possible."""
    size, n_letters = group.letters.shape
    best = np.full((size, group.phones.shape[1] + 1), -np.inf)
    best[:, 0] = 0
    choices = []
    for i in range(n_letters):
        none, one, two = (np.log(p + 1e-300) for p in table.of(group.letters[:, i], group.phones))
        ways = np.full((3, *best.shape), -np.inf)
        ways[0] = best + none
        ways[1, :, 1:] = best[:, :-1] + one
        ways[2, :, 2:] = best[:, :-2] + two
        choices.append(ways.argmax(0))
        best = ways.max(0)
    at, taken = group.n_phones.copy(), np.zeros((n_letters, size), np.int64)
    for i in range(n_letters - 1, -1, -1):
        taken[i] = choices[i][np.arange(size), at]
        at -= taken[i]
    possible = np.isfinite(best[np.arange(size), group.n_phones])
    return [[int(n) for n in column] if fine else None for column, fine in zip(taken.T, possible, strict=True)]
