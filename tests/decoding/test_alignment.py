"""Forced alignment: the best path, and the times that come of it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.alignment import LEAD_FRAMES, align, align_text, align_words, best_states
from voice.text import Alphabet

STRIDE = 0.04
PHONES = Alphabet(("_", "HH", "AY", "DH", "EH", "R"))


def log_probs(seed, frames, labels=4):
    return np.log(np.random.default_rng(seed).dirichlet(np.ones(labels), frames)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 7), st.lists(st.integers(1, 3), max_size=3))
def test_no_path_that_spells_the_labels_is_better(seed, frames, labels):
    posteriors = log_probs(seed, frames)
    totals = [
        sum(posteriors[t, label] for t, label in enumerate(path))
        for path in itertools.product(range(4), repeat=frames)
        if [label for label, _ in itertools.groupby(path) if label] == labels
    ]
    states = best_states(posteriors, labels, 0)
    if not totals or frames == 0:
        assert len(states) == 0
        return
    extended = [0, *itertools.chain.from_iterable((label, 0) for label in labels)]
    assert sum(posteriors[t, extended[state]] for t, state in enumerate(states)) == pytest.approx(max(totals), abs=1e-5)


def test_a_band_finds_the_same_path_with_less_memory():
    text = "the quick brown fox jumps over the lazy dog " * 20
    posteriors = posteriors_of(text.strip(), seed=3, sharpness=6)
    labels = ALPHABET.encode(text.strip())
    whole = best_states(posteriors, labels, 0)
    np.testing.assert_array_equal(best_states(posteriors, labels, 0, band=200), whole)


def test_an_audio_too_short_for_its_text_has_no_alignment():
    posteriors = log_probs(1, 3, len(ALPHABET))
    assert align(posteriors, ALPHABET.encode("hello"), 0) == []
    assert align_text(posteriors, ALPHABET, "hello", STRIDE) is None
    assert align_text(posteriors, ALPHABET, "", STRIDE) is None


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.lists(st.sampled_from(["a", "see", "it's", "off"]), min_size=1, max_size=5))
def test_words_and_their_labels_follow_each_other(seed, words):
    posteriors = log_probs(seed, 4 * len("".join(words)) + 10, len(ALPHABET))
    found = align_text(posteriors, ALPHABET, " ".join(words), STRIDE)
    assert [word.text for word in found.words] == words
    assert "".join(label.text for label in found.labels) == "".join(words)
    edges = [edge for word in found.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(posteriors) * STRIDE
    assert all(label.end > label.start for label in found.labels)
    at = 0
    for word in found.words:
        labels = found.labels[at : at + len(word.text)]
        at += len(word.text)
        assert (labels[0].start, labels[-1].end) == (word.start, word.end)
        assert all(a.end == b.start for a, b in itertools.pairwise(labels))


def test_a_word_is_where_its_letters_are():
    quiet = posteriors_of("", lead=25, trail=0, sharpness=9)
    posteriors = np.concatenate(
        [posteriors_of("go", sharpness=9, lead=10, trail=0), quiet, posteriors_of("on", lead=0)]
    )
    first, second = align_text(posteriors, ALPHABET, "go on", STRIDE).words
    assert first.start == pytest.approx((10 - LEAD_FRAMES) * STRIDE)
    assert 0 <= second.start - first.end - (25 - LEAD_FRAMES) * STRIDE < 3 * STRIDE


def test_words_that_follow_each_other_at_once_touch():
    posteriors = posteriors_of("go on then", sharpness=9)
    words = align_text(posteriors, ALPHABET, "go on then", STRIDE).words
    assert all(a.end == b.start for a, b in itertools.pairwise(words))


def test_a_wrong_a_missing_and_an_added_word_lower_the_score():
    posteriors = posteriors_of("turn on the light", sharpness=9)
    right = align_text(posteriors, ALPHABET, "turn on the light", STRIDE)
    assert right.score == pytest.approx(1.0)
    assert min(word.score for word in right.words) > 0.9
    for text in ("turn off the light", "turn the light", "turn on the small light"):
        assert align_text(posteriors, ALPHABET, text, STRIDE).score < 0.8
    wrong = align_text(posteriors, ALPHABET, "turn off the light", STRIDE)
    assert wrong.words[1].score < 0.1 < wrong.words[3].score


def test_phones_need_no_label_between_the_words():
    rows = np.full((12, len(PHONES)), -9.0, np.float32)
    rows[:, 0] = -0.01
    for frame, label in zip((1, 3, 6, 7, 9), (1, 2, 3, 4, 5), strict=True):
        rows[frame] = -9.0
        rows[frame, label] = -0.01
    found = align_words(rows, PHONES, [("hi", [1, 2]), ("there", [3, 4, 5])], STRIDE)
    assert [span.text for span in found.labels] == ["HH", "AY", "DH", "EH", "R"]
    assert found.words[0].end == found.words[1].start == pytest.approx((3.5 + 5) / 2 * STRIDE)
    assert found.score == pytest.approx(1.0, abs=0.02)
