"""The Viterbi search of constrained CTC: token passing over a decoding graph, on the nodes worth keeping.

CTC's topology (Graves 2006, section 4.1): a label may repeat, blanks may stand between labels and must between equal
ones. Frame-synchronous and vectorised over the active nodes, with beam pruning (Young et al. 1989, "Token passing").
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.graph import START, Graph
from voice.decoding.ranges import ranges
from voice.stages import LogProbs
from voice.text import Alphabet

Scores = npt.NDArray[np.float32]
Nodes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NEVER = np.float32(-1e30)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the search may spend."""

    filler: float
    """Loss of a frame that belongs to no sentence, nats against the free best label."""
    lead: int
    """Longest filler before the sentence, frames."""
    trail: int
    """Longest filler after it, frames."""
    beam: float
    """Paths this much worse than the best are dropped, nats."""
    bonus: float = 0.0
    """What each label of a path is worth, nats: a CTC model tends to leave some out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of a path."""

    frame: int
    node: int
    is_label: bool
    """Whether the frame is the node's label, or a blank after it."""


@dataclass(frozen=True, slots=True)
class _Column:
    """The active nodes of a frame, in ascending order, and where their scores come from. All of shape (active,)."""

    nodes: Nodes
    label: Scores
    """Best path that ends in the node's label."""
    blank: Scores
    """Best path that ends in a blank after it."""
    came: Nodes
    """The node of the frame before, for `label`."""
    came_label: Flags
    """Whether `label` came from that node's label, or from the blank after it."""
    stayed_label: Flags
    """Whether `blank` came from the node's label, or from the blank after it."""

    def at(self, node: int) -> int:
        """Return the position of an active node."""
        return int(np.searchsorted(self.nodes, node))


@dataclass(frozen=True, slots=True)
class _Scratch:
    """Room for one frame's arithmetic over all nodes, used again and again within one utterance. All of shape (n,)."""

    entered: Scores
    """`NEVER` between two frames."""
    by: Nodes
    place: Nodes
    mark: Flags
    """False between two frames."""

    @staticmethod
    def of(n: int) -> "_Scratch":
        return _Scratch(np.full(n, NEVER, np.float32), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, bool))


