"""Phones of English: ARPAbet, and pronunciation dictionaries in CMUdict's format."""

import importlib.util
from pathlib import Path

from voice.errors import DataError

PHONES = tuple(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
"""ARPAbet without stress, in the order of the alphabet."""

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
"""Each is the heart of a syllable."""

Phones = tuple[str, ...]


def read_dictionary(path: Path) -> dict[str, list[Phones]]:
    """Return the pronunciations of each word in lower case, the usual one first.

    Args:
        path: UTF-8, lines `word PHONE PHONE ...`; further pronunciations as `word(2)`. Stress digits are dropped, `;;;`
            begins a line of comment, ` #` a comment behind a word.

    Raises:
        DataError: it can't be read, or a phone is unknown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: {reason}", fix="give a pronunciation dictionary in CMUdict's format") from error
    known = {f"{phone}{stress}": phone for phone in PHONES for stress in ("", "0", "1", "2")}
    words: dict[str, list[Phones]] = {}
    try:
        for line in lines:
            word, *phones = line.split("#")[0].split() or [""]
            if phones and not word.startswith(";;;"):
                name = word.lower()
                spoken = tuple(known[phone.upper()] for phone in phones)
                words.setdefault(name[: name.rindex("(")] if name.endswith(")") else name, []).append(spoken)
    except KeyError as error:
        raise DataError(f"{path}: unknown phone {error}", fix="give a dictionary in ARPAbet") from error
    return words


def installed_dictionary() -> Path | None:
    """Return the dictionary of 130,000 words that the `pocketsphinx` wheel carries, where it is installed."""
    found = importlib.util.find_spec("pocketsphinx")
    path = Path(found.origin or "").parent / "model" / "en-us" / "cmudict-en-us.dict" if found else None
    return path if path and path.is_file() else None
