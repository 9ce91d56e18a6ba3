"""The weights of the language model, by the word error rate of a dev split."""

from collections.abc import Callable, Sequence
from itertools import product

from asr_training.heard import Heard
from asr_training.scoring import Rate, Scored, word_error_rate
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings

WEIGHTS = (0.3, 0.5, 0.7, 0.9, 1.2)
BONUSES = (-1.0, 0.0, 1.0, 2.0)


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
