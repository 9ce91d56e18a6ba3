"""Phones of words from a pronunciation dictionary in CMUdict's format, for the second head of the network."""

import importlib.util
from pathlib import Path

from asr_training.lines import read_lines
from voice.errors import DataError

PHONES = tuple(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
"""ARPAbet without stress; CTC label i + 1, the blank being 0."""


class Lexicon:
    """Words and their first pronunciation.

    Args:
        path: lines `word PHONE PHONE ...`; stress digits are dropped, alternatives (`word(2)`) passed over.

    Raises:
        DataError: it can't be read, or a phone is unknown.
    """

    def __init__(self, path: Path) -> None:
        index = {phone: i for i, phone in enumerate(PHONES, 1)}
        self._labels: dict[str, list[int]] = {}
        try:
            for line in read_lines(path):
                word, *phones = line.split("#")[0].lower().split() or [""]
                if word and not word.endswith(")"):
                    self._labels[word] = [index[phone.upper().rstrip("012")] for phone in phones]
        except KeyError as error:
            raise DataError(f"{path}: unknown phone {error}", fix="give a dictionary in ARPAbet") from error

    def labels(self, text: str) -> list[int]:
        """Return the phone labels of a normalised text, none when a word is unknown."""
        words = [self._labels.get(word) for word in text.split()]
        return [label for word in words if word for label in word] if all(words) else []


def installed_lexicon() -> Path | None:
    """Return the dictionary that the `pocketsphinx` wheel carries, where it is installed."""
    found = importlib.util.find_spec("pocketsphinx")
    path = Path(found.origin or "").parent / "model" / "en-us" / "cmudict-en-us.dict" if found else None
    return path if path and path.is_file() else None
