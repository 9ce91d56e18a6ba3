"""Constrained CTC: which sentence of the grammar was spoken, or none.

`voice.decoding.search` finds the best path through the graph; here it becomes an intent. What the whole segment loses
against the free best path, for each character that the sentence explains, is the rejection score: speech outside the
grammar fits badly, or leaves much unexplained around a short sentence.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.ctc import words_of
from voice.decoding.graph import START, Graph, Language
from voice.decoding.search import Limits, Search, Step
from voice.events import Intent, Token
from voice.stages import LogProbs
from voice.text import Alphabet

_EVIDENCE = 2  # characters whose explanation is not counted
_SEARCHES = 16  # kept for different intent filters


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
        grammar: the sentences.
        alphabet: the acoustic model's labels.
        stride: seconds between two frames.
        settings: thresholds; `accept_per_character` must be set.
    """

    def __init__(self, grammar: Language, alphabet: Alphabet, stride: float, settings: GrammarSettings) -> None:
        self.settings = settings
        self._alphabet = alphabet
        self._stride = stride
        self._limits = Limits(
            settings.filler_per_frame, self._frames(settings.lead_ms), self._frames(settings.trail_ms), settings.beam
        )
        self.replace(grammar)

    @property
    def graph(self) -> Graph:
        """The graph of all sentences."""
        return self._ready.grammar.graph()

    def over(self, grammar: Language) -> "GrammarDecoder":
        """Return a decoder of another grammar with the same alphabet and thresholds."""
        return GrammarDecoder(grammar, self._alphabet, self._stride, self.settings)

    def replace(self, grammar: Language, filters: Sequence[Sequence[str] | None] = (None,)) -> None:
        """Take another grammar from the next utterance on; from any thread.

        Args:
            grammar: the sentences.
            filters: the intent filters to get ready for before.
        """
        ready = _Ready(grammar, self._alphabet)
        for intent_filter in filters:
            ready.search(intent_filter)
        self._ready = ready

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of the best sentence, or None where the speech is rejected."""
        match = self.match(log_probs, intent_filter)
        return match.intent if match and self.accepts(match) else None

    def accepts(self, match: GrammarMatch) -> bool:
        """Return whether a match fits well enough to act on."""
        limit = self.settings.accept_per_character
        fits = (limit is None or match.loss <= limit) and match.worst_word <= self.settings.accept_word
        sure = match.intent.confidence >= self._ready.grammar.minimum(match.intent.name)
        return fits and sure and match.label >= self.settings.accept_label

    def match(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> GrammarMatch | None:
        """Return the best sentence, however badly it fits; None where no sentence is short enough for the audio.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intents that count; None: all.
        """
        ready = self._ready
        if len(log_probs) == 0:
            return None
        graph, search = ready.search(intent_filter)
        path = search.best_path(log_probs, self._limits) if len(graph.finals) else []
        if not path:
            return None
        said = _said(path, graph, search, self._frames(self.settings.rest_ms), log_probs)
        intent = ready.grammar.read(said.text, intent_filter) if said.text else None
        return self._matched(intent, said) if intent else None

    def _matched(self, intent: Intent, said: "_Said") -> GrammarMatch:
        """Return a match: the intent with what speech says about it."""
        loss = float(said.losses.sum()) / max(1, len(said.text) - _EVIDENCE)
        slots = tuple(
            replace(slot, confidence=float(np.exp(np.mean(said.scores[slot.start : slot.end]))))
            if slot.end > slot.start
            else slot
            for slot in intent.slots
        )
        intent = replace(intent, slots=slots, confidence=float(np.exp(-loss)), source="grammar")
        tokens = words_of(list(said.text), said.frames, said.scores, self._stride)
        return GrammarMatch(intent, tokens, loss, max(said.word_losses()), float(np.mean(said.scores)))

    def _frames(self, ms: int) -> int:
        return int(ms / 1000 / self._stride)


class _Ready:
    """A grammar, and the searches through its graphs that were needed last."""

    def __init__(self, grammar: Language, alphabet: Alphabet) -> None:
        self.grammar = grammar
        self._alphabet = alphabet
        self._searches: OrderedDict[frozenset[str] | None, tuple[Graph, Search]] = OrderedDict()

    def search(self, intent_filter: Sequence[str] | None) -> tuple[Graph, Search]:
        """Return the graph for a filter and a search through it."""
        key = None if intent_filter is None else frozenset(intent_filter)
        if key not in self._searches:
            graph = self.grammar.graph(intent_filter)
            self._searches[key] = (graph, Search(graph, self._alphabet))
            if len(self._searches) > _SEARCHES:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        return self._searches[key]


@dataclass(frozen=True, slots=True)
class _Said:
    """The sentence of a path: its characters, and how each fits."""

    text: str
    frames: list[int]
    """(characters,) Where each begins."""
    scores: list[float]
    """(characters,) Log-probability of each label."""
    losses: npt.NDArray[np.float32]
    """(frames,) What each frame loses against its best label."""
    last: int
    """Last frame of the path."""

    def word_losses(self) -> list[float]:
        """Return the nats lost per character of each word."""
        result, start = [], 0
        for word in self.text.split(" "):
            end = start + len(word)
            until = self.frames[end] if end < len(self.frames) else self.last + 1
            result.append(float(self.losses[self.frames[start] : until].sum()) / max(1, len(word)))
            start = end + 1
        return result


def _said(path: list[Step], graph: Graph, search: Search, rest: int, log_probs: LogProbs) -> _Said:
    """Return the sentence of a path.

    A blank is due outside of the path. The wake word loses nothing, nor what is left of one in the first `rest` frames.
    """
    due = np.full(len(log_probs), search.blank)
    counts = np.ones(len(log_probs), np.float32)
    entered: list[tuple[int, int]] = []
    before = -1
    for step in path:
        if step.is_label:
            due[step.frame] = search.labels[step.node]
            if graph.is_sentence[step.node] and step.node != before:
                entered.append((step.frame, step.node))
        before = step.node
        unspoken = step.node == START and step.frame >= rest
        counts[step.frame] = unspoken or graph.is_sentence[step.node]
    lost: npt.NDArray[np.float32] = log_probs.max(axis=1) - log_probs[np.arange(len(log_probs)), due]
    scores = [float(log_probs[t, search.labels[node]]) for t, node in entered]
    text = "".join(str(graph.characters[node]) for _, node in entered)
    return _Said(text, [t for t, _ in entered], scores, lost * counts, path[-1].frame)
