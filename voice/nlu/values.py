"""The values of lists: every spoken form with what it means."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from voice.errors import GrammarError
from voice.nlu.model import Context, ListValue, ListValues, NumberRange, Wildcard
from voice.nlu.words import plain
from voice.text import number_words

MAX_NUMBERS = 100_000
"""Numbers of one range; each is a path of the graph."""
_PARTS = {1: (0,), 2: (0, 5), 10: tuple(range(10))}


@dataclass(frozen=True, slots=True)
class Entry:
    """One spoken form of a list."""

    words: tuple[str, ...]
    value: Any
    """None: the words as written."""
    context: Context


Spell = Callable[[str], Iterable[tuple[str, ...]]]
"""Returns the word sequences of a template in a list."""


def entries_of(values: ListValues, spell: Spell, where: str) -> list[Entry]:
    """Return the spoken forms of a list; those without a letter or digit are left out.

    Args:
        values: the list; a wildcard has none.
        spell: expands a value's template.
        where: the list's name, for errors.

    Raises:
        GrammarError: a range is too long.
    """
    if isinstance(values, Wildcard):
        return []
    if isinstance(values, NumberRange):
        return [Entry(tuple(words.split()), value, {}) for words, value in spoken_numbers(values, where).items()]
    found: list[Entry] = []
    for item in values:
        if isinstance(item, str):
            found.append(Entry(tuple(plain(item).split()), item, {}))
        elif isinstance(item, ListValue):
            forms = spell(item.spoken) if item.is_template else (tuple(plain(item.spoken).split()),)
            found += [Entry(words, item.value, item.context) for words in forms]
        else:
            found.append(Entry(tuple(plain(item[0]).split()), item[1], {}))
    return [entry for entry in found if entry.words]


def spoken_forms(values: ListValues) -> dict[str, Any]:
    """Return spoken form -> value of a list without templates, normalised as transcripts are."""
    entries = entries_of(values, lambda text: (tuple(plain(text).split()),), "list")
    return {" ".join(entry.words): entry.value for entry in entries}


def spoken_numbers(numbers: NumberRange, where: str) -> dict[str, int | float]:
    """Return the ways to say each number of a range: also with "and", "a hundred", "point five" and "and a half".

    Raises:
        GrammarError: there are too many, or none.
    """
    if numbers.step < 1 or numbers.high < numbers.low:
        raise GrammarError(f"{where}: a range from {numbers.low} to {numbers.high}", fix="count upwards")
    if (numbers.high - numbers.low) // numbers.step * numbers.parts > MAX_NUMBERS:
        raise GrammarError(f"{where}: more than {MAX_NUMBERS} numbers", fix="narrow the range, or use a step")
    forms: dict[str, int | float] = {}
    for number in range(numbers.low, numbers.high + 1, numbers.step):
        for tenths in _PARTS[numbers.parts]:
            value: int | float = number + tenths / 10 if tenths else number
            if numbers.multiplier is not None:
                value *= numbers.multiplier
            for words in _spoken(number, tenths):
                forms.setdefault(words, value)
    return forms


def _spoken(number: int, tenths: int) -> Iterator[str]:
    for words in _whole(number):
        if not tenths:
            yield words
        else:
            yield f"{words} point {number_words(tenths)}"
            if tenths == 5:
                yield f"{words} and a half"


def _whole(number: int) -> Iterator[str]:
    words = number_words(number)
    yield words
    if "hundred" in words:
        yield words.replace("hundred ", "hundred and ")
        yield words.replace("one hundred", "a hundred")
        yield words.replace("hundred ", "hundred and ").replace("one hundred", "a hundred")


class Trie(dict[str, "Trie"]):
    """Words that go on from here."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def insert(self, words: Iterable[str], entry: Entry) -> None:
        """Add a spoken form."""
        node = self
        for word in words:
            if word not in node:
                node[word] = Trie()
            node = node[word]
        node.entries.append(entry)


def trie_of(entries: Iterable[Entry], prefix: str = "", suffix: str = "") -> Trie:
    """Return a trie of spoken forms, with letters glued before the first word and after the last."""
    trie = Trie()
    for entry in entries:
        words = entry.words
        if prefix or suffix:
            words = (prefix + words[0], *words[1:])
            words = (*words[:-1], words[-1] + suffix)
        trie.insert(words, entry)
    return trie


def meets(requires: Context, excludes: Context, facts: Mapping[str, Any], *, partly: bool = False) -> bool:
    """Return whether facts are what a block requires and not what it excludes.

    Args:
        requires: as in `Block`.
        excludes: as in `Block`.
        facts: what holds.
        partly: whether what is not known yet counts as met.
    """
    for key, due in requires.items():
        known = _value(facts.get(key))
        if known is None and partly:
            continue
        if known is None or not _fits(_value(due), known):
            return False
    return not any(
        key in facts and _value(due) is not None and _fits(_value(due), _value(facts[key]))
        for key, due in excludes.items()
    )


def _value(item: Any) -> Any:
    return item.get("value") if isinstance(item, Mapping) else item


def _fits(due: Any, known: Any) -> bool:
    return due is None or (known in due if isinstance(due, list | tuple | set | frozenset) else known == due)
