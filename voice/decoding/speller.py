"""How words become the labels of an acoustic model: letter by letter, or by their pronunciations."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Protocol

MAX_WAYS = 16
"""Spellings of several words that are told apart."""


class Speller(Protocol):
    """Spells words in label names. Hashable: one speller's graph is not another's."""

    @property
    def separator(self) -> str:
        """The label between two words, empty where they follow each other without one."""
        ...

    def ways(self, word: str) -> Sequence[Sequence[str]]:
        """Return the different spellings of a word as label names, the usual one first; at least one, none empty.

        Args:
            word: normalised, without a space.
        """
        ...

    def prepare(self, words: Iterable[str]) -> None:
        """Get ready to spell many words, where that is faster than one by one."""
        ...


class Letters:
    """Words of a model whose labels are characters: as they are written, with a space between."""

    separator = " "

    def ways(self, word: str) -> Sequence[Sequence[str]]:
        """Return the word's letters."""
        return (word,)

    def prepare(self, words: Iterable[str]) -> None:
        """Do nothing: letters are at hand."""


LETTERS = Letters()


def spelled(words: Sequence[str], speller: Speller) -> Iterator[tuple[str, ...]]:
    """Yield the spellings of words that are said one after the other, at most `MAX_WAYS`."""
    between = (speller.separator,) if speller.separator else ()
    for choice in islice(product(*(speller.ways(word) for word in words)), MAX_WAYS):
        yield sum(((*between, *way) for way in choice), ())[len(between) :]


def matches(words: Sequence[str], labels: Sequence[str], speller: Speller) -> tuple[int, ...] | None:
    """Return how many labels each word has, where labels are a spelling of the words; None where they are not.

    Args:
        words: said one after the other.
        labels: with separators, where the speller has one; those are counted for no word.
        speller: gives each word's spellings.
    """
    gap = 1 if speller.separator else 0
    failed: set[tuple[int, int]] = set()

    def rest(i: int, at: int) -> tuple[int, ...] | None:
        if i == len(words):
            return () if at == len(labels) + gap else None
        if (i, at) in failed:
            return None
        for way in speller.ways(words[i]):
            end = at + len(way)
            if tuple(labels[at:end]) == tuple(way) and (
                end == len(labels) or not gap or labels[end] == speller.separator
            ):
                after = rest(i + 1, end + gap)
                if after is not None:
                    return (len(way), *after)
        failed.add((i, at))
        return None

    return rest(0, 0) if words else None
