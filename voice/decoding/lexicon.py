"""Beam search over words: CTC prefixes that follow a lexicon, weighed with a word n-gram model.

Hannun et al. 2014, arXiv:1408.2873, algorithm 1, with the prefix kept as (language model state, trie node), so that
hypotheses whose future is the same are merged, and with look-ahead inside words (Ortmanns et al. 1996, "Language-model
look-ahead for large vocabulary speech recognition"). One frame is a handful of array operations over the whole beam.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.decoding.alignment import align_words
from voice.decoding.beam import transcript
from voice.decoding.hotwords import HotWords
from voice.decoding.ngram import BEGIN, END, MARKS, UNKNOWN, Ids, NGram, Scores
from voice.decoding.ranges import ranges
from voice.decoding.speller import LETTERS, Speller, spelled
from voice.decoding.trie import ROOT, Trie
from voice.events import Token, Transcript
from voice.stages import LogProbs
from voice.text import Alphabet

NEVER = np.float32(-1e30)
WORD_COST = 2.0
"""Of a word where no language model weighs and no space parts the words, nats: or else two short ones fit as well as a
long one. The best of 0, 2, 3, 4, 6, 8, 11 on 60 dev utterances of LibriSpeech and Common Voice; 4: 2 points worse."""
_NO_SPACE = -1


class LexiconSettings(BaseModel):
    """What the search weighs and keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: float = Field(0.6, ge=0, description="of the language model's log-probabilities")
    word_bonus: float = Field(0.8, description="for each word, nats: against the model's liking for few words")
    beam: int = Field(120, gt=0, description="hypotheses kept at each frame")
    width: float = Field(12.0, gt=0, description="hypotheses this much worse than the best are dropped, nats")
    prune: float = Field(-9.0, lt=0, description="labels below this log-probability are not tried")


@dataclass(frozen=True, slots=True)
class _Beam:
    """The hypotheses of a frame, all of shape (n,)."""

    state: Ids
    """Language model state of the finished words."""
    node: Ids
    """Where in the trie the unfinished word is."""
    blank: Scores
    """Log-probability of the alignments that end in a blank."""
    label: Scores
    """Of those that end in the prefix's last label."""
    language: Scores
    """Weighted language model score and bonuses, look-ahead included."""
    history: Ids
    """The finished words, as a number of `_Spoken`."""

    def total(self) -> Scores:
        return np.logaddexp(self.blank, self.label) + self.language

    def at(self, i: Ids) -> "_Beam":
        """Return the hypotheses with these indices."""
        scores = (self.blank[i], self.label[i], self.language[i])
        return _Beam(self.state[i], self.node[i], *scores, self.history[i])


