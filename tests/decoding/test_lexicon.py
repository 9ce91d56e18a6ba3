"""The word search against brute force, and what it does with real texts' models."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_training.lm import Sizes, estimate
from voice.decoding.alignment import align
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.decoding.ngram import MARKS, NGram
from voice.decoding.trie import build_trie
from voice.text import Alphabet

ALPHABET = Alphabet(("<blank>", " ", "a", "b"))
WORDS = ("a", "ab", "ba", "b")
TEXT = ["a ab", "ab ba", "b a", "a a b", "ba ab a", "ab", "b b"]
WIDE = {"beam": 10_000, "width": 1e6, "prune": -1e6}


@pytest.fixture(scope="module")
def model():
    return NGram(estimate(TEXT, Sizes(min_count=1)))


def decoder(model, **options):
    labels = {label: i for i, label in enumerate(ALPHABET.labels) if i}
    trie = build_trie(model.words, model.unigrams, labels, len(MARKS))
    return LexiconDecoder(model, trie, ALPHABET, LexiconSettings(**{**WIDE, **options}))


def log_probs(seed, frames):
    logits = np.random.default_rng(seed).normal(0, 2, (frames, len(ALPHABET)))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def brute_force(model, posteriors, weight, bonus):
    """The score of every word sequence: all paths that spell it, with any spaces, and the model."""
    scored = {}
    for path in itertools.product(range(len(ALPHABET)), repeat=len(posteriors)):
        words = ALPHABET.decode(label for label, _ in itertools.groupby(path)).split()
        if set(words) <= set(WORDS):
            acoustic = sum(posteriors[t, label] for t, label in enumerate(path))
            text = " ".join(words)
            scored[text] = np.logaddexp(scored.get(text, -np.inf), acoustic)
    return {
        text: score + weight * model.score(text.split()) + bonus * len(text.split()) for text, score in scored.items()
    }


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_best_words_are_those_of_brute_force(model, seed, frames):
    posteriors = log_probs(seed, frames)
    scored = brute_force(model, posteriors, 0.7, 0.5)
    found = " ".join(decoder(model, weight=0.7, word_bonus=0.5).best_words(posteriors))
    assert scored[found] == pytest.approx(max(scored.values()), abs=0.05)


def test_without_weight_only_the_sound_counts(model):
    sharp = np.full((5, 4), -12.0, np.float32)
    for t, label in enumerate((2, 3, 1, 3, 2)):
        sharp[t, label] = 0.0
    assert decoder(model, weight=0.0, word_bonus=0.0).best_words(sharp) == ["ab", "ba"]


def test_the_model_decides_where_the_sound_does_not():
    model = NGram(estimate(["a b"] * 20 + ["a ba", "b"], Sizes(min_count=1)))
    unclear = np.log(
        np.array([[0.01, 0.01, 0.97, 0.01], [0.01, 0.97, 0.01, 0.01], [0.01, 0.01, 0.32, 0.66]], np.float32)
    )
    heard = decoder(model, weight=2.0, word_bonus=0.0).best_words(unclear)
    assert heard == ["a", "b"]


def test_words_have_times_and_confidences(model):
    sharp = np.full((8, 4), -12.0, np.float32)
    for t, label in enumerate((0, 2, 0, 1, 0, 3, 2, 0)):
        sharp[t, label] = -0.1
    transcript = decoder(model).decode(sharp, 0.04)
    assert transcript.text == "a ba"
    assert [(token.text, round(token.start, 2)) for token in transcript.tokens] == [("a", 0.04), ("ba", 0.2)]
    assert transcript.confidence == pytest.approx(np.exp(-0.1), abs=1e-3)


def test_nothing_is_an_empty_text(model):
    assert decoder(model).decode(np.zeros((0, 4), np.float32), 0.04).text == ""
    silence = np.tile(np.log(np.array([[0.97, 0.01, 0.01, 0.01]], np.float32)), (10, 1))
    assert decoder(model).decode(silence, 0.04).text == ""


def test_words_outside_the_alphabet_are_left_out():
    model = NGram(estimate(["a b", "a c"], Sizes(min_count=1)))
    trie = build_trie(model.words, model.unigrams, {"a": 2, "b": 3}, len(MARKS))
    assert {model.words[word] for word in trie.word if word >= 0} == {"a", "b"}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 7), st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_an_alignment_is_the_best_path(seed, frames, labels):
    posteriors = log_probs(seed, frames)
    best, score = None, -np.inf
    for path in itertools.product(range(4), repeat=frames):
        if [label for label, _ in itertools.groupby(path) if label] == labels:
            total = sum(posteriors[t, label] for t, label in enumerate(path))
            if total > score:
                best, score = path, total
    begins = align(posteriors, labels, 0)
    if best is None:
        assert begins == []
    else:
        expected = [t for t, label in enumerate(best) if label and (t == 0 or best[t - 1] != label)]
        assert begins == expected
