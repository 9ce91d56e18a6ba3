"""The decoding graph: every character or phone that may be spoken is a node; arcs say which may follow which.

It is a position automaton (Glushkov 1961, "The abstract theory of automata"): no empty arcs, one node for each
label's position. It only says which sequences of labels are sentences; which text such a sequence is, and what it
means, is the business of a `Language`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voice.decoding.speller import LETTERS, Speller, matches
from voice.events import Intent

START = 0
"""The node before the first label."""

Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """Arrays are over nodes (n) or arcs (a); arcs are sorted by destination."""

    labels: npt.NDArray[np.str_]
    """(n,) Names of labels."""
    is_sentence: npt.NDArray[np.bool_]
    """(n,) False for the start and the wake word."""
    source: Nodes
    """(a,)"""
    first_arc: Nodes
    """(n,) where each node's arcs begin in `source`."""
    finals: Nodes
    """Nodes that end a sentence."""
    open_ends: Nodes
    """Those of them after which it may go on as a longer one; polite words don't count."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size_mb(self) -> float:
        """Memory of the arrays, megabytes."""
        arrays = (self.labels, self.is_sentence, self.source, self.first_arc, self.finals, self.open_ends)
        return sum(array.nbytes for array in arrays) / 1e6

    def arcs_into(self, node: int) -> Nodes:
        """Return the nodes from which `node` may be entered."""
        end = self.first_arc[node + 1] if node + 1 < len(self) else len(self.source)
        return self.source[self.first_arc[node] : end]


class KnownWords(Protocol):
    """The words of a language."""

    @property
    def words(self) -> frozenset[str]:
        """All of them."""
        ...


class Language(Protocol):
    """Sentences: which labels they are, which text such labels are, and what a text means."""

    @property
    def vocabulary(self) -> KnownWords:
        """The words of all sentences."""
        ...

    def graph(self, intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS) -> Graph:
        """Return the graph of the sentences of some intents (None: of all)."""
        ...

    def texts(
        self, labels: Sequence[str], intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS
    ) -> Iterable[str]:
        """Return the sentences that labels of a path through the graph may be: several where words sound alike."""
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
        speller: what labels words are.
    """

    def __init__(self, wake_words: Iterable[str] = (), speller: Speller = LETTERS) -> None:
        self._speller = speller
        self._labels = [np.array([""], "<U1")]
        self._sentence = [np.zeros(1, bool)]
        self._arcs: list[tuple[Nodes, Nodes]] = [(_nodes([START]), _nodes([START]))]
        self._count = 1
        self._loose: list[tuple[str, bool]] = []
        self._loose_arcs: list[tuple[int, int]] = []
        self._finals: list[Nodes] = []
        self._open_ends: list[Nodes] = []
        self.entry = [START]
        """Nodes after which a sentence may begin."""
        for phrase in wake_words:
            self.entry += self._wake_word(phrase)

    def node(self, label: str, sources: Iterable[int], *, is_sentence: bool = True) -> int:
        """Add a node and the arcs into it; return its index."""
        self._loose.append((label, is_sentence))
        self._loose_arcs += [(source, self._count) for source in sources]
        self._count += 1
        return self._count - 1

    def word(self, word: str, sources: Iterable[int] = ()) -> tuple[list[int], list[int]]:
        """Add the nodes of a word's spellings, equal beginnings once.

        Args:
            word: normalised.
            sources: nodes that may stand before it.

        Returns:
            Its first nodes and its last ones.
        """
        known: dict[tuple[str, ...], int] = {}
        ends, sources = [], list(sources)
        for way in self._speller.ways(word):
            before = sources
            for i, label in enumerate(way, 1):
                beginning = tuple(way[:i])
                if beginning not in known:
                    known[beginning] = self.node(label, before)
                before = [known[beginning]]
            ends += before
        return [node for beginning, node in known.items() if len(beginning) == 1], ends

    def text(self, text: str, sources: Iterable[int]) -> list[int]:
        """Add the nodes of words; return the last ones.

        Args:
            text: words; where it ends with a space, so do the nodes, if spaces are labels.
            sources: nodes that may stand before it.
        """
        ends, words = list(sources), text.split()
        for i, word in enumerate(words):
            _, ends = self.word(word, ends)
            if self._speller.separator and (i + 1 < len(words) or text.endswith(" ")):
                ends = [self.node(self._speller.separator, ends)]
        return ends

    def block(self, labels: npt.NDArray[np.str_], arcs: Nodes) -> int:
        """Add many nodes; return the index of the first.

        Args:
            labels: shape (m,).
            arcs: shape (k, 2), positions in `labels`, from and to.
        """
        self._settle()
        first = self._count
        self._arcs.append((arcs[:, 0] + first, arcs[:, 1] + first))
        self._labels.append(labels)
        self._sentence.append(np.ones(len(labels), bool))
        self._count += len(labels)
        return first

    def join(self, before: Nodes, after: Nodes) -> None:
        """Let each node of `after` follow each of `before`."""
        self._arcs.append((np.repeat(before, len(after)), np.tile(after, len(before))))

    def end(self, nodes: Nodes, *, is_open: bool = False) -> None:
        """Let sentences end at nodes; `is_open` where they may go on."""
        self._finals.append(nodes)
        if is_open:
            self._open_ends.append(nodes)

    def build(self) -> Graph:
        """Return the graph."""
        self._settle()
        source = np.concatenate([arcs[0] for arcs in self._arcs])
        target = np.concatenate([arcs[1] for arcs in self._arcs])
        pairs = np.unique(target.astype(np.int64) * self._count + source)
        source, target = (pairs % self._count).astype(np.int32), pairs // self._count
        first = np.searchsorted(target, np.arange(self._count)).astype(np.int32)
        finals, ends = (np.unique(np.concatenate([_nodes([]), *each])) for each in (self._finals, self._open_ends))
        return Graph(np.concatenate(self._labels), np.concatenate(self._sentence), source, first, finals, ends)

    def _wake_word(self, phrase: str) -> list[int]:
        """Add the nodes of a phrase, each of which may be the first; return the last ones."""
        ends = [START]
        for word in phrase.split():
            reached = []
            for way in self._speller.ways(word):
                before = ends
                for label in way:
                    before = [self.node(label, {*before, START}, is_sentence=False)]
                reached += before
            separator = self._speller.separator
            ends = [self.node(separator, {*reached, START}, is_sentence=False)] if separator else reached
        return ends

    def _settle(self) -> None:
        """Turn nodes added one by one into arrays."""
        if self._loose:
            labels, sentence = zip(*self._loose, strict=True)
            self._labels.append(np.array(labels))
            self._sentence.append(np.array(sentence))
            if self._loose_arcs:
                sources, targets = np.array(self._loose_arcs, np.int32).T
                self._arcs.append((sources, targets))
        self._loose, self._loose_arcs = [], []


@dataclass(frozen=True, slots=True)
class _PlainWords:
    words: frozenset[str]


class PlainSentences:
    """A language of fixed sentences, each an intent of its own.

    Args:
        texts: normalised.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)
        self._graphs: dict[Speller, Graph] = {}

    @property
    def vocabulary(self) -> KnownWords:
        """The words of all."""
        return _PlainWords(frozenset(word for text in self._texts for word in text.split()))

    def graph(self, intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS) -> Graph:
        """Return the graph of all."""
        if speller not in self._graphs:
            builder = GraphBuilder((), speller)
            for text in self._texts:
                builder.end(_nodes(builder.text(text, builder.entry)))
            self._graphs[speller] = builder.build()
        return self._graphs[speller]

    def texts(
        self, labels: Sequence[str], intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS
    ) -> Iterable[str]:
        """Return the sentences that are said so."""
        return (text for text in self._texts if matches(text.split(), labels, speller))

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
