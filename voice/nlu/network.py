"""Templates as one network of words: states, and arcs that are a word, a list or anything.

It is Glushkov's position automaton (Glushkov 1961, "The abstract theory of automata") over words: no empty arcs, one
start, and every other state belongs to one template, so that a path tells template and slots. hassil parses a template;
walking its tree adds the states. Sentences are never enumerated, and lists stay closed: their values can change without
the network.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    TextChunk,
)

from voice.errors import GrammarError
from voice.nlu.model import Block, ListValues, NumberRange, SkillSentences, Wildcard
from voice.nlu.syntax import parse_template, place
from voice.nlu.words import plain

START = 0
MAX_DEPTH = 24
"""Expansion rules within rules; more is a loop."""
MAX_STATES = 200_000
MAX_PERMUTED = 8
_SPACE = re.compile(r"(\s+)")

_NO_USE = -1
Pending = tuple[str, int, str]
"""What was begun without a space after it: letters, a list or -1, and letters glued to the list's value."""
Ends = frozenset[tuple[int, Pending]]
"""Where a template may go on: a state, and what stands between it and the next word boundary."""
_NOTHING: Pending = ("", _NO_USE, "")


@dataclass(frozen=True, slots=True)
class Use:
    """One place in one template where a list stands."""

    slot: str
    """Empty where the value is no slot."""
    entity: str
    """The list's name as the template has it."""
    values: str
    """The list: a key of `Network.local` or of the sentences' lists."""
    is_wild: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence template."""

    block: Block
    text: str


@dataclass
class Network:
    """The compiled templates. Lists over states; state 0 is the start."""

    words: list[dict[str, list[int]]] = field(default_factory=lambda: [{}])
    """Word -> states after it."""
    uses: list[dict[Pending, list[int]]] = field(default_factory=lambda: [{}])
    """(letters before, index into `places`, letters after) -> states after that list's value."""
    owner: list[int] = field(default_factory=lambda: [-1])
    """Index into `templates`."""
    finals: set[int] = field(default_factory=set)
    templates: list[Template] = field(default_factory=list)
    places: list[Use] = field(default_factory=list)
    local: dict[str, ListValues] = field(default_factory=dict)
    """Lists of one block, and ranges written in a template."""

    def state(self, template: int) -> int:
        """Add a state.

        Raises:
            GrammarError: there are too many.
        """
        if len(self.owner) >= MAX_STATES:
            text = self.templates[template].text
            raise GrammarError(f"{text!r}: the sentences need over {MAX_STATES} states", fix="nest fewer rules")
        self.words.append({})
        self.uses.append({})
        self.owner.append(template)
        return len(self.owner) - 1


def network_of(sentences: SkillSentences) -> Network:
    """Return the network of all templates.

    Raises:
        GrammarError: a template is wrong; names file, line, intent and template.
    """
    network = Network()
    for number, block in enumerate(sentences.all_blocks()):
        lists = {name: f"{name}@{number}" for name in block.lists}
        network.local.update({lists[name]: values for name, values in block.lists.items()})
        for text in block.templates:
            network.templates.append(Template(block, text))
            where = f"{block.intent}: {text!r}"
            rules = {**sentences.rules, **block.rules}
            files = {name: block.file if name in block.rules else sentences.files.get(name) for name in rules}
            walker = _Walker(network, len(network.templates) - 1, sentences.lists, lists, rules, files, where)
            walker.add(parse_template(text, block.intent, block.file))
    return network


def spellings(text: str, sentences: SkillSentences, where: str, limit: int = 10_000) -> Iterator[tuple[str, ...]]:
    """Yield every word sequence of a template that uses no list, such as a list's value.

    Raises:
        GrammarError: it can't be parsed, uses a list, or can be said in more ways than `limit`.
    """
    network = Network(templates=[Template(Block(where, (text,)), text)])
    walker = _Walker(network, 0, {}, {}, sentences.rules, {}, f"{where}: {text!r}")
    walker.add(parse_template(text, where), may_be_empty=True)
    stack: list[tuple[int, tuple[str, ...]]] = [(START, ())]
    count = 0
    while stack:
        state, words = stack.pop()
        if state in network.finals:
            count += 1
            yield words
        stack += [(after, (*words, word)) for word, states in network.words[state].items() for after in states]
        if count > limit:
            raise GrammarError(f"{where}: {text!r} has over {limit} spoken forms", fix="make it a rule of the template")


