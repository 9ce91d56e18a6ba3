"""Prefix beam search over characters: any word can be spelled; a word n-gram model and hot words may weigh in.

Hannun et al. 2014, arXiv:1408.2873, algorithm 1. Spaces at the beginning, at the end, and after spaces say nothing,
so the alignments of all texts with the same words add up.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log1p

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.alignment import align
from voice.decoding.ctc import words_of
from voice.decoding.hotwords import HotWords, State
from voice.decoding.ngram import BEGIN, END, UNKNOWN, NGram
from voice.decoding.trie import ROOT, Trie
from voice.events import Transcript
from voice.stages import LogProbs
from voice.text import Alphabet

_NONE = -np.inf
_UNSPELLED = -1


class BeamSettings(BaseModel):
    """What the search weighs and keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: float = Field(0.6, ge=0, description="of the language model's log-probabilities, where there is one")
    word_bonus: float = Field(0.8, description="for each word, nats, where there is a language model")
    unknown_nats: float = Field(8.0, ge=0, description="loss of a word that the language model does not know")
    beam: int = Field(16, gt=0, description="prefixes kept at each frame")
    prune: float = Field(-8.0, lt=0, description="labels below this log-probability are not tried, except the best one")


@dataclass(slots=True, eq=False)
class _Prefix:
    """A beginning of a text; each exists once, so that what the words before are worth is computed once."""

    parent: "_Prefix | None"
    label: int
    word: str = ""
    """The unfinished word."""
    language: float = 0.0
    """Of the finished words: language model, word bonus, hot words."""
    credit: float = 0.0
    """While it lasts: of a hot word under way, and of the best word that the unfinished one may become."""
    state: int = BEGIN
    node: int = ROOT
    """Where in the trie the unfinished word is; `_UNSPELLED` where the model knows none that begins so."""
    hot: State = ""
    children: dict[int, "_Prefix"] = field(default_factory=dict)

    def labels(self) -> list[int]:
        found, prefix = [], self
        while prefix.parent is not None:
            found.append(prefix.label)
            prefix = prefix.parent
        return found[::-1]


