"""A second look at a wake word: the speech recogniser's labels of the same audio, against the phrase's."""

from dataclasses import dataclass

from voice.decoding.phrase import phrase_fit
from voice.errors import ConfigError
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer

LOOK_BACK_S = 1.5
"""Audio before the wake that is looked at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the recogniser says of a wake."""

    loss: float
    """Nats for each label of the phrase that its best place loses against the free best path."""
    accepted: bool


class PhraseVerifier:
    """Accepts a wake where the recogniser finds the phrase in its audio.

    Args:
        recognizer: its labels.
        phrase: how the word is written.
        margin: most that each label may lose, nats.

    Raises:
        ConfigError: the recogniser has no label for a character of the phrase.
    """

    def __init__(self, recognizer: CtcRecognizer, phrase: str, margin: float) -> None:
        if missing := [character for character in phrase if character not in recognizer.letters]:
            raise ConfigError(
                f"the recogniser can't spell {missing[0]!r} of the wake word {phrase!r}", fix="give the word a phrase"
            )
        self._spellings = recognizer.spellings(phrase)
        self._recognizer = recognizer
        self._margin = margin

    def verify(self, samples: Samples, start: int = 0) -> Verdict:
        """Return what the recogniser says of the audio that ends with the wake.

        Args:
            samples: the last `LOOK_BACK_S`, or what there is.
            start: sample index of the first.
        """
        log_probs = self._recognizer.log_probs(Segment(samples, start, RATE))
        if len(log_probs) == 0:
            return Verdict(float("inf"), False)
        blank = self._recognizer.alphabet.blank
        loss = min(phrase_fit(log_probs, labels, blank).loss / len(labels) for labels in self._spellings)
        return Verdict(loss, loss <= self._margin)
