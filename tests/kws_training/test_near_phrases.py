"""Phone distances against plain recurrences, and the phrases near a phrase."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws_training.near_phrases import SAME, NearPhrases
from kws_training.phone_distance import (
    distance,
    distances_within,
    gap_costs,
    prefix_distances,
    sequences,
    substitutions,
)
from kws_training.pronounce import Pronouncer, installed_pronouncer
from kws_training.word_rates import rates_in, shipped_pairs, shipped_rates
from voice.decoding.phones import PHONES, VOWELS, installed_dictionary

SPOKEN = st.lists(st.sampled_from(PHONES), min_size=1, max_size=6).map(tuple)


def plain(one, other):
    """Levenshtein's recurrence as the textbook has it."""
    costs, gaps, at = substitutions(), gap_costs(), PHONES.index
    table = np.zeros((len(one) + 1, len(other) + 1), np.float32)
    table[1:, 0] = np.cumsum([gaps[at(phone)] for phone in one])
    table[0, 1:] = np.cumsum([gaps[at(phone)] for phone in other])
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            table[i, j] = min(
                table[i - 1, j - 1] + costs[at(a), at(b)],
                table[i - 1, j] + gaps[at(a)],
                table[i, j - 1] + gaps[at(b)],
            )
    return float(table[-1, -1])