class Search:
    """Finds the best path through a graph.

    Args:
        graph: the compiled sentences.
        alphabet: the acoustic model's labels.
    """

    def __init__(self, graph: Graph, alphabet: Alphabet) -> None:
        index = {label: i for i, label in enumerate(alphabet.labels)}
        names, place = np.unique(graph.labels, return_inverse=True)
        self.labels = np.asarray([index.get(str(name), alphabet.blank) for name in names], np.int64)[place]
        spoken = self.labels != alphabet.blank  # what the model has no label for can't be heard
        self.blank = alphabet.blank
        target = np.repeat(np.arange(len(graph)), np.diff(np.append(graph.first_arc, len(graph.source))))
        onward = (target != START) & spoken[target]
        source, target = graph.source[onward], target[onward]
        order = np.argsort(source, kind="stable")
        self._target = target[order]
        self._count = np.bincount(source, minlength=len(graph))
        self._first = np.cumsum(self._count) - self._count
        self._needs_blank = (self.labels[source] == self.labels[target])[order] & (source[order] != START)
        self._is_final = np.zeros(len(graph), bool)
        self._is_final[graph.finals] = True

    def best_path(self, log_probs: LogProbs, limits: Limits) -> list[Step]:
        """Return the best whole sentence's path, without its trailing filler; empty where none ends in time.

        Args:
            log_probs: shape (frames, labels), at least one frame.
            limits: filler and beam.
        """
        columns, trail, left = self._columns(log_probs, limits)
        ended = self._ended(columns[-1])
        if max(ended, trail) <= NEVER / 2:
            return []
        last = len(columns) - 1 if ended >= trail else left
        return self._trace(columns, last, self._is_final[columns[last].nodes])

    def best_ending(self, log_probs: LogProbs, limits: Limits) -> tuple[list[Step], bool]:
        """Return the best path of a sentence or of the beginning of one, and whether it is a whole sentence's.

        Args:
            log_probs: shape (frames, labels), at least one frame.
            limits: filler and beam.
        """
        columns, trail, left = self._columns(log_probs, limits)
        column = columns[-1]
        ended = max(self._ended(column), trail)
        begun = (column.nodes != START) & ~self._is_final[column.nodes]
        best = np.maximum(column.label, column.blank)[begun].max(initial=NEVER)
        if max(ended, best) <= NEVER / 2:
            return [], False
        if best > ended:
            return self._trace(columns, len(columns) - 1, begun), False
        last = len(columns) - 1 if self._ended(column) >= trail else left
        return self._trace(columns, last, self._is_final[columns[last].nodes]), True

    def _columns(self, log_probs: LogProbs, limits: Limits) -> tuple[list[_Column], np.float32, int]:
        """Return the column of each frame; the best sentence that filler follows, and its last frame."""
        filler = log_probs.max(axis=1) - np.float32(limits.filler)
        column, scratch = _first_column(), _Scratch.of(len(self.labels))
        columns: list[_Column] = []
        trail, left = NEVER, 0
        for t, row in enumerate(log_probs):
            ended = self._ended(column) if limits.trail else NEVER
            patient = trail if t - 1 - left < limits.trail else NEVER
            if t and ended >= patient:
                left = t - 1
            trail = max(ended, patient) + filler[t] if t else NEVER
            lead = filler[t] if t < limits.lead else NEVER
            column = self._advance(column, row, limits, lead, scratch)
            columns.append(column)
        return columns, trail, left

    def _ended(self, column: _Column) -> np.float32:
        """Return the best score of a whole sentence."""
        final = self._is_final[column.nodes]
        return np.float32(np.maximum(column.label, column.blank)[final].max(initial=NEVER))

    def _advance(self, before: _Column, row: Scores, limits: Limits, filler: np.float32, scratch: _Scratch) -> _Column:
        """Return the next frame's column."""
        place, arcs = self._arcs_from(before.nodes)
        from_label = np.where(self._needs_blank[arcs], NEVER, before.label[place])
        score = np.maximum(from_label, before.blank[place]) + np.float32(limits.bonus)
        target = self._target[arcs]
        nodes, old, entered, by = _gathered(before.nodes, target, score, scratch)
        label, blank = np.full((2, len(nodes)), NEVER, np.float32)
        label[old], blank[old] = before.label, before.blank
        repeats = label >= entered
        came, came_label = nodes.copy(), np.ones(len(nodes), bool)
        new = ~repeats
        came[new] = before.nodes[place[by[new]]]
        came_label[new] = from_label[by[new]] + np.float32(limits.bonus) >= score[by[new]]
        stayed_label = label > blank
        blank = np.maximum(blank, label) + row[self.blank]
        label = np.maximum(label, entered) + row[self.labels[nodes]]
        if nodes[0] == START:
            label[0], stayed_label[0] = NEVER, False
            blank[0] = max(blank[0], before.blank[0] + filler)
        best = np.maximum(label, blank)
        keep = best >= best.max() - np.float32(limits.beam)
        return _Column(nodes[keep], label[keep], blank[keep], came[keep], came_label[keep], stayed_label[keep])

    def _arcs_from(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Return the arcs that leave `nodes`: the position in `nodes` and the index of each."""
        counts = self._count[nodes]
        place = np.repeat(np.arange(len(nodes)), counts)
        return place, ranges(self._first[nodes], counts)

    def _trace(self, columns: list[_Column], last: int, may_end: Flags) -> list[Step]:
        """Return the best path that ends in frame `last` at one of its column's nodes that `may_end`."""
        column = columns[last]
        ends = np.where(may_end, np.maximum(column.label, column.blank), NEVER)
        place = int(ends.argmax())
        node, is_label = int(column.nodes[place]), bool(column.label[place] >= column.blank[place])
        path: list[Step] = []
        for t in range(last, -1, -1):
            path.append(Step(t, node, is_label))
            column = columns[t]
            place = column.at(node)
            if is_label:
                node, is_label = int(column.came[place]), bool(column.came_label[place])
            else:
                is_label = bool(column.stayed_label[place])
        return path[::-1]


def _gathered(before: Nodes, target: Nodes, score: Scores, scratch: _Scratch) -> tuple[Nodes, Nodes, Scores, Nodes]:
    """Return the nodes of both frames, where those of `before` stand among them, and each one's best way in.

    The last two are the score of that way, `NEVER` for none, and its index in `target`.
    """
    scratch.mark[before] = scratch.mark[target] = True
    nodes = np.flatnonzero(scratch.mark)
    scratch.mark[nodes] = False
    scratch.place[nodes] = np.arange(len(nodes))
    np.maximum.at(scratch.entered, target, score)
    best = np.flatnonzero(score == scratch.entered[target])
    scratch.by[target[best]] = best
    entered = scratch.entered[nodes]
    scratch.entered[target] = NEVER
    return nodes, scratch.place[before], entered, scratch.by[nodes]


def _first_column() -> _Column:
    """Return the column before the first frame: the start, with nothing said."""
    start, no = np.array([START]), np.array([False])
    return _Column(start, np.array([NEVER]), np.zeros(1, np.float32), start, no, no)