@dataclass(slots=True)
class _Walker:
    """Adds one template to the network."""

    network: Network
    template: int
    lists: Mapping[str, ListValues]
    local: Mapping[str, str]
    rules: Mapping[str, str]
    files: Mapping[str, Path | None]
    where: str

    def add(self, expression: Expression, *, may_be_empty: bool = False) -> None:
        ends = self._boundary(self._walk(expression, frozenset({(START, _NOTHING)}), ()))
        finals = {state for state, _ in ends}
        if START in finals and not may_be_empty:
            raise self._error("matches the empty sentence", "add a word")
        self.network.finals |= finals

    def _walk(self, expression: Expression, ends: Ends, within: tuple[str, ...]) -> Ends:
        if isinstance(expression, TextChunk):
            return self._text(expression.text, ends)
        if isinstance(expression, ListReference):
            return self._list(expression, ends)
        if isinstance(expression, RuleReference):
            return self._rule(expression.rule_name, ends, within)
        if isinstance(expression, Alternative):
            return frozenset().union(*(self._walk(item, ends, within) for item in expression.items))
        if isinstance(expression, Permutation):
            return self._permuted(expression.items, ends, within)
        if isinstance(expression, Group):
            for item in expression.items:
                ends = self._walk(item, ends, within)
            return ends
        raise self._error(f"{type(expression).__name__} is not supported", "write it differently")

    def _text(self, text: str, ends: Ends) -> Ends:
        for piece in _SPACE.split(text):
            if piece.isspace():
                ends = self._boundary(ends)
            elif piece:
                apart = not (piece[0].isalnum() or piece[0] in "'’")
                alone = frozenset(end for end in ends if apart and end[1][1] != _NO_USE)
                ends = (ends - alone) | self._boundary(alone)
                ends = frozenset((state, _glued(pending, piece)) for state, pending in ends)
        return ends

    def _list(self, reference: ListReference, ends: Ends) -> Ends:
        use = self._use(reference)
        self.network.places.append(use)
        index = len(self.network.places) - 1
        if use.is_wild:
            after = self.network.state(self.template)
            for state, _ in self._boundary(ends):
                self.network.uses[state].setdefault(("", index, ""), []).append(after)
            return frozenset({(after, _NOTHING)})
        full = frozenset(end for end in ends if end[1][1] != _NO_USE or (end[1][0] and not end[1][0][-1].isalnum()))
        ends = (ends - full) | self._boundary(full)
        return frozenset((state, (before, index, "")) for state, (before, _, _) in ends)

    def _use(self, reference: ListReference) -> Use:
        name, slot = reference.list_name, "" if reference.is_capture else reference.slot_name
        if name in self.local:
            key = self.local[name]
            return Use(slot, name, key, isinstance(self.network.local[key], Wildcard))
        if name in self.lists:
            return Use(slot, name, name, isinstance(self.lists[name], Wildcard))
        if bounds := reference.get_inline_range():
            self.network.local[name] = NumberRange(*bounds)
            return Use(slot, name, name)
        raise self._error(f"no list {name!r}", "define it under `lists`")

    def _rule(self, name: str, ends: Ends, within: tuple[str, ...]) -> Ends:
        if name not in self.rules:
            raise self._error(f"no rule <{name}>", "define it under `expansion_rules`")
        if name in within or len(within) >= MAX_DEPTH:
            raise self._error(f"rule <{name}> refers to itself: {' > '.join((*within, name))}", "break the loop")
        body = parse_template(self.rules[name], f"rule <{name}>", self.files.get(name))
        return self._walk(body, ends, (*within, name))

    def _permuted(self, items: list[Expression], ends: Ends, within: tuple[str, ...]) -> Ends:
        """Append items in any order: one set of ends for each set of items that was said."""
        if len(items) > MAX_PERMUTED:
            raise self._error(f"{len(items)} pieces in any order", f"permute at most {MAX_PERMUTED}")
        said = {0: ends}
        for done in range(2 ** len(items) - 1):
            for i, item in enumerate(items):
                if not done >> i & 1:
                    with_it = done | 1 << i
                    said[with_it] = said.get(with_it, frozenset()) | self._walk(item, said[done], within)
        return said[2 ** len(items) - 1]

    def _boundary(self, ends: Ends) -> Ends:
        """Return the ends after a space, or at the end: what was pending becomes arcs to one new state."""
        done = {end for end in ends if end[1] == _NOTHING}
        after = -1
        for state, pending in sorted(ends - done):
            before, use, behind = pending
            if use == _NO_USE:
                *first, last = plain(before).split() or [""]
                if not last:
                    done.add((state, _NOTHING))
                    continue
            after = after if after >= 0 else self.network.state(self.template)
            if use == _NO_USE:
                state = self._chain(state, first)  # noqa: PLW2901
                self.network.words[state].setdefault(last, []).append(after)
            else:
                symbol = (plain(before), use, plain(behind))
                self.network.uses[state].setdefault(symbol, []).append(after)
        return frozenset(done | ({(after, _NOTHING)} if after >= 0 else set()))

    def _chain(self, state: int, words: Iterable[str]) -> int:
        for word in words:
            after = self.network.state(self.template)
            self.network.words[state].setdefault(word, []).append(after)
            state = after
        return state

    def _error(self, problem: str, fix: str) -> GrammarError:
        template = self.network.templates[self.template]
        return GrammarError(f"{place(template.block.file, template.text)}{self.where}: {problem}", fix=fix)


def _glued(pending: Pending, letters: str) -> Pending:
    before, use, behind = pending
    return (before + letters, use, behind) if use == _NO_USE else (before, use, behind + letters)


def intents_of(network: Network, owners: Iterable[int]) -> set[str]:
    """Return the intents of some templates."""
    return {network.templates[owner].block.intent for owner in owners}
