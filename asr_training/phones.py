"""Phones of words from a pronunciation dictionary in CMUdict's format, for the second head of the network."""

from pathlib import Path

from voice.decoding.phones import PHONES, installed_dictionary, read_dictionary

__all__ = ["PHONES", "Lexicon", "installed_lexicon"]

installed_lexicon = installed_dictionary


class Lexicon:
    """Words and their first pronunciation; phone i of `PHONES` is CTC label i + 1, the blank being 0.

    Args:
        path: the dictionary.

    Raises:
        DataError: it can't be read, or a phone is unknown.
    """

    def __init__(self, path: Path) -> None:
        index = {phone: i for i, phone in enumerate(PHONES, 1)}
        self._labels = {word: [index[phone] for phone in said[0]] for word, said in read_dictionary(path).items()}

    def labels(self, text: str) -> list[int]:
        """Return the phone labels of a normalised text, none when a word is unknown."""
        words = [self._labels.get(word) for word in text.split()]
        return [label for word in words if word for label in word] if all(words) else []
