"""Every way in which words are a sentence: the network's states by how many words they explain.

A chart in the sense of Earley (1970), without prediction: the network has no recursion, so one pass from left to right
is enough, and what leads to a state at a position is shared by all that follows. The best way is chosen as hassil's
`recognize_best` chooses, see `Parse.rank`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice.nlu.model import Context
from voice.nlu.network import START, Network, Template
from voice.nlu.values import Entry, Trie, meets
from voice.nlu.words import Words

MAX_WAYS = 200
"""Ways through one template that are looked at."""

Allowed = Callable[[int], bool]
"""Whether a template counts."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What words may be taken for: the words themselves, or near ones at a cost."""

    words: tuple[str, ...]
    end: int
    """One past the last word that it explains."""
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """Words, and what each may be taken for."""

    words: Words
    at: tuple[tuple[Alternative, ...], ...]
    """For each word, the alternatives that begin there. One of no words means nothing."""

    @staticmethod
    def of(words: Words, skip: Sequence[tuple[str, ...]] = ()) -> "Lattice":
        """Return words that are taken as they are; the phrases of `skip` may be left out."""
        rows = []
        for i, word in enumerate(words.words):
            skipped = (p for p in skip if words.words[i : i + len(p)] == p)
            rows.append((Alternative((word,), i + 1), *(Alternative((), i + len(p)) for p in skipped)))
        return Lattice(words, tuple(rows))


@dataclass(frozen=True, slots=True)
class Filled:
    """A slot's place in the words."""

    slot: str
    entity: str
    start: int
    end: int
    value: Any
    context: Context
    is_wild: bool
    cost: float


@dataclass(frozen=True, slots=True)
class Parse:
    """One way in which words are a sentence."""

    template: Template
    index: int
    """Place of the template among all."""
    filled: tuple[Filled, ...]
    fixed: Mapping[str, Any]
    """Slots that the template or the context sets."""
    facts: Mapping[str, Any]
    """What holds: the turn's context and that of the values."""
    cost: float
    literal: int
    """Words explained by the template's own words."""
    n_words: int

    def rank(self, prefer: str) -> tuple[Any, ...]:
        """Return what to sort by, best first.

        Cheapest repair; a value for the slot `prefer`, the longer the better; fewest wildcards; fewest words in them;
        most words from the template itself; most facts required; the order in which templates were written.
        """
        preferred = max((f.end - f.start for f in self.filled if f.slot == prefer and not f.is_wild), default=0)
        wild = [f for f in self.filled if f.is_wild]
        in_wild = sum(f.end - f.start for f in wild)
        required = len(self.template.block.requires)
        return (self.cost, -preferred, len(wild), in_wild, -self.literal, -required, self.index)

    def slots(self) -> dict[str, Any]:
        """Return slot -> value, None for the words as written."""
        return {**self.fixed, **{f.slot: f.value for f in self.filled}}


@dataclass(slots=True)
class _Link:
    """How a state was reached."""

    state: int
    at: int
    cost: float
    place: int = -1
    """Index into the network's places, -1 for a word or a skipped phrase."""
    symbol: tuple[int, int, Entry | None] | None = None
    """First and last word of a list's value, and the value."""
    literal: int = 0


