"""Error rates by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_training.scoring import (
    Edits,
    Scored,
    aligned,
    by_group,
    character_error_rate,
    confusions,
    cosine_similarity,
    sentence_error_rate,
    word_edits,
    word_error_difference,
    word_error_rate,
)
from voice.text import edit_distance

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


def test_errors_have_kinds():
    assert word_edits(SCORED) == Edits(substitutions=2, deletions=1, insertions=0, words=9)
    assert aligned(["a", "b"], ["b", "c"]) == [("a", "b"), ("b", "c")]
    assert aligned([], ["x"]) == [(None, "x")]
    assert aligned(["x"], []) == [("x", None)]


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_an_alignment_costs_the_edit_distance_and_keeps_both_texts(reference, hypothesis):
    pairs = aligned(reference, hypothesis)
    assert [word for word, _ in pairs if word is not None] == reference
    assert [got for _, got in pairs if got is not None] == hypothesis
    assert sum(word != got for word, got in pairs) == edit_distance(reference, hypothesis)


def test_sentences_and_cosines_of_word_counts():
    assert sentence_error_rate(SCORED).value == pytest.approx(100 * 2 / 3)
    expected = (3 / math.sqrt(4 * 3) + 1 + 1) / 3  # the order of words does not count
    assert cosine_similarity(SCORED).value == pytest.approx(100 * expected)
    assert cosine_similarity([Scored("a", "x", "")]).value == 0


def test_groups_have_their_own_rates():
    rows = {name: (rate.value, rate.n) for name, rate, _ in by_group(SCORED, ["one", "one", "two"])}
    assert rows == {"one": (20.0, 2), "two": (50.0, 1)}
    spread = by_group(SCORED[:2], ["one", "one"])[0][1]
    assert spread.low < spread.value < spread.high, "one speaker: over utterances"


def test_the_most_frequent_confusions_come_first():
    pairs = [Scored("a", "the cat", "a cat"), Scored("a", "the dog", "a dog"), Scored("a", "hello", "")]
    assert confusions(pairs, 2) == [("the", "a", 2), ("hello", None, 1)]
