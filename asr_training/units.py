"""What the labels of a recipe stand for: characters of the transcript, or phones of its words."""

from collections.abc import Iterable
from itertools import pairwise

from asr_training.phones import Lexicon
from asr_training.settings import Recipe
from voice.errors import DataError
from voice.text import Alphabet


class Units:
    """Texts as labels and back.

    Args:
        recipe: says which units.
        lexicon: pronunciations, needed where they are phones.

    Raises:
        DataError: there is no lexicon for phones.
    """

    def __init__(self, recipe: Recipe, lexicon: Lexicon | None = None) -> None:
        if recipe.units == "phones" and lexicon is None:
            raise DataError("the labels are phones, and there is no lexicon", fix=LEXICON_FIX)
        self._phones = recipe.units == "phones"
        self._lexicon = lexicon
        self.alphabet = Alphabet(recipe.labels)

    def encode(self, text: str) -> list[int]:
        """Return the labels of a normalised text; none where a character or a word has no labels."""
        if self._phones:
            return self._lexicon.labels(text) if self._lexicon else []
        return self.alphabet.encode(text) if set(text) <= set(self.alphabet.labels) else []

    def decode(self, labels: Iterable[int]) -> str:
        """Return the text of labels, blanks left out; phones stand as words of their own."""
        names = [self.alphabet.labels[label] for label in labels if label != self.alphabet.blank]
        return (" " if self._phones else "").join(names).strip()


LEXICON_FIX = "give --lexicon, or pip install pocketsphinx"


def frames_needed(labels: list[int]) -> int:
    """Return the label frames that CTC needs: one for each label, and a blank between equal neighbours."""
    return len(labels) + sum(one == two for one, two in pairwise(labels))
