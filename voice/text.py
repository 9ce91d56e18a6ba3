"""Transcript text: the alphabet of a CTC model and the normalisation shared by training, scoring and run time."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from voice.errors import ConfigError

_SPACES = re.compile(r"\s+")
_NOT_TEXT = re.compile(r"[^a-z' ]+")
_NUMBER = re.compile(r"\d+(?:,\d{3})*")
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc`", "''''")

ENGLISH_CHARACTERS = ("<blank>", " ", "'", *"abcdefghijklmnopqrstuvwxyz")
"""The 29 labels of a character CTC model: blank first, as Keras' and TensorFlow's CTC losses want it."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The labels of a CTC model in output order; the one owner of the blank's index."""

    labels: tuple[str, ...] = ENGLISH_CHARACTERS
    blank: int = 0

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ConfigError("a CTC label stands twice", fix="list each label once")
        if not 0 <= self.blank < len(self.labels):
            raise ConfigError(f"blank index {self.blank} is outside the {len(self.labels)} labels", fix="correct it")

    def __len__(self) -> int:
        return len(self.labels)

    def encode(self, text: str) -> list[int]:
        """Return the label indices of normalised `text`.

        Raises:
            ConfigError: a character has no label.
        """
        index = {label: i for i, label in enumerate(self.labels)}
        unknown = sorted(set(text) - index.keys())
        if unknown:
            raise ConfigError(f"no label for {unknown}", fix="normalise the text first")
        return [index[character] for character in text]

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of label indices, blanks left out; repeats are kept."""
        return "".join(self.labels[i] for i in indices if i != self.blank)


def normalise(text: str) -> str:
    """Return `text` in lower case, numbers as words, with letters, apostrophes and single spaces only."""
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).lower()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = _NUMBER.sub(lambda match: f" {number_words(int(match.group().replace(',', '')))} ", text)
    text = _NOT_TEXT.sub(" ", text.replace("&", " and ").replace("%", " percent "))
    words = (word.strip("'") if word.strip("'") == "" else word for word in _SPACES.split(text))
    return " ".join(word for word in words if word)


_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))


@lru_cache(maxsize=4096)
def number_words(number: int) -> str:
    """Return a cardinal number in English words, without "and" or hyphens: 125 is "one hundred twenty five"."""
    if number < 0:
        return f"minus {number_words(-number)}"
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_UNITS[units]}" if units else "")
    if number >= 10**12:
        return " ".join(_UNITS[int(digit)] for digit in str(number))
    size, name = next((size, name) for size, name in _SCALES if number >= size)
    high, low = divmod(number, size)
    return f"{number_words(high)} {name}" + (f" {number_words(low)}" if low else "")


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the Levenshtein distance: substitutions, deletions and insertions, each costing 1."""
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != got))
    return row[-1]