class _Spoken:
    """The word sequences met, each once: a word and the sequence before it; 0 is the empty one."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int]] = [(-1, -1)]
        self._index: dict[tuple[int, int], int] = {}

    def after(self, before: list[int], words: list[int]) -> Ids:
        """Return the sequences `before`, each longer by a word."""
        return np.fromiter(map(self._longer, zip(before, words, strict=True)), np.int64, len(words))

    def words(self, sequence: int) -> list[int]:
        """Return the words of a sequence."""
        words = []
        while sequence:
            sequence, word = self._steps[sequence]
            words.append(word)
        return words[::-1]

    def _longer(self, step: tuple[int, int]) -> int:
        if step not in self._index:
            self._index[step] = len(self._steps)
            self._steps.append(step)
        return self._index[step]


class LexiconDecoder:
    """Turns CTC log-probabilities into the words of a lexicon.

    A hot word is an entry of the lexicon with a bonus, and with look-ahead of its own, so that it is not pruned before
    its end; one of several words, or of none that the model knows, becomes an entry.

    Args:
        model: the n-grams.
        trie: its words.
        alphabet: the acoustic model's labels; words are separated by its space, and follow each other without anything
            between them where it has none (phones).
        settings: weights and beam.
        hotwords: bonuses of words and phrases; None: none.
        speller: which labels a hot word is; those of the other words are in the trie.

    Raises:
        ConfigError: a hot word has a character without a label.
    """

    def __init__(
        self,
        model: NGram,
        trie: Trie,
        alphabet: Alphabet,
        settings: LexiconSettings | None = None,
        hotwords: HotWords | None = None,
        speller: Speller = LETTERS,
    ) -> None:
        self.settings = settings or LexiconSettings()
        self._model = model
        self._known = trie  # without hot words
        self._alphabet = alphabet
        self._space = alphabet.labels.index(" ") if " " in alphabet.labels else _NO_SPACE
        self._speller = speller
        phrases = hotwords.phrases if hotwords else {}
        ways = [(phrase, way) for phrase in phrases for way in spelled(phrase.split(), speller)]
        self._hot = _Hot.of([(phrase, phrases[phrase]) for phrase, _ in ways], model)
        spellings = [alphabet.encode(way) for _, way in ways]
        self._trie = trie = trie.with_entries(spellings, len(model.words)) if spellings else trie
        self._own = np.full(len(trie.word), max(0, self._space), np.int64)  # the label by which a node was entered
        self._own[trie.child] = trie.label
        self._ahead = np.asarray(trie.ahead, np.float32) * np.float32(self.settings.weight)
        for spelling, words, nats in zip(spellings, self._hot.words, self._hot.nats, strict=True):
            below = self.settings.weight * float(model.unigrams[words].sum()) + float(nats)
            nodes = trie.path(spelling)
            self._ahead[nodes] = np.maximum(self._ahead[nodes], np.float32(below))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that it can find, hot words not among them."""
        return self._model.words[len(MARKS) :]

    def without_language_model(self) -> "LexiconDecoder":
        """Return the search by the labels alone: every word is as likely as any other.

        Of words that are spelt alike (to, two, too) only the commonest can be found.
        """
        bonus = 0.0 if self._space != _NO_SPACE else -WORD_COST
        settings = self.settings.model_copy(update={"weight": 0.0, "word_bonus": bonus})
        trie, hotwords = self._known.with_one_word_each(self._model.unigrams), HotWords(self._hot.by_phrase())
        return LexiconDecoder(self._model, trie, self._alphabet, settings, hotwords, self._speller)

    def with_settings(self, settings: LexiconSettings) -> "LexiconDecoder":
        """Return the same search with other weights."""
        hotwords = HotWords(self._hot.by_phrase())
        return LexiconDecoder(self._model, self._known, self._alphabet, settings, hotwords, self._speller)

    def with_hotwords(self, hotwords: HotWords | None) -> "LexiconDecoder":
        """Return the same search with other hot words."""
        return LexiconDecoder(self._model, self._known, self._alphabet, self.settings, hotwords, self._speller)

    def decode(self, log_probs: LogProbs, stride: float) -> Transcript:
        """Return the best words; see `n_best`."""
        return self.n_best(log_probs, stride, 1)[0]

    def n_best(self, log_probs: LogProbs, stride: float, n: int) -> list[Transcript]:
        """Return at most `n` word sequences, best first; at least one, which may be empty.

        Times and confidences of the words are those of the best alignment. Hypotheses that end in the same words of the
        model's context are merged in the search, so that of such ones only the best comes out.

        Args:
            log_probs: shape (frames, labels).
            stride: seconds between two frames.
            n: how many.
        """
        found = self.scores(log_probs)
        texts = sorted(found, key=lambda text: found[text], reverse=True)[:n] or [""]
        return [self._transcript(text, log_probs, stride) for text in texts]

    def _transcript(self, text: str, log_probs: LogProbs, stride: float) -> Transcript:
        if self._space != _NO_SPACE:
            return transcript(text, log_probs, self._alphabet, stride)
        spellings = [(word, self._labels(word)) for word in text.split()]
        aligned = align_words(log_probs, self._alphabet, spellings, stride) if spellings else None
        if aligned is None:
            return Transcript("", 0.0, ())
        tokens = tuple(Token(span.text, span.start, span.end, span.score) for span in aligned.words)
        lengths = [len(labels) for _, labels in spellings]
        confidence = np.exp(np.average(np.log([token.confidence for token in tokens]), weights=lengths))
        return Transcript(text, float(confidence), tokens)

    def _labels(self, word: str) -> list[int]:
        """Return a word's usual labels."""
        known = self._model.index.get(word)
        return self._alphabet.encode(self._speller.ways(word)[0]) if known is None else self._trie.spelling(known)

    def best_words(self, log_probs: LogProbs) -> list[str]:
        """Return the best word sequence."""
        found = self.scores(log_probs)
        return max(found, key=lambda text: found[text]).split() if found else []

    def scores(self, log_probs: LogProbs) -> dict[str, float]:
        """Return the texts of the last beam with their scores, language model and bonuses included."""
        spoken, beam = _Spoken(), self._first()
        for row in log_probs:
            beam = self._advance(beam, np.asarray(row, np.float32), spoken)
        return self._finish(beam, spoken)

    def _first(self) -> _Beam:
        zero = np.zeros(1, np.int64)
        no = np.array([NEVER])
        return _Beam(zero + BEGIN, zero + ROOT, np.zeros(1, np.float32), no, self._ahead[[ROOT]], zero)

    def _advance(self, beam: _Beam, row: Scores, spoken: _Spoken) -> _Beam:
        """Return the beam after one more frame."""
        whole = np.logaddexp(beam.blank, beam.label)
        between = whole if self._space != _NO_SPACE else NEVER  # between words one more space says nothing new
        repeated = np.where(beam.node == ROOT, between, beam.label)
        stayed = _Beam(
            beam.state,
            beam.node,
            whole + row[self._alphabet.blank],
            repeated + row[self._own[beam.node]],
            beam.language,
            beam.history,
        )
        limit = float(stayed.total().max()) - self.settings.width
        letters = self._letters(beam, whole, self._own[beam.node], row, limit)
        begun = self._ended_words if self._space != _NO_SPACE else self._next_words
        return self._kept(_merged(_joined([stayed, letters, begun(beam, whole, row, limit, spoken)]), len(self._own)))

    def _letters(self, beam: _Beam, whole: Scores, own: Ids, row: Scores, limit: float) -> _Beam:
        """Return each hypothesis longer by a letter; `own` are their last labels."""
        first, last = self._trie.first[beam.node], self._trie.first[beam.node + 1]
        counts = (last - first).astype(np.int64)
        place = np.repeat(np.arange(len(counts)), counts)
        arcs = ranges(first, counts)
        labels = np.asarray(self._trie.label[arcs], np.int64)
        hopeful = row[labels] >= self.settings.prune
        place, arcs, labels = place[hopeful], arcs[hopeful], labels[hopeful]
        node = np.asarray(self._trie.child[arcs], np.int64)
        again = labels == own[place]
        score = np.where(again, beam.blank[place], whole[place]) + row[labels]
        language = beam.language[place] + self._ahead[node] - self._ahead[beam.node[place]]
        good = score + language >= limit
        place, node, score, language = place[good], node[good], score[good], language[good]
        never = np.full(len(place), NEVER)
        return _Beam(beam.state[place], node, never, score, language, beam.history[place])

    def _ended_words(self, beam: _Beam, whole: Scores, row: Scores, limit: float, spoken: _Spoken) -> _Beam:
        """Return the hypotheses whose word ends with this frame's space."""
        heard = row[self._space] >= self.settings.prune
        place, words = self._trie.ends(beam.node if heard else beam.node[:0])
        score = whole[place] + row[self._space]
        good = score + beam.language[place] + self.settings.word_bonus >= limit
        ended = self._at_root(beam, place[good], words[good], spoken)
        never = np.full(len(ended.node), NEVER)
        return replace(ended, blank=never, label=score[good])

    def _next_words(self, beam: _Beam, whole: Scores, row: Scores, limit: float, spoken: _Spoken) -> _Beam:
        """Return the hypotheses that begin another word with this frame's label, without a space between the words."""
        place, words = self._trie.ends(beam.node)
        good = whole[place] + beam.language[place] + row.max() + max(0.0, self.settings.word_bonus) >= limit
        place = place[good]
        own = self._own[beam.node[place]]
        return self._letters(self._at_root(beam, place, words[good], spoken), whole[place], own, row, limit)

    def _at_root(self, beam: _Beam, place: Ids, words: Ids, spoken: _Spoken) -> _Beam:
        """Return the hypotheses at `place` after their `words` have ended, ready for another."""
        state, language = self._with_word(beam, place, words)
        history = spoken.after(beam.history[place].tolist(), words.tolist())
        node = np.full(len(place), ROOT, np.int64)
        return _Beam(state, node, beam.blank[place], beam.label[place], language + self._ahead[ROOT], history)

    def _with_word(self, beam: _Beam, place: Ids, words: Ids) -> tuple[Ids, Scores]:
        """Return state and language score when `words` end the hypotheses at `place`; no look-ahead after them.

        Where the language model doesn't weigh, all are in one state.
        """
        score, state = np.zeros(len(words), np.float32), beam.state[place]
        if self.settings.weight:
            score, state = self._model.step(state, np.minimum(words, len(self._model.words) - 1))
        bonus = np.full(len(words), np.float32(self.settings.word_bonus))
        for i in np.flatnonzero(words >= len(self._model.words)):
            hot = int(words[i]) - len(self._model.words)
            score[i], state[i] = self._phrase(int(beam.state[place[i]]), self._hot.words[hot])
            bonus[i] = bonus[i] * len(self._hot.words[hot]) + self._hot.nats[hot]
        gained = np.float32(self.settings.weight) * score + bonus
        return state, beam.language[place] - self._ahead[beam.node[place]] + gained

    def _phrase(self, state: int, words: Ids) -> tuple[float, int]:
        """Return log p(words | state) and the state after them."""
        total, at = 0.0, np.array([state], np.int64)
        for word in words:
            score, at = self._model.step(at, np.array([word]))
            total += float(score[0])
        return total, int(at[0])

    def _kept(self, beam: _Beam) -> _Beam:
        total = beam.total()
        keep = np.nonzero(total >= total.max() - self.settings.width)[0]
        if len(keep) > self.settings.beam:
            keep = keep[np.argpartition(total[keep], -self.settings.beam)[-self.settings.beam :]]
        return beam.at(keep)

    def _finish(self, beam: _Beam, spoken: _Spoken) -> dict[str, float]:
        """Return the scores of the hypotheses that end after a word, with or without a space."""
        at_root = np.nonzero(beam.node == ROOT)[0]
        in_word, words = self._trie.ends(beam.node)
        place = np.concatenate([at_root, in_word])
        if not len(place):
            return {}
        state, language = self._with_word(beam, in_word, words)
        state = np.concatenate([beam.state[at_root], state])
        language = np.concatenate([beam.language[at_root] - self._ahead[ROOT], language])
        end, _ = self._model.step(state, np.full(len(place), END, np.int64))
        score = np.logaddexp(beam.blank, beam.label)[place] + language + np.float32(self.settings.weight) * end
        longer = spoken.after(beam.history[in_word].tolist(), words.tolist())
        found: dict[str, float] = {}
        for sequence, total in zip(np.concatenate([beam.history[at_root], longer]).tolist(), score, strict=True):
            text = " ".join(map(self._spelled, spoken.words(sequence)))
            found[text] = float(np.logaddexp(found.get(text, NEVER), total))
        return found

    def _spelled(self, word: int) -> str:
        n_words = len(self._model.words)
        return self._model.words[word] if word < n_words else self._hot.phrases[word - n_words]


