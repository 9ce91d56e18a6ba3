"""Forced alignment: where in a recording each label, each word of its transcript is said, and how well it fits.

Viterbi over the states of Graves et al. 2006, section 4.1: blank, label, blank, ..., label, blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voice.stages import LogProbs
from voice.text import Alphabet

States = npt.NDArray[np.int32]
_NONE = -np.inf
LEAD_FRAMES = 1.0
"""A CTC peak comes so long after its sound begins (this and the next two fitted with benchmarks/alignment.py)."""
_TAIL_FRAMES = 0.5
_JOINED_FRAMES = 3.5


def best_states(log_probs: LogProbs, labels: Sequence[int], blank: int, *, band: int | None = None) -> States:
    """Return the state of each frame on the best alignment, shape (frames,); empty where the audio is too short.

    State 2 i + 1 is label i; even states are the blanks around the labels.

    Args:
        log_probs: shape (frames, labels).
        labels: the label sequence, blanks left out.
        blank: index of the blank.
        band: states looked at in a frame, around the one that is best so far; None: all. Memory is frames x band bytes,
            so an hour needs one. A path that leaves the band is missed.
    """
    extended = np.full(2 * len(labels) + 1, blank)
    extended[1::2] = labels
    n_states, n_frames = len(extended), len(log_probs)
    width = min(n_states, band or n_states)
    skip = np.zeros(n_states, bool)  # may this state be entered from two states back?
    skip[2:] = (extended[2:] != blank) & (extended[2:] != extended[:-2])
    score = np.full(n_states + 2, _NONE)  # two cells before the first state, which nothing can come from
    score[2] = 0.0
    steps = np.zeros((n_frames, width), np.int8)
    firsts = np.zeros(n_frames, np.int64)
    low = 0
    for t, row in enumerate(log_probs):
        high = low + width
        before = score[low : high + 2]
        choices = np.stack([before[2:], before[1:-1], np.where(skip[low:high], before[:-2], _NONE)])
        if t == 0:
            choices[2] = _NONE
        steps[t], firsts[t] = choices.argmax(axis=0), low
        now = choices.max(axis=0) + row[extended[low:high]]
        score[2 + low : 2 + high] = now
        ahead = min(low + max(0, int(now.argmax()) - width // 2), n_states - width)
        score[2 + low : 2 + ahead] = _NONE
        low = ahead
    state = n_states - 1 if n_states == 1 or score[-1] >= score[-2] else n_states - 2
    if n_frames == 0 or score[2 + state] == _NONE:
        return np.zeros(0, np.int32)
    path = np.zeros(n_frames, np.int32)
    for t in range(n_frames - 1, -1, -1):
        path[t] = state
        state -= int(steps[t, state - firsts[t]])
    return path


def align(log_probs: LogProbs, labels: Sequence[int], blank: int) -> list[int]:
    """Return the frame at which each label begins on the best alignment; empty where the audio is too short.

    Args:
        log_probs: shape (frames, labels).
        labels: the label sequence, blanks left out.
        blank: index of the blank.
    """
    states = best_states(log_probs, labels, blank)
    return [int(t) for t in np.searchsorted(states, 2 * np.arange(len(labels)) + 1)] if len(states) else []


@dataclass(frozen=True, slots=True)
class Span:
    """A word or a label and when it is said."""

    text: str
    start: float
    """Seconds."""
    end: float
    score: float
    """Geometric mean of the probabilities of its labels at the frames where they begin, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A transcript on the time axis."""

    words: tuple[Span, ...]
    labels: tuple[Span, ...]
    """Characters or phones; those of a word touch each other."""
    score: float
    """exp(-l), l being the nats that the transcript's path loses against the free best path, for each label.

    1 where the recogniser would write the transcript itself; a wrong, missing or added word lowers it.
    """


def align_text(
    log_probs: LogProbs, alphabet: Alphabet, text: str, stride: float, *, band: int | None = None
) -> Alignment | None:
    """Return the times of a text's words and characters; None where the audio is too short or the text is empty.

    Args:
        log_probs: shape (frames, labels).
        alphabet: labels of single characters, a space among them.
        text: normalised transcript.
        stride: seconds between two frames.
        band: as for `best_states`.

    Raises:
        ConfigError: a character has no label.
    """
    words = [(word, alphabet.encode(word)) for word in text.split()]
    return align_words(log_probs, alphabet, words, stride, band=band)


def align_words(
    log_probs: LogProbs,
    alphabet: Alphabet,
    words: Sequence[tuple[str, Sequence[int]]],
    stride: float,
    *,
    band: int | None = None,
) -> Alignment | None:
    """Return the times of words that are spelled out in labels: characters, or phones from a pronunciation dictionary.

    Networks trained with CTC answer in peaks, a little after a sound begins: a label begins `LEAD_FRAMES` before its
    peak, a word ends `_TAIL_FRAMES` after its last one, and words that are `_JOINED_FRAMES` apart touch each other.

    Args:
        log_probs: shape (frames, labels).
        alphabet: what the labels are; a label " " stands between the words where there is one.
        words: each with its labels.
        stride: seconds between two frames.
        band: as for `best_states`.
    """
    labels, firsts = joined(alphabet, words)
    states = best_states(log_probs, labels, alphabet.blank, band=band) if labels else np.zeros(0, np.int32)
    if len(states) == 0:
        return None
    peaks = np.searchsorted(states, 2 * np.arange(len(labels)) + 1)  # (labels,) frames
    lasts = [first + len(spelling) - 1 for first, (_, spelling) in zip(firsts, words, strict=True)]
    edges = _edges([_start(peaks[first]) for first in firsts], [float(peaks[last]) + _TAIL_FRAMES for last in lasts])
    spans: list[Span] = []
    whole: list[Span] = []
    for (word, spelling), first, last, (begin, end) in zip(words, firsts, lasts, edges, strict=True):
        at = range(first, last + 1)
        inner = [begin, *(_start(peaks[i]) for i in at[1:]), end]
        scores = [float(log_probs[peaks[i], labels[i]]) for i in at]
        for i, label in enumerate(spelling):
            times = inner[i] * stride, inner[i + 1] * stride
            spans.append(Span(alphabet.labels[label], *times, float(np.exp(scores[i]))))
        whole.append(Span(word, begin * stride, end * stride, float(np.exp(np.mean(scores)))))
    return Alignment(tuple(whole), tuple(spans), _fit(log_probs, labels, states, alphabet.blank))


def _edges(begins: list[float], ends: list[float]) -> list[tuple[float, float]]:
    """Return where words begin and end, frames; between those that are close to each other the middle."""
    for n in range(len(begins) - 1):
        if begins[n + 1] - ends[n] < _JOINED_FRAMES:
            begins[n + 1] = ends[n] = (begins[n + 1] + ends[n]) / 2
    return list(zip(begins, ends, strict=True))


def joined(alphabet: Alphabet, words: Sequence[tuple[str, Sequence[int]]]) -> tuple[list[int], list[int]]:
    """Return the labels of all words, a space between them where it is a label, and where in them each word begins."""
    separator = [alphabet.labels.index(" ")] if " " in alphabet.labels else []
    labels: list[int] = []
    firsts = []
    for _, spelling in words:
        labels += separator if labels else []
        firsts.append(len(labels))
        labels += spelling
    return labels, firsts


def _start(peak: int) -> float:
    """Return where the sound of a peak begins, frames; near the beginning of the audio sounds share what there is."""
    return float(max(peak - LEAD_FRAMES, peak / 4))


def _fit(log_probs: LogProbs, labels: Sequence[int], states: States, blank: int) -> float:
    extended = np.full(2 * len(labels) + 1, blank)
    extended[1::2] = labels
    on_path = log_probs[np.arange(len(log_probs)), extended[states]]
    lost = float((log_probs.max(axis=1) - on_path).sum()) / len(labels)
    return float(np.exp(-lost))
