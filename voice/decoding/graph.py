"""The decoding graph: every character that may be spoken is a node; arcs say which may follow which.

It is a position automaton (Glushkov 1961, "The abstract theory of automata"): no empty arcs, one node for each
character position. It only says which texts are sentences; what a text means is the business of a `Language`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voice.events import Intent

START = 0
"""The node before the first character."""

Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """Arrays are over nodes (n) or arcs (a); arcs are sorted by destination."""

    characters: npt.NDArray[np.str_]
    """(n,)"""
    is_sentence: npt.NDArray[np.bool_]
    """(n,) False for the start and the wake word."""
    source: Nodes
    """(a,)"""
    first_arc: Nodes
    """(n,) where each node's arcs begin in `source`."""
    finals: Nodes
    """Nodes that end a sentence."""

    def __len__(self) -> int:
        return len(self.characters)

    @property
    def size_mb(self) -> float:
        """Memory of the arrays, megabytes."""
        arrays = (self.characters, self.is_sentence, self.source, self.first_arc, self.finals)
        return sum(array.nbytes for array in arrays) / 1e6

    def arcs_into(self, node: int) -> Nodes:
        """Return the nodes from which `node` may be entered."""
        end = self.first_arc[node + 1] if node + 1 < len(self) else len(self.source)
        return self.source[self.first_arc[node] : end]


class Language(Protocol):
    """Sentences: which texts they are, and what each means."""

    def graph(self, intent_filter: Sequence[str] | None = None) -> Graph:
        """Return the graph of the sentences of some intents (None: of all)."""
        ...

    def read(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Mapping[str, Any] | None = None
    ) -> Intent | None:
        """Return what a sentence of the graph means; None where its context is missing."""
        ...

    def opposed(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[str, bool]]:
        """Return the sentences that one other word turns around, such as on and off, lock and unlock.

        With each stands whether `text` is what is left of it when a syllable is swallowed.
        """
        ...

    def minimum(self, intent: str) -> float:
        """Return the least confidence that an intent must have."""
        ...


class GraphBuilder:
    """Builds a `Graph`: node by node, or many nodes at once.

    Args:
        wake_words: phrases whose whole or tail may precede a sentence ("computer", "puter").
    """

    def __init__(self, wake_words: Iterable[str] = ()) -> None:
        self._characters = [np.array([""], "<U1")]
        self._sentence = [np.zeros(1, bool)]
        self._arcs: list[tuple[Nodes, Nodes]] = [(_nodes([START]), _nodes([START]))]
        self._count = 1
        self._loose: list[tuple[str, bool]] = []
        self._loose_arcs: list[tuple[int, int]] = []
        self._finals: list[Nodes] = []
        self.entry = [START]
        """Nodes after which a sentence may begin."""
        for word in wake_words:
            ends = [START]
            for character in word + " ":
                ends = [self.node(character, {*ends, START}, is_sentence=False)]
            self.entry += ends

    def node(self, character: str, sources: Iterable[int], *, is_sentence: bool = True) -> int:
        """Add a node and the arcs into it; return its index."""
        self._loose.append((character, is_sentence))
        self._loose_arcs += [(source, self._count) for source in sources]
        self._count += 1
        return self._count - 1

    def text(self, text: str, sources: Iterable[int]) -> int:
        """Add a chain of nodes; return the last."""
        for character in text:
            sources = [self.node(character, sources)]
        return next(iter(sources))

    def block(self, characters: npt.NDArray[np.str_], arcs: Nodes, roots: Nodes, sources: Iterable[int]) -> int:
        """Add many nodes; return the index of the first.

        Args:
            characters: shape (m,).
            arcs: shape (k, 2), positions in `characters`, from and to.
            roots: positions in `characters`, which follow every node of `sources`.
            sources: nodes of the graph.
        """
        self._settle()
        first, before = self._count, _nodes(sources)
        self._arcs.append((arcs[:, 0] + first, arcs[:, 1] + first))
        self._arcs.append((np.repeat(before, len(roots)), np.tile(roots + first, len(before))))
        self._characters.append(characters)
        self._sentence.append(np.ones(len(characters), bool))
        self._count += len(characters)
        return first

    def arcs(self, sources: Nodes, target: int) -> None:
        """Let a node be entered from others, too."""
        self._arcs.append((sources, np.full(len(sources), target, np.int32)))

    def end(self, nodes: Nodes) -> None:
        """Let sentences end at nodes."""
        self._finals.append(nodes)

    def build(self) -> Graph:
        """Return the graph."""
        self._settle()
        source = np.concatenate([arcs[0] for arcs in self._arcs])
        target = np.concatenate([arcs[1] for arcs in self._arcs])
        pairs = np.unique(target.astype(np.int64) * self._count + source)
        source, target = (pairs % self._count).astype(np.int32), pairs // self._count
        first = np.searchsorted(target, np.arange(self._count)).astype(np.int32)
        finals = np.unique(np.concatenate([_nodes([]), *self._finals]))
        return Graph(np.concatenate(self._characters), np.concatenate(self._sentence), source, first, finals)

    def _settle(self) -> None:
        """Turn nodes added one by one into arrays."""
        if self._loose:
            characters, sentence = zip(*self._loose, strict=True)
            self._characters.append(np.array(characters, "<U1"))
            self._sentence.append(np.array(sentence))
            if self._loose_arcs:
                sources, targets = np.array(self._loose_arcs, np.int32).T
                self._arcs.append((sources, targets))
        self._loose, self._loose_arcs = [], []


class PlainSentences:
    """A language of fixed sentences, each an intent of its own.

    Args:
        texts: normalised.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        builder = GraphBuilder()
        for text in texts:
            builder.end(_nodes([builder.text(text, builder.entry)]))
        self._graph = builder.build()

    def graph(self, intent_filter: Sequence[str] | None = None) -> Graph:
        """Return the graph of all."""
        return self._graph

    def read(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Mapping[str, Any] | None = None
    ) -> Intent | None:
        """Return a sentence as its own intent."""
        return Intent(text, text=text) if intent_filter is None or text in intent_filter else None

    def opposed(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[str, bool]]:
        """Return nothing: no two of them are compared."""
        return ()

    def minimum(self, intent: str) -> float:
        """Return 0: any confidence will do."""
        return 0.0


def _nodes(nodes: Iterable[int]) -> Nodes:
    return np.fromiter(nodes, np.int32)