@dataclass(frozen=True, slots=True)
class _Hot:
    """The hot words as entries of the lexicon, one for each way to say one."""

    phrases: tuple[str, ...]
    words: tuple[Ids, ...]
    """Ids of each phrase's words in the model."""
    nats: tuple[float, ...]

    @staticmethod
    def of(phrases: Sequence[tuple[str, float]], model: NGram) -> "_Hot":
        ids = [np.array([model.index.get(word, UNKNOWN) for word in phrase.split()], np.int64) for phrase, _ in phrases]
        return _Hot(tuple(phrase for phrase, _ in phrases), tuple(ids), tuple(nats for _, nats in phrases))

    def by_phrase(self) -> dict[str, float]:
        return dict(zip(self.phrases, self.nats, strict=True))


def _joined(beams: list[_Beam]) -> _Beam:
    names = ("state", "node", "blank", "label", "language", "history")
    return _Beam(*(np.concatenate([getattr(beam, name) for beam in beams]) for name in names))


def _merged(beam: _Beam, n_nodes: int) -> _Beam:
    """Return the beam with one hypothesis for each (state, node).

    Of those that end alike the best word sequence stays; the alignments of one word sequence add up.
    """
    key = beam.state * n_nodes + beam.node
    order = np.lexsort((beam.history, key))
    added = _added(beam.at(order), (key[order], beam.history[order]))
    key = added.state * n_nodes + added.node
    order = np.lexsort((-added.total(), key))
    return added.at(order[_starts((key[order],))])


def _added(beam: _Beam, groups: tuple[Ids, Ids]) -> _Beam:
    """Return one hypothesis for each run of equal `groups`, its alignments added up."""
    starts = _starts(groups)
    if len(starts) == len(beam.node):
        return beam
    first = beam.at(starts)
    blank, label = np.logaddexp.reduceat(beam.blank, starts), np.logaddexp.reduceat(beam.label, starts)
    return _Beam(first.state, first.node, blank, label, first.language, first.history)


def _starts(groups: tuple[Ids, ...]) -> Ids:
    """Return where runs of equal values begin."""
    changed = np.zeros(max(0, len(groups[0]) - 1), bool)
    for values in groups:
        changed |= values[1:] != values[:-1]
    return np.concatenate([[0], 1 + np.flatnonzero(changed)]) if len(groups[0]) else np.zeros(0, np.int64)