@given(SPOKEN, st.lists(SPOKEN, min_size=1, max_size=5))
def test_every_beginning_is_compared_with_every_sequence(phrase, spoken):
    found = prefix_distances(phrase, sequences(spoken))
    wanted = [[plain(phrase[:i], other) for other in spoken] for i in range(len(phrase) + 1)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@given(SPOKEN, st.lists(SPOKEN, min_size=1, max_size=5))
def test_backwards_every_end_is_compared(phrase, spoken):
    found = prefix_distances(phrase[::-1], sequences(spoken).reversed())
    wanted = [[plain(phrase[len(phrase) - i :], other) for other in spoken] for i in range(len(phrase) + 1)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@given(SPOKEN, st.lists(SPOKEN, min_size=1, max_size=4))
def test_the_phrase_is_sought_anywhere(phrase, spoken):
    found = distances_within(phrase, sequences(spoken))
    for column, other in enumerate(spoken):
        for end in range(len(other) + 1):
            best = min(plain(phrase, other[start:end]) for start in range(end + 1))
            assert found[end, column] == pytest.approx(best, abs=1e-5)
        assert np.all(np.isinf(found[len(other) + 1 :, column]))


def test_alike_phones_are_near():
    def apart(one, other):
        return distance((one,), (other,))

    assert apart("P", "B") < apart("P", "M") < apart("P", "AA")
    assert apart("IY", "IH") < apart("IY", "AA")
    assert apart("S", "SH") < apart("S", "M")
    costs = substitutions()
    np.testing.assert_array_equal(costs, costs.T)
    assert np.all((costs > 0) == ~np.eye(len(PHONES), dtype=bool))
    assert all(distance((one,), (other,)) <= 1 for one in VOWELS for other in VOWELS)


WORDS = {
    "hey": [("HH", "EY")],
    "hay": [("HH", "EY")],
    "heyday": [tuple("HH EY D EY".split())],
    "luna": [tuple("L UW N AH".split())],
    "lunar": [tuple("L UW N ER".split())],
    "lunacy": [tuple("L UW N AH S IY".split())],
    "tuna": [tuple("T UW N AH".split())],
    "una": [tuple("UW N AH".split())],
    "ina": [tuple("IY N AH".split())],
    "hello": [tuple("HH AH L OW".split())],
    "helena": [tuple("HH EH L AH N AH".split())],
    "zebra": [tuple("Z IY B R AH".split())],
    "hail": [tuple("HH EY L".split())],
    "hmm": [("HH", "M")],
}


@pytest.fixture
def pronouncer():
    return Pronouncer(WORDS)


def test_parts_exchanged_words_single_words_and_pairs_are_near(pronouncer):
    near = {found.text: found for found in NearPhrases(pronouncer).around(pronouncer.pronounce("hey luna"))}
    kinds = {text: near[text].kind for text in ("hey", "luna", "hey tuna", "hey zebra", "helena", "hail ina")}
    assert set(kinds) <= set(near)
    assert kinds["hey"] == kinds["luna"] == "part"
    assert kinds["hey tuna"] == kinds["hey zebra"] == "exchanged"
    assert kinds["helena"] == "word"
    assert kinds["hail ina"] == "pair"
    said = pronouncer.pronounce("helena").phones
    assert near["helena"].distance == pytest.approx(distance(tuple("HH EY L UW N AH".split()), said), abs=1e-3)


def test_what_can_not_be_told_from_the_phrase_is_left_out(pronouncer):
    texts = {found.text for found in NearPhrases(pronouncer).around(pronouncer.pronounce("hey luna"))}
    for text in ("hey luna", "hay luna", "hail una", "hey lunar", "hay lunacy", "hmm"):
        assert text not in texts
    assert all(found.text != "lunacy" for found in NearPhrases(pronouncer).around(pronouncer.pronounce("luna")))


def test_near_phrases_come_sorted_and_the_same_for_the_same_seed(pronouncer):
    phrase, words = pronouncer.pronounce("hey luna"), NearPhrases(pronouncer)
    found = words.around(phrase, n=12, seed=3)
    assert len(found) == 12
    assert found == sorted(found)
    assert found == NearPhrases(Pronouncer(dict(WORDS))).around(phrase, n=12, seed=3)
    assert found != words.around(phrase, n=12, seed=4)


def test_words_that_nobody_says_are_left_out(pronouncer):
    rates = rates_in(["hello, hello there tuna", "Hey tuna"])
    near = NearPhrases(pronouncer, rates).around(pronouncer.pronounce("hey luna"))
    words = {word for found in near for word in found.text.split()}
    assert words == {"hey", "luna", "hello", "tuna"}  # the phrase's own, and those of the text


def test_a_dictionary_without_anything_near_gives_nothing(pronouncer):
    phrase = pronouncer.pronounce("zebra")
    assert NearPhrases(Pronouncer({})).around(phrase) == []
    assert NearPhrases(Pronouncer({"hmm": [("HH", "M")]})).around(phrase) == []
    assert NearPhrases(pronouncer).around(Pronouncer({"a": [("AH",)]}).pronounce("a")) == []


@pytest.mark.skipif(not installed_dictionary(), reason="pocketsphinx is not installed")
@pytest.mark.parametrize("text", ["computer", "hey luna", "alexa", "operator", "okay smart home"])
def test_any_phrase_has_two_hundred_near_phrases(text):
    pronouncer = installed_pronouncer()
    phrase = pronouncer.pronounce(text)
    near = NearPhrases(pronouncer, shipped_rates()).around(phrase, n=200, seed=1)
    assert len({found.text for found in near}) == 200
    assert all(found.distance >= SAME for found in near)
    assert not any(found.kind in {"word", "pair"} and found.distance > 3 for found in near)


def test_rates_are_counted_in_texts_and_known_for_common_words():
    assert rates_in(["Stop! stop", "go on"]) == {"stop": 500_000, "go": 250_000, "on": 250_000}
    rates = shipped_rates()
    assert 20_000 < rates["the"] < 80_000  # 5 to 6 % of running English
    assert rates["the"] > 100 * rates["stop"] > rates["computer"]
    assert sum(rates.values()) == pytest.approx(1e6, rel=0.01)


def test_pairs_of_words_follow_each_other_as_often_as_their_words_are_said():
    pairs = shipped_pairs()
    assert sum(share for _, _, share in pairs) == pytest.approx(1, abs=1e-3)
    assert pairs == shipped_pairs()
    of_the = next(share for one, two, share in pairs if (one, two) == ("of", "the"))
    assert 0.001 < of_the < shipped_rates()["of"] / 1e6
