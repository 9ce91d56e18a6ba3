"""What a path through the decoding graph says: its characters, when each began, and how well it fits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.decoding.graph import START, Graph
from voice.decoding.search import Limits, Search, Step
from voice.stages import LogProbs


@dataclass(frozen=True, slots=True)
class Said:
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
    score: float
    """Log-probability of the path, with the filler before and after it."""

    def word_losses(self) -> list[float]:
        """Return the nats lost per character of each word."""
        result, start = [], 0
        for word in self.text.split(" "):
            end = start + len(word)
            until = self.frames[end] if end < len(self.frames) else self.last + 1
            result.append(float(self.losses[self.frames[start] : until].sum()) / max(1, len(word)))
            start = end + 1
        return result


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
    text = "".join(str(graph.characters[node]) for _, node in entered)
    return Said(text, [t for t, _ in entered], scores, lost * counts, path[-1].frame, score)
