"""How any English word is said, from one small file: a dictionary, rules, letter names, and a model for the rest."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.decoding.graphones import MAKE_AGAIN, Graphones
from voice.decoding.inflections import made_of_known, owned, owner_of
from voice.decoding.ngram import read_arrays
from voice.decoding.phones import PHONES, Phones
from voice.errors import BundleError

MAX_PRONUNCIATIONS = 4
"""Of one word."""
_MAX_GUESSES = 3
_LIKELY = 0.3
"""A guess counts beside the best one from this share of the best one's probability on."""
_OF_RULES = 0.5
"""Weight of what the rules say, beside the model's 1.0; measured on words that were held out."""
_LONGEST = 64  # characters
_KEPT = 32_768  # words whose pronunciations are remembered
_FIRST_PHONE = 128  # byte of PHONES[0]; smaller ones are letters
_VOWEL_LETTERS = re.compile("[aeiouy]")
_LETTER_NAMES = dict(
    pair.split("=")
    for pair in (
        "a=EY|b=B IY|c=S IY|d=D IY|e=IY|f=EH F|g=JH IY|h=EY CH|i=AY|j=JH EY|k=K EY|l=EH L|m=EH M|n=EH N|o=OW|p=P IY|"
        "q=K Y UW|r=AA R|s=EH S|t=T IY|u=Y UW|v=V IY|w=D AH B AH L Y UW|x=EH K S|y=W AY|z=Z IY"
    ).split("|")
)
_NOTHING: Phones = ("AH",)  # what a word without a letter is said as


class Pronunciations:
    """Spells English words in ARPAbet; a `voice.decoding.speller.Speller`.

    A word is looked up in the dictionary; else said letter by letter, where it is one letter or has no vowel; a
    possessive as its owner is; any other as the joint-sequence model (`voice.decoding.graphones`) and the rules for
    inflections and compounds of known words (`voice.decoding.inflections`) find likely. Nothing is unpacked: the
    dictionary is searched where it lies.

    Args:
        path: what `asr-train lexicon` wrote.

    Raises:
        BundleError: it can't be read, is cut, or is something else.
    """

    separator = ""

    def __init__(self, path: Path) -> None:
        arrays = read_arrays(path, "a file of pronunciations", MAKE_AGAIN)
        try:
            self._graphones = Graphones(arrays)
            self._text, self._at = np.asarray(arrays["entries"]), np.asarray(arrays["entry_at"])
        except KeyError as error:
            raise BundleError(f"{path}: pronunciations without {error}", fix=MAKE_AGAIN) from error
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from error
        if not len(self._at) or self._at[-1] != len(self._text):
            raise BundleError(f"{path}: a dictionary whose index differs", fix=MAKE_AGAIN)
        self._said: dict[str, tuple[Phones, ...]] = {}

    def __len__(self) -> int:
        """Words of the dictionary."""
        return len(self._at) - 1

    def ways(self, word: str) -> tuple[Phones, ...]:
        """Return the different pronunciations of a normalised word, the usual one first: one to four, none empty.

        Args:
            word: of more than 64 characters, only the first ones are said.
        """
        word = word[:_LONGEST]
        return self._said.get(word) or self._find([word])[word]

    def prepare(self, words: Iterable[str]) -> None:
        """Find the pronunciations of many words at once: of those that the model says, several times as fast."""
        new = {word[:_LONGEST] for word in words}
        self._find([word for word in new if word not in self._said])

    def words(self) -> Iterator[tuple[str, list[Phones]]]:
        """Yield the words of the dictionary and their pronunciations, in ascending order."""
        for i in range(len(self)):
            word, *ways = self._entry(i).split(b" ")
            yield word.decode(), [_phones(way) for way in ways]

    def known(self, word: str) -> list[Phones]:
        """Return the pronunciations that the dictionary has of a word."""
        key = word.encode()
        at = bisect_left(range(len(self)), key, key=lambda i: self._entry(i).partition(b" ")[0])
        if at == len(self):
            return []
        name, *ways = self._entry(at).split(b" ")
        return [_phones(way) for way in ways] if name == key else []

    def _find(self, words: Sequence[str]) -> dict[str, tuple[Phones, ...]]:
        """Return the pronunciations of words, and remember them."""
        owners = {word: _owners(word) for word in words}
        ways = {each: self.known(each) or _by_letters(each) for chain in owners.values() for each in chain}
        base = {word: next((each for each in chain if ways[each]), chain[-1]) for word, chain in owners.items()}
        unsure = sorted({each for each in base.values() if not ways[each]})
        for word, guesses in zip(unsure, self._graphones.best(unsure), strict=True):
            ways[word] = self._weighed(word, guesses) or [_named(word) or _NOTHING]
        found = {}
        for word, chain in owners.items():
            said = _different(ways[base[word]])
            for each in reversed(chain[: chain.index(base[word])]):
                said = _different(owned(each, said))
            found[word] = said
        for oldest in list(islice(self._said, max(0, len(self._said) - _KEPT))):
            self._said.pop(oldest, None)
        self._said.update(found)
        return found

    def _weighed(self, word: str, guesses: Iterable[tuple[Phones, float]]) -> list[Phones]:
        """Return the likely ones of the model's guesses and of what the rules say: none to three.

        The rules are another opinion beside the model's probabilities: on held-out words both together are right more
        often than either.
        """
        likely = dict.fromkeys(made_of_known(word, self.known), _OF_RULES)
        for phones, p in guesses:
            likely[phones] = likely.get(phones, 0.0) + p
        order = sorted(likely, key=lambda phones: -likely[phones])[:_MAX_GUESSES]
        return [phones for phones in order if likely[phones] >= _LIKELY * likely[order[0]]]

    def _entry(self, i: int) -> bytes:
        return self._text[self._at[i] : self._at[i + 1]].tobytes()


