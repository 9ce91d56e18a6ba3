"""Phones of words: a pronunciation dictionary, and rules for inflections and compounds of the words in it."""

from collections.abc import Iterator
from pathlib import Path

from voice.decoding.phones import PHONES, Phones, installed_dictionary, read_dictionary

__all__ = ["PHONES", "Lexicon", "installed_lexicon"]

installed_lexicon = installed_dictionary

_VOICELESS = frozenset("P T K F TH".split())
_SIBILANT = frozenset("S Z SH ZH CH JH".split())
_SUFFIXES = {
    "ing": "IH NG",
    "ings": "IH NG Z",
    "ly": "L IY",
    "ness": "N AH S",
    "less": "L AH S",
    "ful": "F AH L",
    "ment": "M AH N T",
    "er": "ER",
    "ers": "ER Z",
    "est": "AH S T",
    "ship": "SH IH P",
    "able": "AH B AH L",
}
_PREFIXES = {"un": "AH N", "re": "R IY", "non": "N AA N", "over": "OW V ER", "under": "AH N D ER", "mis": "M IH S"}
_SHORTEST, _SHORTEST_PART = 3, 4  # letters of a word that another is made of, by an ending or of two


class Lexicon:
    """Words and their first pronunciation; phone i of `PHONES` is CTC label i + 1, the blank being 0.

    Args:
        path: the dictionary.

    Raises:
        DataError: it can't be read, or a phone is unknown.
    """

    def __init__(self, path: Path) -> None:
        self._index = {phone: i for i, phone in enumerate(PHONES, 1)}
        self._words = {word: said[0] for word, said in read_dictionary(path).items()}

    def labels(self, text: str) -> list[int]:
        """Return the phone labels of a normalised text, none when a word is unknown."""
        words = [self.said(word) for word in text.split()]
        return [self._index[phone] for word in words for phone in word] if all(words) else []

    def said(self, word: str) -> Phones:
        """Return a word's phones: as the dictionary has them, else as its parts are said; none where it knows neither.

        Inflections come before compounds, so `newsstands` is `newsstand` and a plural before it is two words.
        """
        if word in self._words:
            return self._words[word]
        return next((phones for phones in self._made(word) if phones), ())

    def _made(self, word: str) -> Iterator[Phones]:
        for ending in ("'s", "s'", "es", "s"):
            if word.endswith(ending):
                for base in self._bases(word.removesuffix(ending), ending != "s'"):
                    yield _with_s(base)
        for ending in ("ed", "d"):
            if word.endswith(ending):
                for base in self._bases(word.removesuffix(ending)):
                    yield _with_d(base)
        for ending, phones in _SUFFIXES.items():
            if word.endswith(ending):
                for base in self._bases(word.removesuffix(ending)):
                    yield (*base, *phones.split())
        for beginning, phones in _PREFIXES.items():
            if word.startswith(beginning) and len(word) >= len(beginning) + _SHORTEST_PART:
                rest = self.said(word.removeprefix(beginning))
                yield (*phones.split(), *rest) if rest else ()
        yield self._compound(word)

    def _bases(self, stem: str, respelt: bool = True) -> Iterator[Phones]:
        """Yield the pronunciations of what an ending may have been put to: stop, stop(p), hop(e), happ(y as i)."""
        spellings = [stem]
        if respelt:
            spellings += [f"{stem}e", stem[:-1] if stem[-2:-1] == stem[-1:] else "", f"{stem[:-1]}y"]
        yield from (self._words[s] for s in spellings if len(s) >= _SHORTEST and s in self._words)

    def _compound(self, word: str) -> Phones:
        """Return two words' phones, the two that are most equal in length."""
        cuts = sorted(range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1), key=lambda cut: abs(2 * cut - len(word)))
        pairs = ((self._words.get(word[:cut]), self._words.get(word[cut:])) for cut in cuts)
        return next(((*one, *two) for one, two in pairs if one and two), ())


def _with_s(base: Phones) -> Phones:
    """Return the plural, possessive or third person: cats, dogs, houses."""
    if base[-1] in _SIBILANT:
        return (*base, "IH", "Z")
    return (*base, "S" if base[-1] in _VOICELESS else "Z")


def _with_d(base: Phones) -> Phones:
    """Return the past: stopped, robbed, waited."""
    if base[-1] in {"T", "D"}:
        return (*base, "IH", "D")
    return (*base, "T" if base[-1] in _VOICELESS | (_SIBILANT - {"Z", "ZH", "JH"}) else "D")
