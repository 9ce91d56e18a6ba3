"""Where a word is said in a transcribed recording, by CTC forced alignment, and a second of audio around it."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from voice.decoding.alignment import align
from voice.events import RATE, Samples
from voice.stages import LogProbs
from voice.text import Alphabet

_EDGE_FRAMES = 2.0
"""How far a word reaches beyond its letters where no other word follows or goes before, in label frames."""
_FADE = RATE // 100  # samples


@dataclass(frozen=True, slots=True)
class WordToken:
    """A word of a transcript and where it is said."""

    word: str
    start: float
    """Seconds."""
    end: float
    score: float
    """Geometric mean of the probabilities of its letters at the frames where they begin, 0 to 1."""


def word_tokens(
    log_probs: LogProbs, alphabet: Alphabet, text: str, words: Collection[str], stride: float
) -> list[WordToken]:
    """Return every occurrence of some words of a transcript; none where the recording is too short for its text.

    The whole transcript is aligned (`voice.decoding.alignment`). A clip wants a margin, so a word reaches half way from
    its outer letters to the spaces beside it.

    Args:
        log_probs: of the recording, shape (frames, labels).
        alphabet: what the labels are.
        text: normalised transcript.
        words: to find.
        stride: seconds between two frames.
    """
    labels = alphabet.encode(text)
    begins = align(log_probs, labels, alphabet.blank) if labels else []
    if not begins:
        return []
    found, at = [], 0
    for word in text.split():
        first, last = at, at + len(word) - 1
        at = last + 2
        if word not in words:
            continue
        before = begins[first] - _EDGE_FRAMES if first == 0 else (begins[first - 1] + begins[first]) / 2
        end = begins[last] + 1
        after = end + _EDGE_FRAMES if last == len(labels) - 1 else (end + begins[last + 1]) / 2
        letters = [log_probs[begins[i], labels[i]] for i in range(first, last + 1)]
        found.append(WordToken(word, max(0.0, before) * stride, after * stride, float(np.exp(np.mean(letters)))))
    return found


def one_second(samples: Samples, token: WordToken, *, neighbours: bool = False) -> Samples:
    """Return the second of a recording with a word in its middle, shape (16000,); zeros beyond the recording's ends.

    Args:
        samples: the recording.
        token: the word.
        neighbours: keep what is said before and after it; otherwise it is faded out, as clips of single words have it.
    """
    start, end = (round(at * RATE) for at in (token.start, token.end))
    begin = (start + end) // 2 - RATE // 2
    window = np.zeros(RATE, np.float32)
    low, high = max(0, begin), min(len(samples), begin + RATE)
    if low < high:
        window[low - begin : high - begin] = samples[low:high]
    if not neighbours:
        at = np.arange(RATE)
        window *= np.clip(np.minimum(at - (start - begin), (end - begin) - at) / _FADE, 0, 1).astype(np.float32)
    return window
