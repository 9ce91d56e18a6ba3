"""From the network of words to the decoding graph: sentences that begin or go on alike share their nodes.

The network is made deterministic by the subset construction (Rabin and Scott 1959) with lists as symbols, and minimised
by merging states with the same future, which for an automaton without cycles needs one pass (Revuz 1992). Only then are
words and lists spelt, so a list stands once wherever the same may follow, not once in each template.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.graph import Graph, GraphBuilder
from voice.decoding.speller import Speller
from voice.nlu.chart import Allowed
from voice.nlu.network import START, Network

ListSymbol = tuple[str, str, str, str]
"""A list, the letters glued before and after its values, and which of its values the context leaves."""
Symbol = str | ListSymbol
MAX_COPIED = 500_000
"""Labels that one list may take up."""


Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Acceptor:
    """A minimal deterministic automaton over words and lists; state 0 is the start."""

    arcs: tuple[Mapping[Symbol, int], ...]
    finals: frozenset[int]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A list's values as labels, beginnings and endings shared."""

    labels: npt.NDArray[np.str_]
    """(m,)"""
    arcs: npt.NDArray[np.int32]
    """(arcs, 2) From one label to the next."""
    roots: npt.NDArray[np.int32]
    leaves: npt.NDArray[np.int32]


def acceptor_of(
    network: Network, allowed: Allowed, symbols: Callable[[int, tuple[str, int, str]], Iterable[Symbol]]
) -> Acceptor:
    """Return the acceptor of the allowed templates; what only a wildcard can complete is left out.

    Args:
        network: the templates.
        allowed: whether a template counts.
        symbols: the symbols of a list's place in a template: the list, in one part or more.
    """
    index: dict[frozenset[int], int] = {frozenset({START}): 0}
    rows: list[dict[Symbol, int]] = []
    finals: list[bool] = []
    todo = [frozenset({START})]
    for subset in todo:
        targets: dict[Symbol, set[int]] = {}
        for state in subset:
            for word, after in network.words[state].items():
                targets.setdefault(word, set()).update(after)
            for place, after in network.uses[state].items():
                if not network.places[place[1]].is_wild:
                    for part in symbols(network.owner[after[0]], place):
                        targets.setdefault(part, set()).update(after)
        row: dict[Symbol, int] = {}
        for label, reached in targets.items():
            kept = frozenset(s for s in reached if allowed(network.owner[s])) if START in subset else frozenset(reached)
            if not kept:
                continue
            if kept not in index:
                index[kept] = len(todo)
                todo.append(kept)
            row[label] = index[kept]
        rows.append(row)
        finals.append(bool(subset & network.finals))
    return _minimised(rows, finals)


def _minimised(rows: list[dict[Symbol, int]], finals: list[bool]) -> Acceptor:
    """Return the automaton with states of the same future merged, and those without any dropped."""
    classes: dict[tuple[bool, frozenset[tuple[Symbol, int]]], int] = {}
    new = [-1] * len(rows)
    arcs: list[dict[Symbol, int]] = []
    ends: set[int] = set()
    for state in _last_first(rows):
        row = {label: new[target] for label, target in rows[state].items() if new[target] >= 0}
        if not row and not finals[state] and state:
            continue
        key = (finals[state], frozenset(row.items()))
        if key not in classes:
            classes[key] = len(arcs)
            arcs.append(row)
            if finals[state]:
                ends.add(classes[key])
        new[state] = classes[key]
    order = [new[0], *(i for i in range(len(arcs)) if i != new[0])]
    place = {old: i for i, old in enumerate(order)}
    return Acceptor(
        tuple({label: place[target] for label, target in arcs[old].items()} for old in order),
        frozenset(place[end] for end in ends),
    )


def _last_first(rows: list[dict[Symbol, int]]) -> Iterable[int]:
    """Yield every state after all that follow it."""
    done = [False] * len(rows)
    stack = [(0, iter(rows[0].values()))]
    done[0] = True
    while stack:
        state, targets = stack[-1]
        for target in targets:
            if not done[target]:
                done[target] = True
                stack.append((target, iter(rows[target].values())))
                break
        else:
            stack.pop()
            yield state


