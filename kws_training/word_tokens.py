"""Where a word is said in a transcribed recording, by CTC forced alignment, and a second of audio around it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from voice.decoding.alignment import align, joined
from voice.events import RATE, Samples
from voice.stages import LogProbs
from voice.text import Alphabet

_EDGE_FRAMES = 2.0
"""How far a word reaches beyond its labels where no other word follows or goes before, in label frames."""
_MOST_FRAMES = 4.0
"""How far it reaches beyond them at most where no space's label tells that the sound is over."""
_FADE = RATE // 100  # samples


@dataclass(frozen=True, slots=True)
class WordToken:
    """A word of a transcript and where it is said."""

    word: str
    start: float
    """Seconds."""
    end: float
    score: float
    """Geometric mean of the probabilities of its labels at the frames where they begin, 0 to 1."""


def word_tokens(
    log_probs: LogProbs,
    alphabet: Alphabet,
    transcript: Sequence[tuple[str, Sequence[int]]],
    words: Collection[str],
    stride: float,
) -> list[WordToken]:
    """Return every occurrence of some words of a transcript; none where the recording is too short for its text.

    The whole transcript is aligned (`voice.decoding.alignment`). A clip wants a margin, so a word reaches half way from
    its outer labels to those beside it: the spaces, or where none is a label the neighbours' phones, though not far.

    Args:
        log_probs: of the recording, shape (frames, labels).
        alphabet: what the labels are.
        transcript: each word with its labels.
        words: to find.
        stride: seconds between two frames.
    """
    labels, firsts = joined(alphabet, transcript)
    begins = align(log_probs, labels, alphabet.blank) if labels else []
    if not begins:
        return []
    most = np.inf if " " in alphabet.labels else _MOST_FRAMES
    found = []
    for (word, spelling), first in zip(transcript, firsts, strict=True):
        last = first + len(spelling) - 1
        if word not in words:
            continue
        before = begins[first] - _EDGE_FRAMES if first == 0 else (begins[first - 1] + begins[first]) / 2
        end = begins[last] + 1
        after = end + _EDGE_FRAMES if last == len(labels) - 1 else (end + begins[last + 1]) / 2
        before, after = max(before, begins[first] - most), min(after, end + most)
        scores = [log_probs[begins[i], labels[i]] for i in range(first, last + 1)]
        found.append(WordToken(word, max(0.0, before) * stride, after * stride, float(np.exp(np.mean(scores)))))
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
