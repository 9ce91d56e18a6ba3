"""The weights of the language model, by the word error rate of a dev split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from asr_training.evaluate import chosen_utterances
from asr_training.prepare import read_audio
from asr_training.scoring import Rate, Scored, word_error_rate
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.events import Segment
from voice.models.asr import CtcRecognizer
from voice.stages import LogProbs
from voice.text import normalise

WEIGHTS = (0.3, 0.5, 0.7, 0.9, 1.2)
BONUSES = (0.0, 1.0, 2.0, 3.0)


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
        Heard(u.speaker or u.audio, normalise(u.text or ""), recognizer.log_probs(Segment(samples, 0, rate)))
        for root in data
        for folder, u in chosen_utterances(root, split, limit, seed=1)
        for samples in [read_audio(folder / u.audio, rate)]
    ]


def tune(heard: Sequence[Heard], decoder: LexiconDecoder, say: Callable[[str], None]) -> tuple[LexiconSettings, Rate]:
    """Return the best settings of a grid and their word error rate.

    Args:
        heard: utterances of a dev split.
        decoder: whose weights are searched.
        say: receives a line a try.
    """
    found = []
    for weight, bonus in product(WEIGHTS, BONUSES):
        settings = decoder.settings.model_copy(update={"weight": weight, "word_bonus": bonus})
        tried = decoder.with_settings(settings)
        scored = [Scored(u.speaker, u.reference, " ".join(tried.best_words(u.log_probs))) for u in heard]
        rate = word_error_rate(scored, resamples=200)
        say(f"weight {weight} bonus {bonus}: WER {rate.value:.2f} %")
        found.append((rate.value, weight, settings, rate))
    _, _, settings, rate = min(found, key=lambda item: item[:2])
    return settings, rate
