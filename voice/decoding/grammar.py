"""Constrained CTC: which sentence of the grammar was spoken, or none.

Frame-synchronous Viterbi over the graph with CTC's topology (Graves 2006, section 4.1: a label may repeat, blanks may
stand between labels and must between equal ones), vectorised over nodes. The loss against the free best path, per
frame and per word, is the rejection score: speech outside the grammar fits only badly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.ctc import words_of
from voice.decoding.graph import START, Graph
from voice.events import Intent, Slot, Token
from voice.stages import LogProbs
from voice.text import Alphabet

Scores = npt.NDArray[np.float32]
_NEVER = np.float32(-1e30)


class GrammarSettings(BaseModel):
    """When a sentence counts as spoken. Losses are in nats against the free best path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept_per_frame: float | None = Field(
        None, gt=0, description="largest loss per frame of the sentence; none takes the recogniser bundle's"
    )
    accept_per_character: float = Field(2.5, gt=0, description="largest loss per character of any one word")
    accept_label: float = Field(-3.0, lt=0, description="smallest mean log-probability of the sentence's labels")
    filler_per_frame: float = Field(1.0, gt=0, description="loss of a frame that belongs to no sentence")
    lead_ms: int = Field(1200, ge=0, description="longest filler before the sentence, ms")
    trail_ms: int = Field(600, ge=0, description="longest filler after the sentence, ms")


@dataclass(frozen=True, slots=True)
class GrammarMatch:
    """The best sentence and how badly it fits."""

    intent: Intent
    tokens: tuple[Token, ...]
    loss: float
    """Nats lost per frame of the sentence, two frames to each label frame: pauses between words do not dilute it."""
    worst_word: float
    """Nats lost per character of the worst word."""
    label: float
    """Mean log-probability of the labels: where nothing is likely, nothing was said."""


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Viterbi scores of every frame: ending in each node's label, and in a blank after it; (frames, nodes)."""

    label: Scores
    blank: Scores
    trail: npt.NDArray[np.float32]
    """(frames,) best score of a finished sentence followed by filler."""
    left: npt.NDArray[np.int32]
    """(frames,) frame at which that sentence had finished."""


