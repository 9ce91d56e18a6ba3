"""The prefix beam against every path, with a language model and hot words, and as a user sees it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_training.lm import Sizes, estimate
from tests.decoding.brute import ALPHABET, random_log_probs, texts
from voice.decoding.beam import BeamSettings, PrefixBeam
from voice.decoding.hotwords import HotWords
from voice.decoding.ngram import MARKS, NGram
from voice.decoding.trie import build_trie
from voice.text import Alphabet

TEXT = ["a ab", "ab ba", "b a", "a a b", "ba ab a", "ab", "b b"]
WIDE = {"beam": 100_000, "prune": -1e6}


@pytest.fixture(scope="module")
def model():
    return NGram(estimate(TEXT, Sizes(min_count=1)))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_wide_beam_scores_every_text_as_brute_force_does(seed, frames):
    log_probs = random_log_probs(seed, frames)
    expected = texts(log_probs)
    found = PrefixBeam(ALPHABET, BeamSettings(**WIDE)).scores(log_probs)
    assert found.keys() == expected.keys()
    assert all(found[text] == pytest.approx(score, abs=1e-3) for text, score in expected.items())


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_language_model_weighs_every_text_once(model, seed, frames):
    def worth(text):
        unknown = sum(word not in model.words for word in text.split())
        return 0.7 * model.score(text.split()) + 0.5 * len(text.split()) - 2.0 * unknown

    log_probs = random_log_probs(seed, frames)
    expected = texts(log_probs, worth)
    options = BeamSettings(weight=0.7, word_bonus=0.5, unknown_nats=2.0, **WIDE)
    labels = {label: i for i, label in enumerate(ALPHABET.labels) if i}
    trie = build_trie(model.words, model.unigrams, labels, len(MARKS))
    found = PrefixBeam(ALPHABET, options, model=model, trie=trie).scores(log_probs)
    assert all(found[text] == pytest.approx(score, abs=5e-3) for text, score in expected.items())


PHRASES = {"a": 1.5, "ab": 2.0, "a b": 3.0, "b ab": -1.0}


def hot_worth(text, phrases=PHRASES):
    """From left to right, at each word the longest phrase, none twice: counted on whole words."""
    words, gained = text.split(), 0.0
    while words:
        fits = [n for n in range(len(words), 0, -1) if " ".join(words[:n]) in phrases]
        gained += phrases[" ".join(words[: fits[0]])] if fits else 0.0
        words = words[fits[0] if fits else 1 :]
    return gained


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_hot_words_count_where_they_stand_as_words(seed, frames):
    log_probs = random_log_probs(seed, frames)
    expected = texts(log_probs, hot_worth)
    found = PrefixBeam(ALPHABET, BeamSettings(**WIDE), hotwords=HotWords(PHRASES)).scores(log_probs)
    assert all(found[text] == pytest.approx(score, abs=1e-3) for text, score in expected.items())


@given(st.text("ab ", max_size=14))
def test_hot_words_read_letter_by_letter_gain_what_the_whole_text_does(text):
    hot, state, gained = HotWords(PHRASES), "", 0.0
    for character in " ".join(text.split()):
        more, state = hot.after(state, character)
        gained += more
    assert gained + hot.ended(state) == pytest.approx(hot_worth(text))


def test_the_credit_of_a_hot_word_grows_along_it_and_is_lost_where_it_is_left():
    hot = HotWords({"living room": 11.0, "live": 4.0})
    state, credits = "", []
    for character in "living r":
        gained, state = hot.after(state, character)
        assert gained == 0
        credits.append(hot.credit(state))
    assert credits == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    gained, state = hot.after(state, "x")
    assert (gained, hot.credit(state)) == (0.0, 0.0)


def posteriors(*frames):
    """Log-probabilities of frames that are given as letters with probabilities."""
    alphabet = Alphabet()
    rows = np.full((len(frames), len(alphabet)), -20, np.float32)
    for t, frame in enumerate(frames):
        for letter, p in frame.items():
            rows[t, alphabet.encode(letter)[0] if letter != "_" else 0] = np.log(p)
    return rows


def test_a_hot_word_wins_a_close_race():
    log_probs = posteriors({"c": 0.55, "b": 0.45}, {"a": 1.0}, {"t": 1.0})
    assert PrefixBeam(Alphabet()).decode(log_probs, 0.04).text == "cat"
    boosted = PrefixBeam(Alphabet(), hotwords=HotWords({"bat": 2.0}))
    assert boosted.decode(log_probs, 0.04).text == "bat"
    narrow = PrefixBeam(Alphabet(), BeamSettings(beam=1), hotwords=HotWords({"bat": 2.0}))
    assert narrow.decode(log_probs, 0.04).text == "bat", "it is not pruned on its way"


def test_the_n_best_texts_differ_and_have_times():
    log_probs = posteriors({"h": 1.0}, {"i": 0.6, "a": 0.4}, {"_": 1.0}, {" ": 1.0}, {"o": 0.7, "a": 0.3}, {"_": 1.0})
    best = PrefixBeam(Alphabet()).n_best(log_probs, 0.04, 3)
    assert [t.text for t in best] == ["hi o", "ha o", "hi a"]
    assert [(w.text, round(w.start, 2), round(w.end, 2)) for w in best[1].tokens] == [("ha", 0, 0.08), ("o", 0.16, 0.2)]
    assert best[0].confidence > best[1].confidence


def test_blanks_separate_double_letters_and_nothing_gives_nothing():
    assert PrefixBeam(Alphabet()).decode(posteriors({"l": 1.0}, {"_": 1.0}, {"l": 1.0}), 0.04).text == "ll"
    empty = PrefixBeam(Alphabet()).decode(np.zeros((0, 29), np.float32), 0.04)
    assert (empty.text, empty.confidence, empty.tokens) == ("", 0.0, ())
