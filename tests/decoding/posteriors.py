"""Log-probabilities as a recogniser might give them for a text: right labels, blanks, noise, and confusions."""

import numpy as np

from voice.text import Alphabet

ALPHABET = Alphabet()


def posteriors_of(text: str, *, seed: int = 0, sharpness: float = 4.0, lead: int = 3, trail: int = 6) -> np.ndarray:
    """Return (frames, 29) log-probabilities.

    Args:
        text: what is spoken.
        seed: of the noise and of how long each label lasts.
        sharpness: logit of the right label over noise of standard deviation 1; 3 and less confuses often.
        lead: frames of silence before.
        trail: frames of silence after.
    """
    rng = np.random.default_rng(seed)
    labels = [0] * lead
    previous = -1
    for label in ALPHABET.encode(text):
        if label == previous:
            labels.append(0)
        labels += [label, *([0] * int(rng.integers(0, 3)))]
        previous = label
    labels += [0] * trail
    logits = rng.normal(0, 1, (len(labels), len(ALPHABET)))
    logits[np.arange(len(labels)), labels] += sharpness
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