class GrammarDecoder:
    """Decodes one grammar.

    Args:
        graph: the compiled sentences.
        alphabet: the acoustic model's labels.
        stride: seconds between two frames.
        settings: thresholds; `accept_per_frame` must be set.
    """

    def __init__(self, graph: Graph, alphabet: Alphabet, stride: float, settings: GrammarSettings) -> None:
        self.graph = graph
        self.settings = settings
        self._blank = alphabet.blank
        self._stride = stride
        index = {label: i for i, label in enumerate(alphabet.labels)}
        self._labels = np.asarray([index.get(c, alphabet.blank) for c in graph.characters], np.int32)
        target = np.repeat(np.arange(len(graph)), np.diff(np.append(graph.first_arc, len(graph.source))))
        self._needs_blank = self._labels[graph.source] == self._labels[target]
        self._needs_blank &= graph.source != START

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of the best sentence, or None where the speech is rejected."""
        match = self.match(log_probs, intent_filter)
        return match.intent if match and self.accepts(match) else None

    def accepts(self, match: GrammarMatch) -> bool:
        """Return whether a match fits well enough to act on."""
        limit = self.settings.accept_per_frame
        fits = (limit is None or match.loss <= limit) and match.worst_word <= self.settings.accept_per_character
        return fits and match.label >= self.settings.accept_label

    def match(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> GrammarMatch | None:
        """Return the best sentence, however badly it fits; None where no sentence is short enough for the audio.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intents that count; None: all.
        """
        allowed = self._allowed(intent_filter)
        if len(log_probs) == 0 or not allowed.any():
            return None
        free = log_probs.max(axis=1)
        lattice = self._viterbi(log_probs, free, allowed)
        finals = self.graph.finals[allowed[self.graph.finals]]
        ends = np.maximum(lattice.label[-1, finals], lattice.blank[-1, finals])
        last = len(log_probs) - 1
        if len(finals) == 0 or max(float(ends.max()), float(lattice.trail[-1])) <= _NEVER / 2:
            return None
        if lattice.trail[-1] > ends.max():
            last = int(lattice.left[-1])
            ends = np.maximum(lattice.label[last, finals], lattice.blank[last, finals])
        path = self._trace(lattice, log_probs, last, int(finals[int(ends.argmax())]))
        return self._read(path, log_probs, free)

    def _allowed(self, intent_filter: Sequence[str] | None) -> npt.NDArray[np.bool_]:
        """Which nodes may be used; the start and the wake word always may."""
        if intent_filter is None:
            return np.ones(len(self.graph), bool)
        templates = np.asarray([template.intent in intent_filter for template in self.graph.templates] + [True])
        allowed: npt.NDArray[np.bool_] = templates[self.graph.template]  # -1 takes the last: True
        return allowed if templates[:-1].any() else np.zeros(len(self.graph), bool)

    def _viterbi(self, log_probs: LogProbs, free: Scores, allowed: npt.NDArray[np.bool_]) -> _Lattice:
        n_frames, n_nodes = len(log_probs), len(self.graph)
        label = np.full((n_frames, n_nodes), _NEVER, np.float32)
        blank = np.full((n_frames, n_nodes), _NEVER, np.float32)
        trail = np.full(n_frames, _NEVER, np.float32)
        left = np.zeros(n_frames, np.int32)
        barred = np.where(allowed, np.float32(0), _NEVER)
        finals = self.graph.finals[allowed[self.graph.finals]]
        lead = self._frames(self.settings.lead_ms)
        patience = self._frames(self.settings.trail_ms)
        before_label = np.full(n_nodes, _NEVER, np.float32)
        before_blank = np.full(n_nodes, _NEVER, np.float32)
        before_blank[START] = 0
        filler = free - np.float32(self.settings.filler_per_frame)
        for t in range(n_frames):
            after_blank = before_blank[self.graph.source]
            after_label = np.where(self._needs_blank, _NEVER, before_label[self.graph.source])
            entered = np.maximum.reduceat(np.maximum(after_blank, after_label), self.graph.first_arc)
            label[t] = np.maximum(before_label, entered) + log_probs[t, self._labels] + barred
            label[t, START] = _NEVER
            blank[t] = np.maximum(before_blank, before_label) + log_probs[t, self._blank]
            if t < lead:
                blank[t, START] = max(blank[t, START], before_blank[START] + filler[t])
            if t and len(finals):
                done = np.maximum(before_label[finals], before_blank[finals]).max()
                stay = trail[t - 1] if t - left[t - 1] <= patience else _NEVER
                trail[t] = max(done, stay) + filler[t]
                left[t] = t - 1 if done >= stay else left[t - 1]
            before_label, before_blank = label[t], blank[t]
        return _Lattice(label, blank, trail, left)

    def _trace(self, lattice: _Lattice, log_probs: LogProbs, last: int, node: int) -> list[tuple[int, int, bool]]:
        """Return (frame, node, is_label) from the first frame to `last`, found by asking where each score came from."""
        path = []
        is_label = bool(lattice.label[last, node] >= lattice.blank[last, node])
        for t in range(last, -1, -1):
            path.append((t, node, is_label))
            if t == 0:
                break
            label, blank = lattice.label[t - 1], lattice.blank[t - 1]
            if not is_label:
                is_label = node != START and bool(label[node] > blank[node])
                continue
            arcs = self.graph.arcs_into(node)
            blocked = (self._labels[arcs] == self._labels[node]) & (arcs != START)
            ways = np.concatenate([[label[node]], blank[arcs], np.where(blocked, _NEVER, label[arcs])])
            way = int(ways.argmax())
            if way > 0:
                node = int(arcs[(way - 1) % len(arcs)])
                is_label = way > len(arcs)
        return path[::-1]

    def _read(self, path: list[tuple[int, int, bool]], log_probs: LogProbs, free: Scores) -> GrammarMatch | None:
        """Return the sentence of a path: text, slots, times and losses."""
        graph = self.graph
        lead = self._frames(self.settings.lead_ms)
        losses = {
            t: float(free[t] - log_probs[t, self._labels[node] if is_label else self._blank])
            for t, node, is_label in path
            if graph.template[node] >= 0 or t >= lead
        }
        entered = [
            (t, node)
            for i, (t, node, is_label) in enumerate(path)
            if is_label and graph.template[node] >= 0 and (i == 0 or path[i - 1][1] != node)
        ]
        if not entered:
            return None
        frames = [t for t, _ in entered]
        nodes = [node for _, node in entered]
        text = "".join(graph.characters[node] for node in nodes)
        template = graph.templates[int(graph.template[nodes[0]])]
        span = range(frames[0], path[-1][0] + 1)
        spoken = [t for t, _, is_label in path if is_label and t in span]
        loss = sum(losses.values()) / max(1, len(spoken) * 2)
        worst = max(self._word_losses(text, frames, losses, path[-1][0]))
        scores = [float(log_probs[t, self._labels[node]]) for t, node in entered]
        tokens = words_of([graph.characters[node] for node in nodes], frames, scores, self._stride)
        confidence = float(np.exp(-loss))
        slots = (*self._slots(nodes, text, scores), *_fixed(template.fixed))
        intent = Intent(template.intent, slots, text, confidence, "grammar")
        return GrammarMatch(intent, tokens, loss, worst, float(np.mean(scores)))

    def _frames(self, ms: int) -> int:
        return int(ms / 1000 / self._stride)

    @staticmethod
    def _word_losses(text: str, frames: list[int], losses: dict[int, float], last: int) -> list[float]:
        """Nats lost per character of each word."""
        result, start = [], 0
        for word in text.split(" "):
            end = start + len(word)
            until = frames[end] if end < len(frames) else last + 1
            lost = sum(losses.get(t, 0.0) for t in range(frames[start], until))
            result.append(lost / max(1, len(word)))
            start = end + 1
        return result

    def _slots(self, nodes: list[int], text: str, scores: list[float]) -> list[Slot]:
        uses = [int(self.graph.use[node]) for node in nodes]
        slots, start = [], 0
        for i in range(1, len(uses) + 1):
            if i < len(uses) and uses[i] == uses[start]:
                continue
            if uses[start] >= 0:
                use = self.graph.uses[uses[start]]
                raw = text[start:i]
                confidence = float(np.exp(np.mean(scores[start:i])))
                slots.append(Slot(use.slot, use.values[raw], raw, use.entity, start, i, confidence))
            start = i
        return slots


def _fixed(values: Any) -> list[Slot]:
    return [Slot(name, value, str(value)) for name, value in values.items()]
