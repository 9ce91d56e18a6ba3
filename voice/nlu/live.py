"""Lists that change while the assistant runs: built aside, then put in place of the old ones at once."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voice.decoding.grammar import GrammarDecoder
from voice.errors import GrammarError
from voice.nlu.grammar import Grammar
from voice.nlu.model import ListValues, SkillSentences
from voice.nlu.parser import TemplateParser

MAX_NAMES = 100_000
"""Names of one list."""
Names = Sequence[str | tuple[str, Any]]
"""Spoken forms, or (spoken form, value) pairs."""


class LiveGrammar:
    """The grammar that speech and text are understood with. Each call may come from any thread; changes wait in turn.

    Args:
        grammar: what can be said at first.
        decoder: decodes speech.
        parser: parses text.
        filters: the intent filters of most turns, whose graphs are ready before a change takes effect.
    """

    def __init__(
        self,
        grammar: Grammar,
        decoder: GrammarDecoder,
        parser: TemplateParser,
        filters: Iterable[Sequence[str] | None] = (None,),
    ) -> None:
        grammar.prepare()
        self.grammar = grammar
        self._first = grammar.sentences
        self._decoder = decoder
        self._parser = parser
        self._filters = tuple(filters)
        self._lock = threading.Lock()

    def add(self, lists: Mapping[str, Names]) -> None:
        """Add names to lists, to those that they have now.

        Raises:
            GrammarError: a list isn't there or can't be changed; nothing has changed then.
        """
        with self._lock:
            self._change({self._found(name): self._now(self._found(name), names) for name, names in lists.items()})

    def replace(self, lists: Mapping[str, Names]) -> None:
        """Replace the names of lists.

        Raises:
            GrammarError: a list isn't there or can't be changed; nothing has changed then.
        """
        with self._lock:
            self._change({self._found(name): _checked(name, names) for name, names in lists.items()})

    def add_to_first(self, lists: Mapping[str, Names]) -> None:
        """Add names to those that lists had at first, forgetting what came since (Snips' `addFromVanilla`).

        Raises:
            GrammarError: a list isn't there or can't be changed; nothing has changed then.
        """
        with self._lock:
            found = {self._found(name): names for name, names in lists.items()}
            self._change({name: [*_names(self._first, name), *_checked(name, names)] for name, names in found.items()})

    def forget(self) -> None:
        """Return all lists to what they were at first."""
        with self._lock:
            now = self.grammar.sentences.lists
            self._change({name: values for name, values in self._first.lists.items() if now[name] is not values})

    def take(self, grammar: Grammar, filters: Iterable[Sequence[str] | None] = (None,)) -> None:
        """Take other sentences; names that came to lists stay where the lists are the same as at first."""
        with self._lock:
            first, now, new = self._first.lists, self.grammar.sentences.lists, grammar.sentences.lists
            kept = {name: now[name] for name in first if now[name] is not first[name] and new.get(name) == first[name]}
            self._first, self._filters = grammar.sentences, tuple(filters)
            grammar = grammar.with_lists(kept) if kept else grammar
            grammar.prepare()
            self._decoder.replace(grammar, self._filters)
            self._parser.grammar = self.grammar = grammar

    def _found(self, name: str) -> str:
        """Return the list of a name; `drink` finds a skill's own `bar_drink` where no other has that ending.

        Raises:
            GrammarError: there is none, or more than one.
        """
        lists = self.grammar.sentences.lists
        if name in lists:
            return name
        owned = [known for known in lists if known.endswith(f"_{name}")]
        if len(owned) == 1:
            return owned[0]
        known = ", ".join(sorted(owned or lists)) or "none"
        raise GrammarError(f"{'several lists' if owned else 'no list'} called {name!r}", fix=f"lists are: {known}")

    def _now(self, name: str, names: Names) -> ListValues:
        return [*_names(self.grammar.sentences, name), *_checked(name, names)]

    def _change(self, lists: Mapping[str, ListValues]) -> None:
        if lists:
            grammar = self.grammar.with_lists(lists)
            grammar.prepare()
            self._decoder.replace(grammar, self._filters)
            self._parser.grammar = self.grammar = grammar


def _names(sentences: SkillSentences, name: str) -> Sequence[Any]:
    values = sentences.lists[name]
    if not isinstance(values, Sequence):
        raise GrammarError(f"list {name!r} holds no names", fix="change lists of values only")
    return values


def _checked(name: str, names: Names) -> Names:
    if len(names) > MAX_NAMES:
        raise GrammarError(f"{len(names)} names for list {name!r}", fix=f"give at most {MAX_NAMES}")
    return names
