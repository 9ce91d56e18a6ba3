"""How an English word is said that is made of known ones: inflections, common endings and beginnings, compounds."""

import re
from collections.abc import Callable, Iterator, Sequence

from voice.decoding.phones import Phones

Lookup = Callable[[str], Sequence[Phones]]
"""Gives the pronunciations of a known word, none for another."""

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
_LONG_VOWEL = re.compile("^[^aeiou]*[aeiou][^aeiouwxy]$|[cv]$|[^n]g$|[^aeiourl]l$")
_SHORTEST, _SHORTEST_PART = 3, 4  # letters of a word that another is made of, by an ending or of two


def made_of_known(word: str, lookup: Lookup) -> list[Phones]:
    """Return the pronunciations of a word from those of its parts, none where they are unknown.

    Inflections come before compounds, so `newsstands` is `newsstand` and a plural before it is two words.

    Args:
        word: that `lookup` doesn't know.
        lookup: gives the pronunciations of the known words.
    """
    return next((ways for ways in _made(word, lookup) if ways), [])


def owner_of(word: str) -> str:
    """Return the word whose possessive this is: `annika's`, `the dogs'`; empty where it is none."""
    return word.removesuffix("'s") if word.endswith("'s") else word[:-1] if word.endswith("s'") else ""


def owned(word: str, owner: Sequence[Phones]) -> list[Phones]:
    """Return the pronunciations of a possessive from those of `owner_of` it."""
    return [way if word.endswith("'") else with_s(way) for way in owner]


def with_s(base: Phones) -> Phones:
    """Return the plural, possessive or third person: cats, dogs, houses."""
    if base[-1] in _SIBILANT:
        return (*base, "IH", "Z")
    return (*base, "S" if base[-1] in _VOICELESS else "Z")


def with_d(base: Phones) -> Phones:
    """Return the past: stopped, robbed, waited."""
    if base[-1] in {"T", "D"}:
        return (*base, "IH", "D")
    return (*base, "T" if base[-1] in _VOICELESS | (_SIBILANT - {"Z", "ZH", "JH"}) else "D")


def _made(word: str, lookup: Lookup) -> Iterator[list[Phones]]:
    if owner := owner_of(word):
        yield owned(word, lookup(owner) or made_of_known(owner, lookup))
        return
    if word.endswith("s") and not word.endswith("ss"):
        yield [with_s(way) for way in _base(word.removesuffix("s"), lookup)]
    if word.endswith("es"):
        for base in _bases(word.removesuffix("es"), lookup):
            yield [with_s(way) for way in base]
    if word.endswith("ed"):
        for base in _bases(word.removesuffix("ed"), lookup):
            yield [with_d(way) for way in base]
    for ending, phones in _SUFFIXES.items():
        if word.endswith(ending):
            for base in _bases(word.removesuffix(ending), lookup):
                yield [_joined(way, tuple(phones.split())) for way in base]
    for beginning, phones in _PREFIXES.items():
        if word.startswith(beginning) and len(word) >= len(beginning) + _SHORTEST_PART:
            rest = word.removeprefix(beginning)
            yield [(*phones.split(), *way) for way in lookup(rest) or made_of_known(rest, lookup)]
    yield _compound(word, lookup)


def _base(stem: str, lookup: Lookup) -> Sequence[Phones]:
    return lookup(stem) if len(stem) >= _SHORTEST else ()


def _bases(stem: str, lookup: Lookup) -> Iterator[Sequence[Phones]]:
    """Yield the pronunciations of what an ending may have been put to: stop, stop(p), hop(e), happ(y as i).

    `baking` is of bake before it is of bak, since a vowel that stays short would have doubled the consonant.
    """
    spellings = [stem, f"{stem}e"]
    if _LONG_VOWEL.search(stem):
        spellings.reverse()
    if stem[-2:-1] == stem[-1:]:
        spellings.append(stem[:-1])
    if stem.endswith("i"):
        spellings.insert(0, f"{stem[:-1]}y")
    yield from (_base(spelling, lookup) for spelling in spellings)


def _joined(base: Phones, ending: Phones) -> Phones:
    """Return both; the L of `neutrally` is said once."""
    return (*base, *ending[1:]) if ending[0] == base[-1] == "L" else (*base, *ending)


def _compound(word: str, lookup: Lookup) -> list[Phones]:
    """Return two words' phones, the two that are most equal in length."""
    cuts = sorted(range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1), key=lambda cut: abs(2 * cut - len(word)))
    pairs = ((lookup(word[:cut]), lookup(word[cut:])) for cut in cuts)
    return next(([(*one, *two) for one in ones for two in twos] for ones, twos in pairs if ones and twos), [])
