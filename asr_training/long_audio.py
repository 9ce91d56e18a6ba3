"""Posteriors of recordings of any length, in windows: a network trained on sentences hears a sentence at a time."""

import numpy as np

from voice.events import Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.stages import LogProbs

_WHOLE_S = 30  # up to here a recording is heard at once
_WINDOW_S = 20
_CONTEXT_S = 2  # heard before and after each window, and thrown away; even seconds are whole encoder frames


def log_probs_of(recogniser: CtcRecognizer, samples: Samples) -> LogProbs:
    """Return CTC log-probabilities of a recording at the recogniser's rate, shape (label frames, labels)."""
    rate = recogniser.features.rate
    if len(samples) <= _WHOLE_S * rate:
        return recogniser.log_probs(Segment(samples, 0, rate))
    window, context = _WINDOW_S * rate, _CONTEXT_S * rate
    n_window, n_context = (round(seconds / recogniser.stride_seconds) for seconds in (_WINDOW_S, _CONTEXT_S))
    parts = []
    for start in range(0, len(samples), window):
        lead = context if start else 0
        is_last = start + window + context >= len(samples)
        heard = samples[start - lead : None if is_last else start + window + context]
        found = recogniser.log_probs(Segment(heard, start - lead, rate))
        first = n_context if start else 0
        parts.append(found[first:] if is_last else found[first : first + n_window])
        if is_last:
            break
    return np.concatenate(parts)
