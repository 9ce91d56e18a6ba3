"""How well a phrase fits somewhere in speech, against whatever fits best: a keyword's log-likelihood ratio from CTC.

The phrase's labels with optional blanks between them (Graves et al. 2006, section 4.1), with any speech before and
behind: a frame there costs nothing, because each label counts against the best one of its frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voice.stages import LogProbs

_NONE = -np.inf


@dataclass(frozen=True, slots=True)
class PhraseFit:
    """The best place of a phrase."""

    loss: float
    """Nats that the best path through the phrase loses against the free one; infinite where the audio is too short."""
    end: int
    """Frame just after it."""


def phrase_fit(log_probs: LogProbs, labels: Sequence[int], blank: int) -> PhraseFit:
    """Return where a phrase fits best and what it loses there, by Viterbi.

    Args:
        log_probs: shape (frames, labels).
        labels: of the phrase, blanks left out; at least one.
        blank: index of the blank.
    """
    extended = np.full(2 * len(labels) - 1, blank)
    extended[::2] = labels  # label, blank, label, ..., label
    skip = np.zeros(len(extended), bool)
    skip[2::2] = extended[2::2] != extended[:-2:2]
    costs = (log_probs - log_probs.max(axis=1, keepdims=True))[:, extended].astype(np.float64)  # (frames, states), <= 0
    score = np.full(len(extended), _NONE)
    best, end = _NONE, 0
    for t, row in enumerate(costs):
        one = np.concatenate([[0.0], score[:-1]])  # the first label may begin at any frame
        two = np.where(skip, np.concatenate([[_NONE, _NONE], score])[: len(score)], _NONE)
        score = np.maximum(np.maximum(score, one), two) + row
        if score[-1] > best:
            best, end = float(score[-1]), t + 1
    return PhraseFit(-best, end)
