"""CTC without a search: the best path read off, and the forward score.

Graves et al. 2006, "Connectionist Temporal Classification".
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voice.events import Token, Transcript
from voice.stages import LogProbs
from voice.text import Alphabet

_NONE = -np.inf


def greedy(log_probs: LogProbs, alphabet: Alphabet, stride: float) -> Transcript:
    """Return the most probable path's text (Graves 2006, section 3.2, "best path decoding").

    Args:
        log_probs: shape (frames, labels).
        alphabet: what the labels are.
        stride: seconds between two frames.

    Returns:
        Words as tokens, or the labels themselves where none is a space (phones). A word's confidence is the geometric
        mean of its labels' probabilities at the frames where they start; the utterance's is that over all labels, and 0
        for an empty text.
    """
    best = log_probs.argmax(axis=1)
    starts = [i for i, label in enumerate(best) if label != alphabet.blank and (i == 0 or best[i - 1] != label)]
    labels = [alphabet.labels[best[i]] for i in starts]
    scores = [float(log_probs[i, best[i]]) for i in starts]
    if " " in alphabet.labels:
        tokens = words_of(labels, starts, scores, stride)
    else:
        each = zip(labels, starts, scores, strict=True)
        tokens = tuple(Token(label, i * stride, (i + 1) * stride, float(np.exp(score))) for label, i, score in each)
    confidence = float(np.exp(np.mean(scores))) if tokens else 0.0
    return Transcript(" ".join(token.text for token in tokens), confidence, tokens)


def words_of(labels: Sequence[str], frames: Sequence[int], scores: Sequence[float], stride: float) -> tuple[Token, ...]:
    """Return the words of spelled-out labels.

    Args:
        labels: characters, a space between words.
        frames: where each begins.
        scores: the log-probability of each.
        stride: seconds between two frames.
    """
    words: list[Token] = []
    letters: list[int] = []
    for i, label in enumerate([*labels, " "]):
        if label != " ":
            letters.append(i)
        elif letters:
            text = "".join(labels[j] for j in letters)
            confidence = float(np.exp(np.mean([scores[j] for j in letters])))
            words.append(Token(text, frames[letters[0]] * stride, (frames[letters[-1]] + 1) * stride, confidence))
            letters = []
    return tuple(words)


def log_likelihood(log_probs: LogProbs, labels: Sequence[int], blank: int) -> float:
    """Return log p(labels | audio), summed over all alignments (Graves 2006, equations 6 to 8).

    Args:
        log_probs: shape (frames, labels).
        labels: the label sequence, blanks left out.
        blank: index of the blank.
    """
    path = [blank]
    for label in labels:
        path += [label, blank]
    extended = np.asarray(path)
    skip = np.zeros(len(extended), bool)  # may this state be entered from two states back?
    skip[2:] = (extended[2:] != blank) & (extended[2:] != extended[:-2])
    alpha = np.full(len(extended), _NONE)
    alpha[0] = 0.0
    started = False
    for row in log_probs[:, extended].astype(np.float64):
        if not started:
            alpha = np.full(len(extended), _NONE)
            alpha[: min(2, len(alpha))] = row[: min(2, len(alpha))]
            started = True
            continue
        one = np.concatenate([[_NONE], alpha[:-1]])
        two = np.where(skip, np.concatenate([[_NONE, _NONE], alpha])[: len(alpha)], _NONE)
        alpha = np.logaddexp(np.logaddexp(alpha, one), two) + row
    return float(np.logaddexp.reduce(alpha[-2:]))


def log_softmax(logits: npt.NDArray[np.floating]) -> LogProbs:
    """Return natural log-probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))).astype(np.float32)
