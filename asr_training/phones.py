"""Phones of words as labels: a pronunciation dictionary, and rules for what is made of the words in it."""

from pathlib import Path

from voice.decoding.inflections import made_of_known
from voice.decoding.phones import PHONES, Phones, installed_dictionary, read_dictionary

__all__ = ["PHONES", "PHONE_LABELS", "Lexicon", "installed_lexicon"]

PHONE_LABELS = ("<blank>", *PHONES)
"""The labels of a head of phones, the blank first."""

installed_lexicon = installed_dictionary


class Lexicon:
    """Words and their first pronunciation; phone i of `PHONES` is CTC label i + 1, the blank being 0.

    Args:
        path: the dictionary.

    Raises:
        DataError: it can't be read, or a phone is unknown.
    """

    def __init__(self, path: Path) -> None:
        self._index = {phone: i for i, phone in enumerate(PHONES, 1)}
        self._words = {word: said[:1] for word, said in read_dictionary(path).items()}

    def labels(self, text: str) -> list[int]:
        """Return the phone labels of a normalised text, none when a word is unknown."""
        words = [self.said(word) for word in text.split()]
        return [self._index[phone] for word in words for phone in word] if all(words) else []

    def said(self, word: str) -> Phones:
        """Return a word's phones: of the dictionary, else of its parts; none where neither is known."""
        found = self._words.get(word) or made_of_known(word, self._known)
        return found[0] if found else ()

    def _known(self, word: str) -> list[Phones]:
        return self._words.get(word, [])