def spelling_of(ways: Iterable[Sequence[str]]) -> Spelling:
    """Return the labels of a list's spoken forms: a trie, whose equal ends are merged from the leaves up.

    Args:
        ways: how each may be spelled.
    """
    labels: list[str] = []
    parents: list[int] = []
    leaves: set[int] = set()
    children: dict[tuple[int, str], int] = {}
    for way in ways:
        node = -1
        for label in way:
            key = (node, label)
            if key not in children:
                children[key] = len(labels)
                labels.append(label)
                parents.append(node)
            node = children[key]
        leaves.add(node)
    classes: dict[tuple[str, bool, tuple[int, ...]], int] = {}
    onward: dict[int, list[int]] = {-1: []}
    for node in range(len(labels) - 1, -1, -1):
        after = tuple(sorted(onward.pop(node, ())))
        merged = classes.setdefault((labels[node], node in leaves, after), len(classes))
        onward.setdefault(parents[node], []).append(merged)
    arcs = [(merged, after) for (_, _, row), merged in classes.items() for after in row]
    return Spelling(
        np.array([label for label, _, _ in classes], "<U2"),
        np.array(arcs, np.int32).reshape(-1, 2),
        np.array(onward[-1], np.int32),
        np.array([merged for (_, is_leaf, _), merged in classes.items() if is_leaf], np.int32),
    )


def graph_of(
    acceptor: Acceptor,
    spelling: Callable[[ListSymbol], Spelling],
    speller: Speller,
    wake_words: Iterable[str] = (),
    skip: Iterable[str] = (),
    denying: Iterable[str] = (),
) -> Graph:
    """Return the decoding graph of an acceptor.

    Args:
        acceptor: which sequences of words and lists are sentences.
        spelling: the values of a list.
        speller: what labels words are.
        wake_words: phrases that may stand before a sentence.
        skip: phrases of which one may stand at its beginning and one at its end.
        denying: phrases before a sentence that make it none, so that they are heard and not passed over.
    """
    builder = GraphBuilder(wake_words, speller)
    skip = list(skip)
    polite = [node for phrase in skip for node in builder.text(f"{phrase} ", builder.entry)]
    polite += [node for phrase in denying for node in builder.text(f"{phrase} ", [*builder.entry, *polite])]
    ways: dict[Symbol, dict[int, list[int]]] = {}  # symbol -> state after it -> states before it
    for state, row in enumerate(acceptor.arcs):
        for symbol, target in row.items():
            ways.setdefault(symbol, {}).setdefault(target, []).append(state)
    states = range(len(acceptor.arcs))
    into: list[list[Nodes]] = [[] for _ in states]  # the nodes with which each state is reached
    out: list[list[Nodes]] = [[] for _ in states]  # and those that follow it
    for symbol, targets in ways.items():
        spelt = None if isinstance(symbol, str) else spelling(symbol)
        for reached, left in _copies(targets, len(spelt.labels) if spelt else 1):
            roots, leaves = _added(builder, symbol, spelt)
            for state in left:
                out[state].append(roots)
            for state in reached:
                into[state].append(leaves)
    for state, (before, after) in enumerate(zip(into, out, strict=True)):
        entry = [np.array([*builder.entry, *polite], np.int32)] if state == 0 else before
        _join(builder, entry, after, "" if state == 0 else speller.separator)
    ends: list[Nodes] = []
    for state in acceptor.finals:
        for nodes in into[state]:
            builder.end(nodes, is_open=bool(acceptor.arcs[state]))
        ends += into[state]
    _add_skip(builder, skip, ends, speller.separator)
    return builder.build()


def _added(builder: GraphBuilder, symbol: Symbol, spelt: Spelling | None) -> tuple[Nodes, Nodes]:
    """Add a word's or a list's nodes; return the first and the last ones."""
    if isinstance(symbol, str):
        first, last = builder.word(symbol)
        return np.array(first, np.int32), np.array(last, np.int32)
    assert spelt is not None  # noqa: S101 - of every list
    start = builder.block(spelt.labels, spelt.arcs)
    return spelt.roots + start, spelt.leaves + start


def _join(builder: GraphBuilder, before: list[Nodes], after: list[Nodes], separator: str) -> None:
    """Let nodes follow others, a separator between them where there is one."""
    if not before or not after:
        return
    entries = np.concatenate(before)
    if separator:
        space = np.array([builder.node(separator, ())], np.int32)
        builder.join(entries, space)
        entries = space
    builder.join(entries, np.concatenate(after))


def _copies(targets: Mapping[int, list[int]], size: int) -> Iterable[tuple[list[int], list[int]]]:
    """Yield for each copy of a symbol the states after it and those before it.

    A copy for each state after it keeps apart what only together is a sentence. Where that would be too much, one copy
    serves all: a path that mixes two sentences is possible then, and is no sentence when its text is read.
    """
    if size * len(targets) <= MAX_COPIED:
        yield from (([target], sources) for target, sources in targets.items())
    else:
        yield [*targets], [state for sources in targets.values() for state in sources]


def _add_skip(builder: GraphBuilder, skip: Iterable[str], ends: list[Nodes], separator: str) -> None:
    for phrase in skip:
        first, *others = phrase.split()
        roots, last = builder.word(first)
        _join(builder, ends, [np.array(roots, np.int32)], separator)
        for word in others:
            last = builder.text(word, [builder.node(separator, last)] if separator else last)
        builder.end(np.array(last, np.int32))
