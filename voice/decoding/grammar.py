"""Constrained CTC: which sentence of the grammar was spoken, or none.

`voice.decoding.search` finds the best path through the graph; here it becomes an intent. What the whole segment loses
against the free best path, for each label (character or phone) that the sentence explains, is the rejection score:
speech outside the grammar fits badly, or leaves much unexplained around a short sentence.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.graph import Graph, Language, PlainSentences
from voice.decoding.said import Said, SpokenWords, said_of
from voice.decoding.search import Limits, Search, Step
from voice.decoding.speller import LETTERS, Speller, matches
from voice.events import Intent, Token
from voice.stages import LogProbs, Progress
from voice.text import Alphabet

_EVIDENCE = 2  # labels whose explanation is not counted
_TEXTS = 8  # of one path that are tried: words that sound alike
_SEARCHES = 16  # kept for different intent filters


class GrammarSettings(BaseModel):
    """When a sentence counts as spoken. Losses are in nats against the free best path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept_per_character: float | None = Field(
        None, gt=0, description="largest loss per label of the sentence; none takes the recogniser bundle's"
    )
    accept_word: float = Field(6.0, gt=0, description="largest loss per label of any one word")
    accept_label: float = Field(-3.0, lt=0, description="smallest mean log-probability of the sentence's labels")
    filler_per_frame: float = Field(1.0, gt=0, description="loss of a frame that belongs to no sentence")
    rest_ms: int = Field(400, ge=0, description="beginning of the speech that may be the rest of a wake word, ms")
    lead_ms: int = Field(1200, ge=0, description="longest filler before the sentence, ms")
    trail_ms: int = Field(600, ge=0, description="longest filler after the sentence, ms")
    character_nats: float = Field(0.3, ge=0, description="what each label found is worth, nats: CTC leaves some out")
    opposite_nats: float = Field(
        3.0, ge=0, description="how much less a sentence may fit that begins with un-, dis-, de-"
    )
    unsure_nats: float = Field(8.0, ge=0, description="two opposite sentences that differ by less are asked back")
    beam: float = Field(14.0, gt=0, description="paths this much worse than the best are dropped, nats")


@dataclass(frozen=True, slots=True)
class GrammarMatch:
    """The best sentence and how badly it fits."""

    intent: Intent
    tokens: tuple[Token, ...]
    loss: float
    """Nats lost over the whole segment per label, with what the search gave each; two don't count.

    So a short sentence needs better evidence.
    """
    worst_word: float
    """Nats lost per label of the worst word."""
    label: float
    """Mean log-probability of the labels: where nothing is likely, nothing was said."""


