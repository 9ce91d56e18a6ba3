"""The weights of the language model, by the word error rate of a dev split."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product

from asr_training.heard import Heard
from asr_training.scoring import Rate, Scored, word_error_rate
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings

WEIGHTS = (0.3, 0.5, 0.7, 0.9, 1.2)
BONUSES = (-1.0, 0.0, 1.0, 2.0)
STEPS = ((0.1, 0.5), (0.05, 0.25))
"""Of the search around the best of the grid: weight and word bonus."""


def tune(heard: Sequence[Heard], decoder: LexiconDecoder, say: Callable[[str], None]) -> tuple[LexiconSettings, Rate]:
    """Return the best settings, of a grid and then of finer steps around its best, and their word error rate.

    Args:
        heard: utterances of a dev split.
        decoder: whose weights are searched.
        say: receives a line a try.
    """
    tried: dict[tuple[float, float], Rate] = {}

    def best_of(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
        for weight, bonus in points:
            if weight > 0 and (weight, bonus) not in tried:
                tried[weight, bonus] = _rate(heard, decoder, weight, bonus)
                say(f"weight {weight:g} bonus {bonus:g}: WER {tried[weight, bonus].value:.2f} %")
        return min(tried, key=lambda point: (tried[point].value, point))

    best = best_of(product(WEIGHTS, BONUSES))
    for by_weight, by_bonus in STEPS:
        weight, bonus = best
        around = product((-by_weight, 0.0, by_weight), (-by_bonus, 0.0, by_bonus))
        best = best_of((round(weight + w, 3), round(bonus + b, 3)) for w, b in around)
    return _settings(decoder, *best), tried[best]


def _rate(heard: Sequence[Heard], decoder: LexiconDecoder, weight: float, bonus: float) -> Rate:
    search = decoder.with_settings(_settings(decoder, weight, bonus))
    scored = [Scored(u.speaker, u.reference, " ".join(search.best_words(u.log_probs))) for u in heard]
    return word_error_rate(scored, resamples=200)


def _settings(decoder: LexiconDecoder, weight: float, bonus: float) -> LexiconSettings:
    return decoder.settings.model_copy(update={"weight": weight, "word_bonus": bonus})