def _owners(word: str) -> list[str]:
    """Return a word, whose possessive it is, whose possessive that is, ..."""
    chain = [word]
    while owner := owner_of(chain[-1]):
        chain.append(owner)
    return chain


def _different(ways: Iterable[Phones]) -> tuple[Phones, ...]:
    return tuple(dict.fromkeys(ways))[:MAX_PRONUNCIATIONS]


def _phones(way: bytes) -> Phones:
    return tuple(PHONES[byte - _FIRST_PHONE] for byte in way)


def dictionary_arrays(words: Mapping[str, list[Phones]]) -> dict[str, npt.NDArray[Any]]:
    """Return a dictionary as `Pronunciations` searches it.

    Args:
        words: pronunciations of each, the usual one first; what goes beyond `MAX_PRONUNCIATIONS` is left out.

    Returns:
        `entries` (uint8): for each word, ascending, its letters, then a space before the bytes of each pronunciation;
        `entry_at` (uint32): where each begins, and the end.
    """
    byte = {phone: bytes([_FIRST_PHONE + i]) for i, phone in enumerate(PHONES)}
    entries = [
        b" ".join([word, *(b"".join(byte[phone] for phone in way) for way in ways[:MAX_PRONUNCIATIONS])])
        for word, ways in sorted((word.encode(), ways) for word, ways in words.items())
    ]
    at = np.cumsum([0, *map(len, entries)])
    return {"entries": np.frombuffer(b"".join(entries), np.uint8), "entry_at": at.astype(np.uint32)}


def _by_letters(word: str) -> list[Phones]:
    """Return how a single letter, or a word that has no vowel, is said; none for another."""
    if owner_of(word) or (len(word) > 1 and _VOWEL_LETTERS.search(word)):
        return []
    return [phones] if (phones := _named(word)) else []


def _named(word: str) -> Phones:
    """Return the names of a word's letters; what is none is passed over."""
    return tuple(phone for letter in word if letter in _LETTER_NAMES for phone in _LETTER_NAMES[letter].split())