@dataclass(slots=True)
class Chart:
    """Parses words over one network.

    Args:
        network: the templates.
        tries: the values of (list, letters before, letters after).
    """

    network: Network
    tries: Callable[[str, str, str], Trie]
    _found: dict[tuple[str, str, str, int], list[tuple[int, float, Entry]]] = field(default_factory=dict)

    def parses(self, lattice: Lattice, allowed: Allowed, context: Context) -> Iterator[Parse]:
        """Yield every way in which the words are a whole sentence."""
        self._found.clear()
        rows: list[dict[int, list[_Link]]] = [{} for _ in range(len(lattice.at) + 1)]
        rows[0][START] = []
        for at, alternatives in enumerate(lattice.at):
            for state in rows[at]:
                self._leave(state, at, lattice, alternatives, rows, allowed)
        for state in rows[-1]:
            if state in self.network.finals:
                yield from self._read(state, rows, context)

    def _leave(
        self,
        state: int,
        at: int,
        lattice: Lattice,
        alternatives: tuple[Alternative, ...],
        rows: list[dict[int, list[_Link]]],
        allowed: Allowed,
    ) -> None:
        """Follow the arcs of a state."""
        network = self.network
        counts = allowed if state == START else _always
        for alternative in alternatives:
            if not alternative.words:
                rows[alternative.end].setdefault(state, []).append(_Link(state, at, alternative.cost))
                continue
            link = _Link(state, at, alternative.cost, literal=1)
            for after in self._chain(state, alternative.words):
                if counts(network.owner[after]):
                    rows[alternative.end].setdefault(after, []).append(link)
        for (before, place, behind), after_it in network.uses[state].items():
            if not counts(network.owner[after_it[0]]):  # a place is one template's
                continue
            use = network.places[place]
            spans: list[tuple[int, float, Entry | None]]
            if use.is_wild:
                spans = [(end, 0.0, None) for end in range(at + 1, len(rows))]
            else:
                spans = [*self._values(use.values, before, behind, at, lattice)]
            for end, cost, entry in spans:
                link = _Link(state, at, cost, place, (at, end, entry))
                for after in after_it:
                    rows[end].setdefault(after, []).append(link)

    def _chain(self, state: int, words: tuple[str, ...]) -> list[int]:
        """Return the states after words."""
        states = self.network.words[state].get(words[0], [])
        for word in words[1:]:
            states = [after for state in states for after in self.network.words[state].get(word, ())]
        return states

    def _values(self, name: str, before: str, behind: str, at: int, lattice: Lattice) -> list[tuple[int, float, Entry]]:
        """Return the values of a list that begin at a word: end, cost and value of each."""
        key = (name, before, behind, at)
        if (known := self._found.get(key)) is not None:
            return known
        found: list[tuple[int, float, Entry]] = []
        stack = [(at, 0.0, self.tries(name, before, behind))]
        while stack:
            here, cost, node = stack.pop()
            found += [(here, cost, entry) for entry in node.entries]
            if here == len(lattice.at) or not node:
                continue
            for alternative in lattice.at[here]:
                below: Trie | None = node
                for word in alternative.words:
                    below = below.get(word) if below is not None else None
                if below is not None and alternative.words:
                    stack.append((alternative.end, cost + alternative.cost, below))
        self._found[key] = found
        return found

    def _read(self, final: int, rows: list[dict[int, list[_Link]]], context: Context) -> Iterator[Parse]:
        """Yield the parses that end in a state, as far as their context allows."""
        index = self.network.owner[final]
        template = self.network.templates[index]
        stack: list[tuple[int, int, tuple[_Link, ...]]] = [(final, len(rows) - 1, ())]
        ways = 0
        while stack and ways < MAX_WAYS:
            state, at, path = stack.pop()
            if state == START and at == 0:
                ways += 1
                if parse := self._parse(index, template, path, context, len(rows) - 1):
                    yield parse
                continue
            stack += [(link.state, link.at, (link, *path)) for link in reversed(rows[at].get(state, ()))]

    def _parse(
        self, index: int, template: Template, path: tuple[_Link, ...], context: Context, n_words: int
    ) -> Parse | None:
        block = template.block
        filled = []
        facts = dict(context)
        for link in path:
            if link.symbol is None:
                continue
            use = self.network.places[link.place]
            start, end, entry = link.symbol
            value, known = (entry.value, entry.context) if entry else (None, {})
            facts.update(known)
            filled.append(Filled(use.slot, use.entity, start, end, value, known, use.is_wild, link.cost))
        if not meets(block.requires, block.excludes, facts):
            return None
        spoken = {f.slot for f in filled}
        fixed = {name: value for name, value in block.slots.items() if name not in spoken}
        fixed |= {name: value for name, value in _copied(block.requires, facts).items() if name not in spoken}
        return Parse(
            template,
            index,
            tuple(f for f in filled if f.slot),
            fixed,
            facts,
            sum(link.cost for link in path),
            sum(link.literal for link in path),
            n_words,
        )


def _always(_template: int) -> bool:
    return True


def _copied(requires: Context, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the slots that a block takes from the context."""
    copied = {}
    for key, due in requires.items():
        if isinstance(due, Mapping) and due.get("slot"):
            known = facts[key]
            name = due["slot"] if isinstance(due["slot"], str) else key
            copied[name] = known.get("value") if isinstance(known, Mapping) else known
    return copied
