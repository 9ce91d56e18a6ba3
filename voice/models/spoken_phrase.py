"""Does a recording say a phrase? What a recogniser thinks of its labels, against the best it can make of the sound."""

import numpy as np

from voice.audio.takes import measure
from voice.decoding.ctc import log_likelihood
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.text import normalise

_MARGIN, _QUIET = 3 * RATE // 10, RATE // 5
_PEAK = 0.3


class SpokenPhrase:
    """Scores recordings of one phrase.

    Args:
        phrase: English; of a name that isn't said as its spelling suggests all takes score low.
        recogniser: None for the shipped one.

    Raises:
        BundleError: there is no recogniser.
        ConfigError: the phrase holds nothing to say.
    """

    def __init__(self, phrase: str, recogniser: CtcRecognizer | None = None) -> None:
        self._recogniser = recogniser or CtcRecognizer(load_bundle("asr-en", kind="asr"))
        text = normalise(phrase)
        self._spellings = self._recogniser.spellings(text)
        if self._recogniser.speller.separator:
            self._spellings += self._recogniser.spellings(text.replace(" ", ""))

    def score(self, samples: Samples) -> float:
        """Return the log-likelihood of the phrase over that of the best path, nats a label: 0 at most, -1 is good.

        Args:
            samples: mono at 16 kHz; what lies 0.3 s outside of the speech is left out, and the level doesn't count.
        """
        facts = measure(samples)
        speech = samples[max(0, facts.start - _MARGIN) : facts.end + _MARGIN]
        loudest = float(np.abs(speech).max(initial=0.0))
        quiet = np.zeros(_QUIET, np.float32)
        audio = np.concatenate([quiet, speech * np.float32(_PEAK / max(loudest, 1e-4)), quiet])
        log_probs = self._recogniser.log_probs(Segment(audio, 0))
        best = float(log_probs.max(axis=1).sum())
        blank = self._recogniser.alphabet.blank
        fits = [(log_likelihood(log_probs, labels, blank) - best) / len(labels) for labels in self._spellings]
        return min(0.0, max(_WORST, *fits))


_WORST = -20.0  # also where the sound is too short for the phrase
