"""How words become the labels of an acoustic model: letter by letter, or by their pronunciations."""

from collections.abc import Sequence
from typing import Protocol


class Speller(Protocol):
    """Spells words in label names."""

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


class Letters:
    """Words of a model whose labels are characters: as they are written, with a space between."""

    separator = " "

    def ways(self, word: str) -> Sequence[Sequence[str]]:  # noqa: PLR6301 - of `Speller`
        """Return the word's letters."""
        return (word,)