class PrefixBeam:
    """Turns CTC log-probabilities into texts.

    Args:
        alphabet: what the labels are; words are separated by its space, where it has one.
        settings: weights and beam.
        model: word n-grams; None: none.
        trie: the model's words, so that hypotheses which become none of them are known before their end.
        hotwords: bonuses of words and phrases; None: none.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        settings: BeamSettings | None = None,
        *,
        model: NGram | None = None,
        trie: Trie | None = None,
        hotwords: HotWords | None = None,
    ) -> None:
        self.settings = settings or BeamSettings()
        self._alphabet = alphabet
        self._space = alphabet.labels.index(" ") if " " in alphabet.labels else -1
        self._model = model
        self._trie = trie if model else None
        self._hot = hotwords

    def decode(self, log_probs: LogProbs, stride: float) -> Transcript:
        """Return the best text; see `n_best`."""
        return self.n_best(log_probs, stride, 1)[0]

    def n_best(self, log_probs: LogProbs, stride: float, n: int) -> list[Transcript]:
        """Return at most `n` texts of different words, best first; at least one, which may be empty.

        Args:
            log_probs: shape (frames, labels).
            stride: seconds between two frames.
            n: how many.
        """
        scored = self.scores(log_probs)
        best = sorted(scored, key=lambda text: scored[text], reverse=True)[:n]
        return [transcript(text, log_probs, self._alphabet, stride) for text in best]

    def scores(self, log_probs: LogProbs) -> dict[str, float]:
        """Return the texts of the last beam with their log-probability, language model and bonuses included."""
        root = _Prefix(None, self._space)
        beams: dict[_Prefix, tuple[float, float]] = {root: (0.0, _NONE)}
        for row in log_probs.tolist():
            grown = self._grown(beams, row)
            ranked = sorted(grown, key=lambda p: _total(grown[p]) + p.language + p.credit, reverse=True)
            beams = {prefix: grown[prefix] for prefix in ranked[: self.settings.beam]}
        found: dict[str, float] = defaultdict(lambda: _NONE)
        for prefix, state in beams.items():
            text = " ".join(self._alphabet.decode(prefix.labels()).split())
            score = _total(state) + prefix.language + self._ended(prefix)
            found[text] = float(np.logaddexp(found[text], score))
        return dict(found)

    def _grown(
        self, beams: dict[_Prefix, tuple[float, float]], row: Sequence[float]
    ) -> dict[_Prefix, tuple[float, float]]:
        """Return each prefix's log-probability of ending in a blank and in its last label after one more frame."""
        candidates = [label for label, score in enumerate(row) if score >= self.settings.prune]
        candidates = candidates or [int(np.argmax(row))]
        blank = self._alphabet.blank
        grown: dict[_Prefix, tuple[float, float]] = defaultdict(lambda: (_NONE, _NONE))
        for prefix, (by_blank, by_label) in beams.items():
            total = _total((by_blank, by_label))
            for label in candidates:
                score = row[label]
                if label == blank:
                    grown[prefix] = (_add(grown[prefix][0], total + score), grown[prefix][1])
                    continue
                onward = total + score
                if label == prefix.label:
                    stays = total if label == self._space else by_label  # one more space says nothing new
                    grown[prefix] = (grown[prefix][0], _add(grown[prefix][1], stays + score))
                    onward = _NONE if label == self._space else by_blank + score
                if onward > _NONE:
                    longer = prefix.children.get(label) or self._longer(prefix, label)
                    grown[longer] = (grown[longer][0], _add(grown[longer][1], onward))
        return grown

    def _longer(self, prefix: _Prefix, label: int) -> _Prefix:
        """Return a prefix longer by a label, made once."""
        longer = _Prefix(prefix, label, prefix.word, prefix.language, state=prefix.state, hot=prefix.hot)
        if label == self._space:
            score, longer.state = self._word(prefix)
            longer.language += score
            longer.word = ""
        else:
            longer.word += self._alphabet.labels[label]
            longer.node = self._below(prefix.node, label)
        if self._hot:
            gained, longer.hot = self._hot.after(prefix.hot, self._alphabet.labels[label])
            longer.language += gained
            longer.credit = self._hot.credit(longer.hot)
        longer.credit += self._ahead(longer)
        prefix.children[label] = longer
        return longer

    def _below(self, node: int, label: int) -> int:
        """Return the trie's node after one more letter."""
        below = self._trie.child_by(node, label) if self._trie and node != _UNSPELLED else None
        return _UNSPELLED if below is None else below

    def _ahead(self, prefix: _Prefix) -> float:
        """Return what the best word that an unfinished one may become is worth without its context."""
        if self._trie is None or self._model is None or not prefix.word:
            return 0.0
        settings = self.settings
        if prefix.node == _UNSPELLED:
            return settings.weight * float(self._model.unigrams[UNKNOWN]) + settings.word_bonus - settings.unknown_nats
        return settings.weight * float(self._trie.ahead[prefix.node]) + settings.word_bonus

    def _word(self, prefix: _Prefix) -> tuple[float, int]:
        """Return what the unfinished word gives when it ends, and the language model's state after it."""
        if self._model is None or not prefix.word:
            return 0.0, prefix.state
        word = self._model.index.get(prefix.word, UNKNOWN)
        score, state = self._step(prefix.state, word)
        settings = self.settings
        return settings.weight * score + settings.word_bonus - settings.unknown_nats * (word == UNKNOWN), state

    def _ended(self, prefix: _Prefix) -> float:
        """Return what the end of the text gives."""
        gained = self._hot.ended(prefix.hot) if self._hot else 0.0
        if self._model is None:
            return gained
        score, state = self._word(prefix)
        return gained + score + self.settings.weight * self._step(state, END)[0]

    def _step(self, state: int, word: int) -> tuple[float, int]:
        assert self._model is not None  # noqa: S101 - callers have looked
        score, after = self._model.step(np.array([state], np.int64), np.array([word], np.int64))
        return float(score[0]), int(after[0])


def transcript(text: str, log_probs: LogProbs, alphabet: Alphabet, stride: float) -> Transcript:
    """Return a text with the times and confidences of its words on its best alignment; empty where it does not fit.

    Args:
        text: words.
        log_probs: shape (frames, labels).
        alphabet: what the labels are.
        stride: seconds between two frames.
    """
    labels = alphabet.encode(text)
    frames = align(log_probs, labels, alphabet.blank) if labels else []
    if not frames:
        return Transcript("", 0.0, ())
    scores = [float(log_probs[t, label]) for t, label in zip(frames, labels, strict=True)]
    tokens = words_of([alphabet.labels[label] for label in labels], frames, scores, stride)
    return Transcript(text, float(np.exp(np.mean(scores))), tokens)


def _total(scores: tuple[float, float]) -> float:
    return _add(*scores)


def _add(one: float, other: float) -> float:
    """Return log(exp(one) + exp(other)): numpy's is slow on single numbers."""
    high, low = (one, other) if one >= other else (other, one)
    return high if low == _NONE else high + log1p(exp(low - high))
