"""Words whose change would turn a command around, and words of numbers: repair leaves them alone."""

from functools import lru_cache

from voice.text import edit_distance, number_words

_PAIRS = (
    ("on", "off"),
    ("up", "down"),
    ("open opened opening raise raised lift", "close closed closing shut shutting lower lowered"),
    ("lock locked", "unlock unlocked"),
    ("enable enabled activate activated arm armed", "disable disabled deactivate deactivated disarm disarmed"),
    ("start started begin resume play continue", "stop stopped end pause cancel halt"),
    ("mute silent", "unmute loud"),
    ("increase louder brighter warmer hotter more faster higher longer", "decrease quieter softer dimmer darker"),
    ("increase louder brighter warmer hotter more faster higher longer", "cooler colder less slower lower shorter"),
    ("add create set save keep plus", "remove delete cancel erase drop clear minus"),
    ("yes yeah yep true always all every", "no nope false never none not don't"),
    ("allow accept grant confirm", "deny reject refuse decline forbid block"),
    ("in inside indoor indoors into", "out outside outdoor outdoors"),
    ("left", "right"),
    ("next forward forwards after", "previous back backward backwards before"),
    ("first", "last"),
    ("maximum max highest high most", "minimum min lowest low least"),
    ("hot warm heat heating", "cold cool cooling"),
    ("show", "hide"),
    ("with", "without except"),
    ("above over", "below under"),
    ("am morning today", "pm evening tomorrow yesterday"),
    ("arrive enter come", "leave exit go"),
    ("connect connected", "disconnect disconnected"),
    ("fill", "empty"),
    ("push", "pull"),
)
_NEGATIONS = frozenset(
    "no not never don't dont doesn't isn't won't can't cannot without except nor none unless".split()
)
DENYING = ("don't", "do not", "never", "not")
"""What turns the sentence after it into its opposite."""
SWALLOWED = ("un", "dis", "de")
"""Unstressed beginnings that turn a word around, and that a recogniser may miss."""
_PREFIXES = ("un", "dis", "de", "in", "im", "non", "re")
SAFE_DISTANCE = 3
"""Edits between what was said and any opposite of what it is taken for: two mistakes never turn a command around."""


def _listed() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one, other in _PAIRS:
        for word in one.split():
            found.setdefault(word, set()).update(other.split())
        for word in other.split():
            found.setdefault(word, set()).update(one.split())
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITES = _listed()
_NUMBERS = frozenset(word for n in (*range(101), 10**3, 10**6, 10**9) for word in number_words(n).split()) | {
    "half",
    "quarter",
    "point",
    "and",
    "dozen",
    "once",
    "twice",
}


def is_polar(word: str) -> bool:
    """Return whether a word has an opposite in the list, or says no."""
    return word in _OPPOSITES or word in _NEGATIONS


def is_number(word: str) -> bool:
    """Return whether a word is part of a number."""
    return word in _NUMBERS


@lru_cache(maxsize=4096)
def opposites(word: str) -> frozenset[str]:
    """Return what would turn a command around in place of `word`: listed opposites, and a prefix more or less."""
    formed = {prefix + word for prefix in _PREFIXES}
    formed |= {word[len(p) :] for p in _PREFIXES if word.startswith(p) and len(word) - len(p) >= 2}
    return _OPPOSITES.get(word, frozenset()) | formed


@lru_cache(maxsize=4096)
def rivals(word: str) -> tuple[str, ...]:
    """Return what a recogniser may have heard `word` for: a listed opposite, or a word with a swallowed beginning."""
    formed = [prefix + word for prefix in SWALLOWED]
    shorter = (other for other in sorted(_OPPOSITES.get(word, ())) if not word.endswith(other))
    return (*dict.fromkeys([*formed, *shorter]),)


def may_become(said: str, meant: str) -> bool:
    """Return whether a word may be taken for another: never a number or a negation, and never near an opposite."""
    if said == meant:
        return True
    if {said, meant} & (_NUMBERS | _NEGATIONS) or is_polar(said):
        return False
    if is_polar(meant) and edit_distance(said, meant) > 1:
        return False
    return all(edit_distance(said, other) >= SAFE_DISTANCE for other in opposites(meant))
