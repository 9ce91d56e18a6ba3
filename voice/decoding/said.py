"""What a path through the decoding graph says: its labels, when each began, and how well it fits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.graph import START, Graph
from voice.decoding.search import Limits, Search, Step
from voice.events import Token
from voice.stages import LogProbs


@dataclass(frozen=True, slots=True)
class Said:
    """The labels of a path, and how each fits."""

    labels: tuple[str, ...]
    frames: list[int]
    """(labels,) Where each begins."""
    scores: list[float]
    """(labels,) Log-probability of each."""
    losses: npt.NDArray[np.float32]
    """(frames,) What each frame loses against its best label."""
    last: int
    """Last frame of the path."""
    score: float
    """Log-probability of the path, with the filler before and after it."""

    def words(self, text: str, lengths: Sequence[int], gap: int) -> "SpokenWords":
        """Return the path as words.

        Args:
            text: the words that it says, with single spaces.
            lengths: labels of each word.
            gap: labels between two words, 0 or 1.
        """
        places, start = [], 0
        for word, length in zip(text.split(), lengths, strict=True):
            places.append((word, start, start + length))
            start += length + gap
        return SpokenWords(self, tuple(places))


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """The words of a path."""

    said: Said
    places: tuple[tuple[str, int, int], ...]
    """Each word and the range of its labels."""

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(word for word, _, _ in self.places)

    def losses(self) -> list[float]:
        """Return the nats lost per label of each word."""
        frames, last, losses = self.said.frames, self.said.last, self.said.losses
        until = [frames[end] if end < len(frames) else last + 1 for _, _, end in self.places]
        return [
            float(losses[frames[start] : stop].sum()) / max(1, end - start)
            for (_, start, end), stop in zip(self.places, until, strict=True)
        ]

    def tokens(self, stride: float) -> tuple[Token, ...]:
        """Return each word's time and confidence, the geometric mean of its labels' probabilities.

        Args:
            stride: seconds between two frames.
        """
        frames, scores = self.said.frames, self.said.scores
        return tuple(
            Token(
                word, frames[start] * stride, (frames[end - 1] + 1) * stride, float(np.exp(np.mean(scores[start:end])))
            )
            for word, start, end in self.places
        )

    def confidence(self, start: int, end: int) -> float:
        """Return the confidence of a part of the text: that of the words it touches.

        Args:
            start: first character.
            end: the character after its last one.
        """
        at, scores = 0, []
        for word, first, last in self.places:
            if at < end and at + len(word) > start:
                scores += self.said.scores[first:last]
            at += len(word) + 1
        return float(np.exp(np.mean(scores))) if scores else 0.0


def said_of(path: list[Step], graph: Graph, search: Search, limits: Limits, rest: int, log_probs: LogProbs) -> Said:
    """Return the sentence of a path.

    A blank is due outside of the path. The wake word loses nothing, nor what is left of one in the first `rest` frames.
    """
    due = np.full(len(log_probs), search.blank)
    idle = np.maximum(log_probs[:, search.blank], log_probs.max(axis=1) - np.float32(limits.filler))
    score = float(idle[path[-1].frame + 1 :].sum())
    counts = np.ones(len(log_probs), np.float32)
    entered: list[tuple[int, int]] = []
    before = -1
    for step in path:
        if step.is_label:
            due[step.frame] = search.labels[step.node]
            if graph.is_sentence[step.node] and step.node != before:
                entered.append((step.frame, step.node))
        score += float(idle[step.frame] if step.node == START else log_probs[step.frame, due[step.frame]])
        before = step.node
        unspoken = step.node == START and step.frame >= rest
        counts[step.frame] = unspoken or graph.is_sentence[step.node]
    lost: npt.NDArray[np.float32] = log_probs.max(axis=1) - log_probs[np.arange(len(log_probs)), due]
    scores = [float(log_probs[t, search.labels[node]]) for t, node in entered]
    labels = tuple(str(graph.labels[node]) for _, node in entered)
    return Said(labels, [t for t, _ in entered], scores, lost * counts, path[-1].frame, score)
