"""The decoding graph: every character of every sentence is a node; arcs say which may follow which.

It is Glushkov's position automaton (Glushkov 1961, "The abstract theory of automata"): no empty arcs, one node for
each character position, so a path of nodes tells the text, the template and the slots at once. Lists are tries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.errors import GrammarError

START = 0
"""The node before the first character."""

Ends = frozenset[int]
"""Nodes after which a piece of a template may go on."""


@dataclass(frozen=True, slots=True)
class SlotUse:
    """One place in one template where a list stands."""

    slot: str
    entity: str
    values: Mapping[str, Any]
    """Spoken form -> value."""


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence template of an intent."""

    intent: str
    text: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Slots that the template sets without anybody saying them."""


@dataclass(frozen=True)
class Graph:
    """The compiled grammar. Arrays are over nodes (n) or arcs (a); arcs are sorted by destination."""

    characters: tuple[str, ...]
    template: npt.NDArray[np.int32]
    """(n,) index into `templates`; -1 for the start and the wake word."""
    use: npt.NDArray[np.int32]
    """(n,) index into `uses`; -1 outside slots."""
    source: npt.NDArray[np.int32]
    """(a,)"""
    first_arc: npt.NDArray[np.int32]
    """(n,) where each node's arcs begin in `source`; every node but the start has at least one."""
    finals: npt.NDArray[np.int32]
    """Nodes that end a sentence."""
    templates: tuple[Template, ...]
    uses: tuple[SlotUse, ...]

    def __len__(self) -> int:
        return len(self.characters)

    def arcs_into(self, node: int) -> npt.NDArray[np.int32]:
        """Return the nodes from which `node` may be entered."""
        end = self.first_arc[node + 1] if node + 1 < len(self) else len(self.source)
        return self.source[self.first_arc[node] : end]


class GraphBuilder:
    """Builds a `Graph` character by character.

    Args:
        wake_words: phrases whose whole or tail may precede a sentence ("computer", "puter").
    """

    def __init__(self, wake_words: Iterable[str] = ()) -> None:
        self._characters = [""]
        self._template = [-1]
        self._use = [-1]
        self._sources: list[Ends] = [frozenset({START})]
        self._templates: list[Template] = []
        self._uses: list[SlotUse] = []
        self._finals: set[int] = set()
        self._entry: Ends = frozenset({START})
        self._current = -1
        entries = {START}
        for word in wake_words:
            ends: Ends = frozenset({START})
            for character in word + " ":
                ends = frozenset({self._node(character, ends | {START})})
            entries |= ends
        self._entry = frozenset(entries)

    def begin(self, template: Template) -> Ends:
        """Begin a sentence; return the ends to go on from."""
        self._templates.append(template)
        self._current = len(self._templates) - 1
        return self._entry

    def text(self, ends: Ends, text: str, use: int = -1) -> Ends:
        """Append characters; spaces never double and never lead."""
        for character in text:
            if character == " ":
                done = frozenset(end for end in ends if end in self._entry or self._characters[end] == " ")
                ends = done | ({self._node(" ", ends - done, use)} if ends - done else frozenset())
            else:
                ends = frozenset({self._node(character, ends, use)})
        return ends

    def slot(self, ends: Ends, use: SlotUse) -> Ends:
        """Append a list as a trie of its spoken forms."""
        self._uses.append(use)
        index = len(self._uses) - 1
        trie: dict[str, tuple[int, dict[str, Any]]] = {}
        leaves: set[int] = set()
        for spoken in use.values:
            level, last = trie, ends
            for character in spoken:
                if character not in level:
                    level[character] = (self._node(character, last, index), {})
                node, level = level[character]
                last = frozenset({node})
            leaves |= last
        return frozenset(leaves)

    def end(self, ends: Ends) -> None:
        """End the sentence.

        Raises:
            GrammarError: it may be empty.
        """
        finals = set()
        for end in ends:
            before = self._sources[end] if self._characters[end] == " " else {end}
            finals |= set(before)
        if finals & self._entry:
            template = self._templates[self._current]
            raise GrammarError(f"{template.intent}: {template.text!r} matches the empty sentence", fix="add a word")
        self._finals |= finals

    def build(self) -> Graph:
        """Return the graph."""
        counts = [len(sources) for sources in self._sources]
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return Graph(
            tuple(self._characters),
            np.asarray(self._template, np.int32),
            np.asarray(self._use, np.int32),
            np.asarray([source for sources in self._sources for source in sorted(sources)], np.int32),
            first.astype(np.int32),
            np.asarray(sorted(self._finals), np.int32),
            tuple(self._templates),
            tuple(self._uses),
        )

    def _node(self, character: str, sources: Ends, use: int = -1) -> int:
        self._characters.append(character)
        self._template.append(self._current)
        self._use.append(use)
        self._sources.append(sources)
        return len(self._characters) - 1
