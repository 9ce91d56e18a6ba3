"""Every path there is: what a search must find, for posteriors of a few frames."""

import itertools
from collections.abc import Callable

import numpy as np

from voice.text import Alphabet

ALPHABET = Alphabet(("<blank>", " ", "a", "b"))


def random_log_probs(seed: int, frames: int, labels: int = len(ALPHABET)) -> np.ndarray:
    """Return (frames, labels) log-probabilities of any kind."""
    logits = np.random.default_rng(seed).normal(0, 2, (frames, labels))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def texts(log_probs: np.ndarray, worth: Callable[[str], float] = lambda text: 0.0) -> dict[str, float]:
    """Return the score of every text: all paths that spell its words, with any spaces, and what the text is worth."""
    scored: dict[str, float] = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        text = " ".join(ALPHABET.decode(label for label, _ in itertools.groupby(path)).split())
        acoustic = sum(float(log_probs[t, label]) for t, label in enumerate(path))
        scored[text] = float(np.logaddexp(scored.get(text, -np.inf), acoustic))
    return {text: score + worth(text) for text, score in scored.items()}
