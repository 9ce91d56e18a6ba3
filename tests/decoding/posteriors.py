"""Log-probabilities as a recogniser might give them for a text: right labels, blanks, noise, and confusions."""

from collections.abc import Iterable

import numpy as np

from voice.text import Alphabet

ALPHABET = Alphabet()


def posteriors_of(
    text: Iterable[str],
    *,
    seed: int = 0,
    sharpness: float = 4.0,
    lead: int = 3,
    trail: int = 6,
    alphabet: Alphabet = ALPHABET,
) -> np.ndarray:
    """Return (frames, labels) log-probabilities.

    Args:
        text: what is spoken, or the names of its labels.
        seed: of the noise and of how long each label lasts.
        sharpness: logit of the right label over noise of standard deviation 1; 3 and less confuses often.
        lead: frames of silence before.
        trail: frames of silence after.
        alphabet: the labels.
    """
    rng = np.random.default_rng(seed)
    labels = [0] * lead
    previous = -1
    for label in alphabet.encode(text):
        if label == previous:
            labels.append(0)
        labels += [label, *([0] * int(rng.integers(0, 3)))]
        previous = label
    labels += [0] * trail
    logits = rng.normal(0, 1, (len(labels), len(alphabet)))
    logits[np.arange(len(labels)), labels] += sharpness
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