class GrammarDecoder:
    """Decodes one grammar.

    Args:
        grammar: the sentences.
        alphabet: the acoustic model's labels.
        stride: seconds between two frames.
        settings: thresholds; `accept_per_character` must be set.
        speller: which of the alphabet's labels a word is.
    """

    def __init__(
        self,
        grammar: Language,
        alphabet: Alphabet,
        stride: float,
        settings: GrammarSettings,
        speller: Speller = LETTERS,
    ) -> None:
        self.settings = settings
        self._alphabet = alphabet
        self._speller = speller
        self._stride = stride
        self._limits = Limits(
            settings.filler_per_frame,
            self._frames(settings.lead_ms),
            self._frames(settings.trail_ms),
            settings.beam,
            settings.character_nats,
        )
        self.replace(grammar)

    @property
    def graph(self) -> Graph:
        """The graph of all sentences."""
        return self._ready.grammar.graph(None, self._speller)

    def over(self, grammar: Language) -> "GrammarDecoder":
        """Return a decoder of another grammar with the same alphabet and thresholds."""
        return GrammarDecoder(grammar, self._alphabet, self._stride, self.settings, self._speller)

    def replace(self, grammar: Language, filters: Sequence[Sequence[str] | None] = (None,)) -> None:
        """Take another grammar from the next utterance on; from any thread.

        Args:
            grammar: the sentences.
            filters: the intent filters to get ready for before.
        """
        self._speller.prepare(grammar.vocabulary.words)
        ready = _Ready(grammar, self._alphabet, self._speller)
        for intent_filter in filters:
            ready.search(intent_filter)
        self._ready = ready

    def decode(
        self,
        log_probs: LogProbs,
        intent_filter: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Intent | None:
        """Return the intent of the best sentence, or None where the speech is rejected."""
        match = self.match(log_probs, intent_filter, context)
        return match.intent if match and self.accepts(match) else None

    def accepts(self, match: GrammarMatch) -> bool:
        """Return whether a match fits well enough to act on."""
        limit = self.settings.accept_per_character
        fits = (limit is None or match.loss <= limit) and match.worst_word <= self.settings.accept_word
        sure = match.intent.confidence >= self._ready.grammar.minimum(match.intent.name)
        return fits and sure and match.label >= self.settings.accept_label

    def match(
        self,
        log_probs: LogProbs,
        intent_filter: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> GrammarMatch | None:
        """Return the best sentence, however badly it fits; None where no sentence is short enough for the audio.

        Of two opposites that fit nearly as well, such as on and off, the better one is `dangerous`: it is asked back.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intents that count; None: all.
            context: facts that templates may require, such as the speaker's area.
        """
        ready = self._ready
        if len(log_probs) == 0:
            return None
        graph, search = ready.search(intent_filter)
        path = search.best_path(log_probs, self._limits) if len(graph.finals) else []
        if not path:
            return None
        said = self._said(path, graph, search, log_probs)
        found = self._best_text(said, intent_filter, context)
        if found is None:
            return None
        spoken, intent = found
        is_unsure = False
        for text, is_longer in ready.grammar.opposed(spoken.text, intent_filter, context):
            rival = self._said_as(text, log_probs)
            if rival is None:
                continue
            lead = spoken.said.score - rival.said.score - (self.settings.opposite_nats if is_longer else 0.0)
            is_unsure = is_unsure or abs(lead) < self.settings.unsure_nats
            if lead < 0:
                meant = ready.grammar.read(text, intent_filter, context)
                if meant is None:
                    return None
                spoken, intent = rival, meant
        return self._matched(replace(intent, dangerous=intent.dangerous or is_unsure), spoken)

    def _best_text(
        self, said: Said, intent_filter: Sequence[str] | None, context: Mapping[str, Any] | None
    ) -> tuple[SpokenWords, Intent] | None:
        """Return the first text with these labels that means something, and what it means."""
        grammar = self._ready.grammar
        for text in islice(grammar.texts(said.labels, intent_filter, self._speller), _TEXTS):
            if intent := grammar.read(text, intent_filter, context):
                spoken = self._as_words(said, text)
                return (spoken, intent) if spoken else None
        return None

    def _as_words(self, said: Said, text: str) -> SpokenWords | None:
        lengths = matches(text.split(), said.labels, self._speller)
        return said.words(text, lengths, len(self._speller.separator)) if lengths else None

    def progress(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Progress:
        """Return whether what was said so far is a sentence, one that may go on, the beginning of one, or neither.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intents that count; None: all.
        """
        graph, search = self._ready.search(intent_filter)
        if len(log_probs) == 0 or not len(graph.finals):
            return "other"
        path, is_whole = search.best_ending(log_probs, self._limits)
        if is_whole:
            if not self.decode(log_probs, intent_filter):
                return "other"
            return "open" if path[-1].node in graph.open_ends else "complete"
        said = self._said(path, graph, search, log_probs) if path else None
        if said is None or len(said.labels) <= _EVIDENCE:
            return "other"
        limit = self.settings.accept_per_character
        return "unfinished" if limit is None or self._loss(said) <= limit else "other"

    def _loss(self, said: Said) -> float:
        """Return the nats lost per label, with what the search gave away."""
        return float(said.losses.sum()) / max(1, len(said.labels) - _EVIDENCE) + self.settings.character_nats

    def _said_as(self, text: str, log_probs: LogProbs) -> SpokenWords | None:
        """Return how one sentence fits; None where it is too long for the audio."""
        graph = PlainSentences([text]).graph(None, self._speller)
        search = Search(graph, self._alphabet)
        path = search.best_path(log_probs, self._limits)
        return self._as_words(self._said(path, graph, search, log_probs), text) if path else None

    def _said(self, path: list[Step], graph: Graph, search: Search, log_probs: LogProbs) -> Said:
        return said_of(path, graph, search, self._limits, self._frames(self.settings.rest_ms), log_probs)

    def _matched(self, intent: Intent, spoken: SpokenWords) -> GrammarMatch:
        """Return a match: the intent with what speech says about it."""
        loss = self._loss(spoken.said)
        slots = tuple(
            replace(slot, confidence=spoken.confidence(slot.start, slot.end)) if slot.end > slot.start else slot
            for slot in intent.slots
        )
        intent = replace(
            intent, slots=slots, confidence=float(np.exp(self.settings.character_nats - loss)), source="grammar"
        )
        label = float(np.mean(spoken.said.scores))
        return GrammarMatch(intent, spoken.tokens(self._stride), loss, max(spoken.losses()), label)

    def _frames(self, ms: int) -> int:
        return int(ms / 1000 / self._stride)


class _Ready:
    """A grammar, and the searches through its graphs that were needed last."""

    def __init__(self, grammar: Language, alphabet: Alphabet, speller: Speller) -> None:
        self.grammar = grammar
        self._alphabet = alphabet
        self._speller = speller
        self._searches: OrderedDict[frozenset[str] | None, tuple[Graph, Search]] = OrderedDict()

    def search(self, intent_filter: Sequence[str] | None) -> tuple[Graph, Search]:
        """Return the graph for a filter and a search through it."""
        key = None if intent_filter is None else frozenset(intent_filter)
        if key not in self._searches:
            graph = self.grammar.graph(intent_filter, self._speller)
            self._searches[key] = (graph, Search(graph, self._alphabet))
            if len(self._searches) > _SEARCHES:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        return self._searches[key]
