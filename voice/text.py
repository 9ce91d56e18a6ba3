"""Transcript text: the alphabet of a CTC model and the normalisation shared by training, scoring and run time."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from voice.errors import ConfigError

_SPACES = re.compile(r"\s+")
_LETTERS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"}
    | {"\u00e6": "ae", "\u0153": "oe", "\u00df": "ss", "\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u0131": "i"}
    | {"\u00f0": "d", "\u00fe": "th"}
)
"""Apostrophes, and Latin letters that have no decomposition."""
_DIGITS = r"(\d{1,3}(?:,\d{3})+|\d+)"
_MINUS = re.compile(r"(?<![\w)])[-\u2212](?=[$\u00a3\u20ac]?\d)")
_MONEY = re.compile(rf"([$\u00a3\u20ac])\s?{_DIGITS}(?:\.(\d\d))?(?![\d.]*\d)")
_CLOCK = re.compile(r"\b(\d{1,2}):([0-5]\d)(?![\d:])")
_ORDINAL = re.compile(rf"\b{_DIGITS}(?:st|nd|rd|th)\b")
_DECIMAL = re.compile(rf"(?<![\w.]){_DIGITS}\.(\d+)(?![\w.]*\d)")
_NUMBER = re.compile(_DIGITS)
_COINS = {"$": ("dollar", "cent"), "\u00a3": ("pound", "pence"), "\u20ac": ("euro", "cent")}
_LONG = {"mr": "mister", "mrs": "missus", "dr": "doctor"}

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

    def encode(self, text: Iterable[str]) -> list[int]:
        """Return the label indices of normalised text, or of names of labels.

        Raises:
            ConfigError: a character or name has no label.
        """
        index = {label: i for i, label in enumerate(self.labels)}
        unknown = sorted(set(text) - index.keys())
        if unknown:
            raise ConfigError(f"no label for {unknown}", fix="normalise the text first")
        return [index[name] for name in text]

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of label indices, blanks left out; repeats are kept."""
        return "".join(self.labels[i] for i in indices if i != self.blank)


def normalise(text: str, alphabet: Collection[str] = ENGLISH_CHARACTERS) -> str:
    """Return `text` in lower case, numbers as words, with letters, apostrophes and single spaces only.

    Cardinals, ordinals, decimals, amounts of money, times of day and negative numbers are spelled as they are read.
    Accents are taken off where the alphabet has no such letter; letters of other scripts are dropped
    (`foreign_letters` finds them).

    Args:
        text: as written.
        alphabet: the characters that may stay; numbers and short forms are spelled in English only.
    """
    text = _plain_letters(text, alphabet)
    is_english = _is_english(alphabet)
    for pattern, words in _WRITTEN if is_english else ():
        text = pattern.sub(words, text)
    if is_english:
        text = text.replace("&", " and ").replace("%", " percent ")
    text = _others(frozenset(alphabet)).sub(" ", text)
    found = (word.strip("'") if word.strip("'") == "" else word for word in _SPACES.split(text))
    return " ".join(_LONG.get(word, word) if is_english else word for word in found if word)


def foreign_letters(text: str, alphabet: Collection[str] = ENGLISH_CHARACTERS) -> set[str]:
    """Return the letters, and in other languages the digits, that `normalise` would drop: the transcript would lie."""
    kinds = "L" if _is_english(alphabet) else "LN"
    return {c for c in _plain_letters(text, alphabet) if unicodedata.category(c)[0] in kinds and c not in alphabet}


def _is_english(alphabet: Collection[str]) -> bool:
    return alphabet is ENGLISH_CHARACTERS or {c for c in alphabet if len(c) == 1} == set(ENGLISH_CHARACTERS[1:])


def _plain_letters(text: str, alphabet: Collection[str]) -> str:
    """Return lower case; what the alphabet lacks without accents."""
    if alphabet is not ENGLISH_CHARACTERS:
        text = unicodedata.normalize("NFC", text).lower()
        return "".join(c if c in alphabet else _unaccented(c) for c in text)
    return _unaccented(text)


def _unaccented(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).lower().translate(_LETTERS)
    return "".join(c for c in text if not unicodedata.combining(c))


@lru_cache(maxsize=8)
def _others(alphabet: frozenset[str]) -> re.Pattern[str]:
    """Return what matches anything but the alphabet."""
    return re.compile(f"[^{re.escape(''.join(c for c in sorted(alphabet) if len(c) == 1))}]+")


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


_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
} | {"twelve": "twelfth"}


def ordinal_words(number: int) -> str:
    """Return an ordinal number in English words: 21 is "twenty first"."""
    *before, last = number_words(number).split()
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*before, _IRREGULAR.get(last, regular)])


def _cardinal(digits: str) -> str:
    digits = digits.replace(",", "")
    return _one_by_one(digits) if len(digits) > 1 and digits[0] == "0" else number_words(int(digits))


def _one_by_one(digits: str) -> str:
    return " ".join(_UNITS[int(digit)] for digit in digits)


def _money(match: re.Match[str]) -> str:
    sign, whole, rest = match.groups()
    coin, small = _COINS[sign]
    words = f" {_cardinal(whole)} {coin}{'' if whole == '1' else 's'} "
    if rest and int(rest):
        words += f"and {number_words(int(rest))} {small}{'' if small == 'pence' or int(rest) == 1 else 's'} "
    return words


def _clock(match: re.Match[str]) -> str:
    hour, minute = match.groups()
    if minute == "00":
        return f" {number_words(int(hour))} o'clock "
    return f" {number_words(int(hour))} {'oh ' if minute[0] == '0' else ''}{number_words(int(minute))} "


_WRITTEN: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_MINUS, lambda match: " minus "),
    (_MONEY, _money),
    (_CLOCK, _clock),
    (_ORDINAL, lambda match: f" {ordinal_words(int(match[1].replace(',', '')))} "),
    (_DECIMAL, lambda match: f" {_cardinal(match[1])} point {_one_by_one(match[2])} "),
    (_NUMBER, lambda match: f" {_cardinal(match[0])} "),
)
"""What is written in digits, in the order in which it is looked for."""


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the Levenshtein distance: substitutions, deletions and insertions, each costing 1."""
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != got))
    return row[-1]
