"""CTC search over label log-probabilities: greedy, prefix beam, and the forward score.

Graves et al. 2006, "Connectionist Temporal Classification"; Hannun et al. 2014, arXiv:1408.2873, algorithm 1.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

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
        Words as tokens. A word's confidence is the geometric mean of its labels' probabilities at the frames where
        they start; the utterance's is that over all labels, and 0 for an empty text.
    """
    best = log_probs.argmax(axis=1)
    starts = [i for i, label in enumerate(best) if label != alphabet.blank and (i == 0 or best[i - 1] != label)]
    labels = [alphabet.labels[best[i]] for i in starts]
    scores = [float(log_probs[i, best[i]]) for i in starts]
    tokens = words_of(labels, starts, scores, stride)
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


@dataclass(slots=True)
class _Beam:
    """Log-probabilities of a prefix ending in a blank and in its last label."""

    blank: float = _NONE
    label: float = _NONE
    bonus: float = 0.0
    frames: tuple[int, ...] = field(default=())

    @property
    def total(self) -> float:
        return float(np.logaddexp(self.blank, self.label))


def prefix_beam(
    log_probs: LogProbs,
    alphabet: Alphabet,
    *,
    beam: int = 16,
    stride: float = 1.0,
    hotwords: Mapping[str, float] | None = None,
    prune: float = -8.0,
) -> list[Transcript]:
    """Return the best texts, best first (Hannun 2014, algorithm 1; the language model is `hotwords`).

    Args:
        log_probs: shape (frames, labels).
        alphabet: what the labels are.
        beam: prefixes kept at each frame.
        stride: seconds between two frames.
        hotwords: bonus in nats for each whole word.
        prune: labels below this log-probability are not tried, except the best one.
    """
    beams: dict[tuple[int, ...], _Beam] = {(): _Beam(blank=0.0)}
    space = alphabet.labels.index(" ") if " " in alphabet.labels else -1
    bonuses = hotwords or {}
    for frame, row in enumerate(log_probs.tolist()):
        candidates = [label for label, score in enumerate(row) if score >= prune] or [int(np.argmax(row))]
        grown: dict[tuple[int, ...], _Beam] = defaultdict(_Beam)
        for prefix, state in beams.items():
            total = state.total
            for label in candidates:
                score = row[label]
                if label == alphabet.blank:
                    same = grown[prefix]
                    same.blank = float(np.logaddexp(same.blank, total + score))
                    same.bonus, same.frames = state.bonus, state.frames
                    continue
                if prefix and label == prefix[-1]:
                    same = grown[prefix]
                    same.label = float(np.logaddexp(same.label, state.label + score))
                    same.bonus, same.frames = state.bonus, state.frames
                    onward = state.blank + score
                else:
                    onward = total + score
                if onward == _NONE:
                    continue
                longer = grown[(*prefix, label)]
                longer.label = float(np.logaddexp(longer.label, onward))
                longer.bonus = state.bonus + (_bonus(prefix, alphabet, bonuses) if label == space else 0.0)
                longer.frames = longer.frames or (*state.frames, frame)
        ranked = sorted(grown.items(), key=lambda item: item[1].total + item[1].bonus, reverse=True)
        beams = dict(ranked[:beam])
    final = sorted(
        beams.items(), key=lambda item: item[1].total + item[1].bonus + _bonus(item[0], alphabet, bonuses), reverse=True
    )
    return [_transcript(prefix, state, log_probs, alphabet, stride) for prefix, state in final]


def _bonus(prefix: tuple[int, ...], alphabet: Alphabet, bonuses: Mapping[str, float]) -> float:
    """Return the bonus of the last word of a prefix."""
    return bonuses.get(alphabet.decode(prefix).rsplit(" ", 1)[-1], 0.0) if bonuses else 0.0


def _transcript(
    prefix: tuple[int, ...], state: _Beam, log_probs: LogProbs, alphabet: Alphabet, stride: float
) -> Transcript:
    labels = [alphabet.labels[label] for label in prefix]
    scores = [float(log_probs[frame, label]) for frame, label in zip(state.frames, prefix, strict=True)]
    tokens = words_of(labels, state.frames, scores, stride)
    confidence = float(np.exp(state.total / max(1, len(log_probs))))
    return Transcript(" ".join(token.text for token in tokens), confidence, tokens)


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
