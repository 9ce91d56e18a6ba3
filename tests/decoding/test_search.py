"""The search against every sentence of a small grammar, each aligned on its own."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.graph import START
from voice.decoding.search import Limits, Search
from voice.nlu.templates import SkillSentences, compile_grammar
from voice.text import Alphabet

SMALL = Alphabet(("<blank>", " ", "a", "b"), blank=0)
SENTENCES = ("a", "b", "ab", "aa", "a b", "bb a", "ba a", "bab")
GRAPH = compile_grammar(SkillSentences({"It": ["(a|b)", "{x}"]}, {"x": SENTENCES}))
NO_FILLER = Limits(filler=1.0, lead=0, trail=0, beam=1e6)


def random_log_probs(seed: int, frames: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 2, (frames, len(SMALL)))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def best_alignment(log_probs: np.ndarray, text: str) -> float:
    """Return the log-probability of the best CTC path of one text."""
    path = [0]
    for label in SMALL.encode(text):
        path += [label, 0]
    scores = np.full(len(path), -np.inf)
    scores[:2] = log_probs[0, path[:2]]
    for row in log_probs[1:]:
        skip = [i > 1 and path[i] not in (0, path[i - 2]) for i in range(len(path))]
        scores = np.array(
            [
                max(scores[i], scores[i - 1] if i else -np.inf, scores[i - 2] if skip[i] else -np.inf) + row[label]
                for i, label in enumerate(path)
            ]
        )
    return float(scores[-2:].max())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_the_best_path_is_that_of_the_best_sentence(seed: int, frames: int) -> None:
    log_probs = random_log_probs(seed, frames)
    search = Search(GRAPH.graph(), SMALL)
    path = search.best_path(log_probs, NO_FILLER)
    found = sum(log_probs[s.frame, search.labels[s.node] if s.is_label else search.blank] for s in path)
    assert [step.frame for step in path] == list(range(frames))
    assert np.isclose(found, max(best_alignment(log_probs, text) for text in SENTENCES), atol=1e-4)


def test_audio_too_short_for_any_sentence_has_no_path() -> None:
    graph = compile_grammar(SkillSentences({"It": ["abab"]}))
    assert Search(graph.graph(), SMALL).best_path(random_log_probs(0, 3), NO_FILLER) == []


def test_filler_takes_what_is_no_sentence_and_no_more_than_its_share() -> None:
    graph = compile_grammar(SkillSentences({"It": ["ab"]}))
    labels = SMALL.encode("bbbb") + SMALL.encode("ab") + SMALL.encode("  ")
    log_probs = np.full((len(labels), len(SMALL)), -9, np.float32)
    log_probs[np.arange(len(labels)), labels] = 0
    path = Search(graph.graph(), SMALL).best_path(log_probs, Limits(filler=0.5, lead=4, trail=2, beam=100))
    assert [(step.frame, step.is_label) for step in path if step.node != START] == [(4, True), (5, True)]
    impatient = Limits(filler=0.5, lead=4, trail=1, beam=100)
    assert Search(graph.graph(), SMALL).best_path(log_probs, impatient)[-1].frame > 5


def test_the_default_beam_decodes_as_an_unpruned_search_does() -> None:
    for seed in range(40):
        log_probs = random_log_probs(seed, 12)
        kept = GrammarDecoder(GRAPH, SMALL, 0.04, GrammarSettings()).match(log_probs)
        whole = GrammarDecoder(GRAPH, SMALL, 0.04, GrammarSettings(beam=1e6)).match(log_probs)
        assert kept is not None
        assert whole is not None
        assert kept.intent.text == whole.intent.text


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_the_best_ending_is_that_of_every_beginning_of_every_sentence(seed: int, frames: int) -> None:
    log_probs = random_log_probs(seed, frames)
    search = Search(GRAPH.graph(), SMALL)
    beginnings = {text[:n] for text in SENTENCES for n in range(1, len(text) + 1)}
    best = max(beginnings, key=lambda text: best_alignment(log_probs, text))
    path, is_whole = search.best_ending(log_probs, NO_FILLER)
    found = sum(log_probs[s.frame, search.labels[s.node] if s.is_label else search.blank] for s in path)
    assert np.isclose(found, best_alignment(log_probs, best), atol=1e-4)
    assert is_whole == (best in SENTENCES)
