"""Constrained CTC: which sentence of the grammar was spoken, or none.

`voice.decoding.search` finds the best path through the graph; here it becomes an intent. What the whole segment loses
against the free best path, for each character that the sentence explains, is the rejection score: speech outside the
grammar fits badly, or leaves much unexplained around a short sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.ctc import words_of
from voice.decoding.graph import START, Graph
from voice.decoding.search import Limits, Search, Step
from voice.events import Intent, Slot, Token
from voice.stages import LogProbs
from voice.text import Alphabet

_EVIDENCE = 2  # characters whose explanation is not counted


class GrammarSettings(BaseModel):
    """When a sentence counts as spoken. Losses are in nats against the free best path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept_per_character: float | None = Field(
        None, gt=0, description="largest loss per character of the sentence; none takes the recogniser bundle's"
    )
    accept_word: float = Field(4.0, gt=0, description="largest loss per character of any one word")
    accept_label: float = Field(-3.0, lt=0, description="smallest mean log-probability of the sentence's labels")
    filler_per_frame: float = Field(1.0, gt=0, description="loss of a frame that belongs to no sentence")
    rest_ms: int = Field(400, ge=0, description="beginning of the speech that may be the rest of a wake word, ms")
    lead_ms: int = Field(1200, ge=0, description="longest filler before the sentence, ms")
    trail_ms: int = Field(600, ge=0, description="longest filler after the sentence, ms")
    beam: float = Field(14.0, gt=0, description="paths this much worse than the best are dropped, nats")


@dataclass(frozen=True, slots=True)
class GrammarMatch:
    """The best sentence and how badly it fits."""

    intent: Intent
    tokens: tuple[Token, ...]
    loss: float
    """Nats lost over the whole segment per character; two don't count, so a short sentence needs better evidence."""
    worst_word: float
    """Nats lost per character of the worst word."""
    label: float
    """Mean log-probability of the labels: where nothing is likely, nothing was said."""


class GrammarDecoder:
    """Decodes one grammar.

    Args:
        graph: the compiled sentences.
        alphabet: the acoustic model's labels.
        stride: seconds between two frames.
        settings: thresholds; `accept_per_character` must be set.
    """

    def __init__(self, graph: Graph, alphabet: Alphabet, stride: float, settings: GrammarSettings) -> None:
        self.graph = graph
        self.settings = settings
        self._stride = stride
        self._search = Search(graph, alphabet)
        self._limits = Limits(
            settings.filler_per_frame, self._frames(settings.lead_ms), self._frames(settings.trail_ms), settings.beam
        )

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of the best sentence, or None where the speech is rejected."""
        match = self.match(log_probs, intent_filter)
        return match.intent if match and self.accepts(match) else None

    def accepts(self, match: GrammarMatch) -> bool:
        """Return whether a match fits well enough to act on."""
        limit = self.settings.accept_per_character
        fits = (limit is None or match.loss <= limit) and match.worst_word <= self.settings.accept_word
        return fits and match.label >= self.settings.accept_label

    def match(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> GrammarMatch | None:
        """Return the best sentence, however badly it fits; None where no sentence is short enough for the audio.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intents that count; None: all.
        """
        allowed = self._allowed(intent_filter)
        if len(log_probs) == 0 or (allowed is not None and not allowed.any()):
            return None
        path = self._search.best_path(log_probs, allowed, self._limits)
        return self._read(path, log_probs) if path else None

    def _allowed(self, intent_filter: Sequence[str] | None) -> npt.NDArray[np.bool_] | None:
        """Which nodes may be used; the start and the wake word always may."""
        if intent_filter is None:
            return None
        templates = np.asarray([template.intent in intent_filter for template in self.graph.templates] + [True])
        allowed: npt.NDArray[np.bool_] = templates[self.graph.template]  # -1 takes the last: True
        return allowed if templates[:-1].any() else np.zeros(len(self.graph), bool)

    def _read(self, path: list[Step], log_probs: LogProbs) -> GrammarMatch | None:
        """Return the sentence of a path: text, slots, times and losses."""
        graph, labels = self.graph, self._search.labels
        losses = self._losses(path, log_probs)
        entered = [
            (step.frame, step.node)
            for before, step in zip([None, *path], path, strict=False)
            if step.is_label and graph.template[step.node] >= 0 and (before is None or before.node != step.node)
        ]
        if not entered:
            return None
        frames = [t for t, _ in entered]
        nodes = [node for _, node in entered]
        text = "".join(graph.characters[node] for node in nodes)
        template = graph.templates[int(graph.template[nodes[0]])]
        loss = float(losses.sum()) / max(1, len(text) - _EVIDENCE)
        worst = max(self._word_losses(text, frames, losses, path[-1].frame))
        scores = [float(log_probs[t, labels[node]]) for t, node in entered]
        tokens = words_of([graph.characters[node] for node in nodes], frames, scores, self._stride)
        confidence = float(np.exp(-loss))
        slots = (*self._slots(nodes, text, scores), *_fixed(template.fixed))
        intent = Intent(template.intent, slots, text, confidence, "grammar")
        return GrammarMatch(intent, tokens, loss, worst, float(np.mean(scores)))

    def _losses(self, path: list[Step], log_probs: LogProbs) -> npt.NDArray[np.float32]:
        """Return what each frame loses against its best label, shape (frames,).

        A blank is due outside of the path. The wake word loses nothing, nor what is left of one at the very beginning.
        """
        rest = self._frames(self.settings.rest_ms)
        due = np.full(len(log_probs), self._search.blank)
        counts = np.ones(len(log_probs), np.float32)
        for step in path:
            if step.is_label:
                due[step.frame] = self._search.labels[step.node]
            unspoken = step.node == START and step.frame >= rest
            counts[step.frame] = unspoken or self.graph.template[step.node] >= 0
        lost: npt.NDArray[np.float32] = log_probs.max(axis=1) - log_probs[np.arange(len(log_probs)), due]
        return lost * counts

    def _frames(self, ms: int) -> int:
        return int(ms / 1000 / self._stride)

    @staticmethod
    def _word_losses(text: str, frames: list[int], losses: npt.NDArray[np.float32], last: int) -> list[float]:
        """Nats lost per character of each word."""
        result, start = [], 0
        for word in text.split(" "):
            end = start + len(word)
            until = frames[end] if end < len(frames) else last + 1
            result.append(float(losses[frames[start] : until].sum()) / max(1, len(word)))
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
