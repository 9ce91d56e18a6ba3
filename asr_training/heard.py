"""What a recogniser gives for the utterances of a split."""

from dataclasses import dataclass
from pathlib import Path

from asr_training.clips import chosen_utterances
from asr_training.prepare import read_audio
from voice.events import Segment
from voice.models.asr import CtcRecognizer
from voice.stages import LogProbs
from voice.text import normalise


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance's posteriors."""

    speaker: str
    reference: str
    log_probs: LogProbs


def heard_by(recognizer: CtcRecognizer, data: list[Path], split: str, limit: int | None) -> list[Heard]:
    """Return the posteriors of a split's utterances, `limit` drawn of each data folder.

    Raises:
        DataError: there is no such utterance.
    """
    rate = recognizer.features.rate
    return [
        Heard(
            u.speaker or u.audio,
            normalise(u.text or "", recognizer.letters),
            recognizer.log_probs(Segment(samples, 0, rate)),
        )
        for root in data
        for folder, u in chosen_utterances(root, split, limit, seed=1)
        for samples in [read_audio(folder / u.audio, rate)]
    ]
