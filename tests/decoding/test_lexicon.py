"""The word search against brute force, and what it does with real texts' models."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_training.lm import Sizes, estimate
from tests.decoding.brute import ALPHABET, random_log_probs, texts
from tests.decoding.posteriors import posteriors_of
from tests.decoding.spoken_words import PHONE_ALPHABET, SAID, SPELLER, phones_of
from voice.decoding.alignment import align
from voice.decoding.ctc import log_likelihood
from voice.decoding.hotwords import HotWords
from voice.decoding.lexicon import WORD_COST, LexiconDecoder, LexiconSettings
from voice.decoding.ngram import MARKS, NGram
from voice.decoding.trie import build_trie, trie_of
from voice.errors import ConfigError
from voice.text import Alphabet

WORDS = ("a", "ab", "ba", "b")
TEXT = ["a ab", "ab ba", "b a", "a a b", "ba ab a", "ab", "b b"]
WIDE = {"beam": 10_000, "width": 1e6, "prune": -1e6}


@pytest.fixture(scope="module")
def model():
    return NGram(estimate(TEXT, Sizes(min_count=1)))


def decoder(model, hot=None, **options):
    labels = {label: i for i, label in enumerate(ALPHABET.labels) if i}
    trie = build_trie(model.words, model.unigrams, labels, len(MARKS))
    hotwords = HotWords(hot) if hot else None
    return LexiconDecoder(model, trie, ALPHABET, LexiconSettings(**{**WIDE, **options}), hotwords)


def brute_force(model, posteriors, weight, bonus, hot=None):
    """The score of every sequence of known words: all paths that spell it, the model, and hot words."""

    def worth(text):
        words = text.split()
        if not set(words) <= set(WORDS):
            return -np.inf
        return weight * model.score(words) + bonus * len(words) + sum((hot or {}).get(word, 0.0) for word in words)

    return {text: score for text, score in texts(posteriors, worth).items() if np.isfinite(score)}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_best_words_are_those_of_brute_force(model, seed, frames):
    posteriors = random_log_probs(seed, frames)
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
    posteriors = random_log_probs(seed, frames)
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


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_hot_word_is_worth_its_bonus_and_the_order_of_texts_is_that_of_brute_force(model, seed, frames):
    posteriors, hot = random_log_probs(seed, frames), {"ab": 1.5, "b": -0.5}
    expected = brute_force(model, posteriors, 0.7, 0.5, hot)
    search = decoder(model, hot, weight=0.7, word_bonus=0.5)
    for text, score in search.scores(posteriors).items():
        assert score <= expected[text] + 0.05, "what is merged with a better text is lost to this one"
    best = [t.text for t in search.n_best(posteriors, 0.04, 3)]
    assert len(set(best)) == len(best)
    assert expected[best[0]] == pytest.approx(max(expected.values()), abs=0.05)


def sharp(*labels):
    rows = np.full((len(labels), 4), -12.0, np.float32)
    for t, label in enumerate(labels):
        rows[t, 0 if label == "_" else ALPHABET.labels.index(label)] = -0.01
    return rows


def test_a_hot_word_that_no_text_had_can_be_said_and_a_phrase_is_one(model):
    spoken = sharp("a", "b", "a", "_", " ", "b")
    assert decoder(model).best_words(spoken) != ["aba", "b"], "not in the lexicon"
    assert decoder(model, {"aba": 12.0}).best_words(spoken) == ["aba", "b"]
    phrase = decoder(model, {"aba b": 12.0})
    assert phrase.best_words(spoken) == ["aba", "b"]
    assert phrase.with_settings(LexiconSettings(**WIDE)).best_words(spoken) == ["aba", "b"]
    assert phrase.with_hotwords(None).best_words(spoken) == decoder(model).best_words(spoken)
    assert [t.text for t in phrase.decode(spoken, 0.04).tokens] == ["aba", "b"]


def test_a_hot_word_without_labels_is_a_clear_error(model):
    with pytest.raises(ConfigError, match="no label"):
        decoder(model, {"xyz": 1.0})
    with pytest.raises(ConfigError, match="hot word"):
        HotWords({" a": 1.0})


PHONES = Alphabet(("<blank>", "AH", "B"))
SPOKEN = {"a": [(1,)], "ab": [(1, 2), (1, 1)], "ba": [(2, 1)], "b": [(2,), (2, 1)]}  # "ba" and "b" can sound the same


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_words_of_phones_follow_each_other_without_a_space_and_may_sound_alike(model, seed, frames):
    posteriors = random_log_probs(seed, frames, len(PHONES))
    spelled = [(model.index[word], labels) for word, ways in SPOKEN.items() for labels in ways]
    options = LexiconSettings(**WIDE, weight=0.7, word_bonus=0.5)
    search = LexiconDecoder(model, trie_of(spelled, model.unigrams), PHONES, options)
    expected = {}
    for n in range(frames + 1):
        for words in itertools.product(SPOKEN, repeat=n):
            ways = [[p for way in each for p in way] for each in itertools.product(*(SPOKEN[word] for word in words))]
            acoustic = np.logaddexp.reduce(
                [log_likelihood(posteriors, way, 0) for way in ways if len(way) <= frames] or [-np.inf]
            )
            expected[" ".join(words)] = acoustic + 0.7 * model.score(list(words)) + 0.5 * n
    found = search.scores(posteriors)
    for text, score in found.items():
        assert score <= expected[text] + 0.05
    assert expected[max(found, key=found.get)] == pytest.approx(max(expected.values()), abs=0.05)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_without_a_language_model_each_word_costs_the_same(model, seed, frames):
    posteriors = random_log_probs(seed, frames, len(PHONES))
    spelled = [(model.index[word], labels) for word, ways in SPOKEN.items() for labels in ways]
    search = LexiconDecoder(model, trie_of(spelled, model.unigrams), PHONES, LexiconSettings(**WIDE))
    found = " ".join(search.without_language_model().best_words(posteriors))
    expected = {}
    for n in range(frames + 1):
        for words in itertools.product(SPOKEN, repeat=n):
            ways = [[p for way in each for p in way] for each in itertools.product(*(SPOKEN[word] for word in words))]
            scores = [log_likelihood(posteriors, way, 0) for way in ways if len(way) <= frames]
            expected[" ".join(words)] = np.logaddexp.reduce(scores or [-np.inf]) - WORD_COST * n
    assert expected[found] == pytest.approx(max(expected.values()), abs=0.35), "of b and ba one has B AH to itself"


def test_without_a_language_model_a_long_word_is_not_two_short_ones_and_homophones_are_the_commonest():
    known = ["the light", "the light is on", "a lie it", "too", "to it", "to the light", "to"]
    model = NGram(estimate(known, Sizes(min_count=1)))
    said = {"the": "DH AH", "light": "L AY T", "is": "IH Z", "on": "AA N", "a": "AH", "lie": "L AY", "it": "T"}
    said |= {"too": "T UW", "to": "T UW"}
    spelled = [(model.index[word], PHONE_ALPHABET.encode(way.split())) for word, way in said.items()]
    search = LexiconDecoder(model, trie_of(spelled, model.unigrams), PHONE_ALPHABET)
    alone = search.without_language_model()
    speech = posteriors_of("T UW DH AH L AY T".split(), sharpness=9.0, alphabet=PHONE_ALPHABET)
    assert alone.decode(speech, 0.04).text == "to the light"
    with_bonus = LexiconSettings(weight=0.0, word_bonus=2.0)
    assert "lie it" in search.with_settings(with_bonus).decode(speech, 0.04).text, "what the cost is for"


def test_without_a_language_model_words_with_spaces_cost_nothing(model):
    search = decoder(model).without_language_model()
    assert (search.settings.weight, search.settings.word_bonus) == (0.0, 0.0)


def test_words_of_phones_have_times_and_the_model_tells_what_sounds_alike(model):
    rows = np.full((7, 3), -12.0, np.float32)
    for t, label in enumerate((0, 2, 0, 1, 0, 1, 0)):
        rows[t, label] = -0.01
    spelled = [(model.index[word], labels) for word, ways in SPOKEN.items() for labels in ways]
    trie = trie_of(spelled, model.unigrams)
    heard = LexiconDecoder(model, trie, PHONES, LexiconSettings(**WIDE)).decode(rows, 0.04)
    assert heard.text in ("ba a", "b a"), "the language model has the choice"
    assert [token.text for token in heard.tokens] == heard.text.split()
    assert heard.tokens[0].end <= heard.tokens[1].start + 1e-9
    assert 0.9 < heard.confidence <= 1
    assert trie.spelling(model.index["ba"]) == [2, 1]
    assert trie.spelling(999) == []


def test_a_hot_word_of_phones_is_found_in_each_of_its_pronunciations():
    known = ["call mary", "call the room", "turn the light off"]
    model = NGram(estimate(known, Sizes(min_count=1)))
    spelled = [
        (i, PHONE_ALPHABET.encode(way)) for i, word in enumerate(model.words) if i >= len(MARKS) for way in SAID[word]
    ]
    search = LexiconDecoder(model, trie_of(spelled, model.unigrams), PHONE_ALPHABET, speller=SPELLER)
    for way in (0, 1):
        speech = posteriors_of(phones_of("call the bathroom", way), sharpness=9.0, alphabet=PHONE_ALPHABET)
        assert "bathroom" not in search.decode(speech, 0.04).text
        hot = search.with_hotwords(HotWords({"the bathroom": 3.0})).decode(speech, 0.04)
        assert hot.text == "call the bathroom"
        assert [token.text for token in hot.tokens] == ["call", "the", "bathroom"]
