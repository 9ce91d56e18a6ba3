"""Error rates by hand."""

import math

from asr_training.scoring import Scored, character_error_rate, word_error_difference, word_error_rate

SCORED = [
    Scored("a", "turn on the light", "turn on light"),
    Scored("a", "stop", "stop"),
    Scored("b", "what time is it", "what time it is"),
]


def test_rates_are_sums_of_errors_over_sums_of_units():
    assert word_error_rate(SCORED).value == 100 * 3 / 9
    assert character_error_rate(SCORED[:2]).value == 100 * 4 / 21


def test_the_interval_holds_the_value_and_spans_the_speakers():
    rate = word_error_rate(SCORED)
    assert rate.low <= rate.value <= rate.high
    assert (rate.low, rate.high) == (20.0, 50.0)


def test_one_speaker_has_no_width():
    rate = word_error_rate(SCORED[:2])
    assert rate.low == rate.value == rate.high


def test_nothing_scored_is_not_a_number():
    assert math.isnan(word_error_rate([]).value)


def test_a_paired_difference_is_in_points_and_its_sign_tells_who_is_better():
    texts = ["turn on the light", "stop it now"] * 10
    good = [Scored(f"s{i % 5}", text, text) for i, text in enumerate(texts)]
    bad = [Scored(f"s{i % 5}", text, "off") for i, text in enumerate(texts)]
    rate = word_error_difference(good, bad)
    assert rate.value == -100
    assert word_error_difference(bad, good).value == 100
    assert word_error_difference(good, good).value == 0
