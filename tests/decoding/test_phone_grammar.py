"""Constrained decoding with phones for labels: the same sentences, heard by how they sound."""

from collections.abc import Iterable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoding.posteriors import posteriors_of
from tests.decoding.spoken_words import PHONE_ALPHABET, SPELLER, phones_of
from voice.decoding.alignment import align
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.graph import PlainSentences
from voice.decoding.search import Limits, Search
from voice.decoding.speller import LETTERS, matches, spelled
from voice.nlu.templates import SkillSentences, compile_grammar
from voice.text import Alphabet

SENTENCES = SkillSentences(
    {
        "LightOn": ["(turn|switch) on [the] {room} light[s]"],
        "LightOff": ["(turn|switch) off [the] {room} light[s]"],
        "SetTimer": ["set [a] timer for {n} (minute|minutes)"],
        "Call": ["call {name}"],
        "Lock": ["lock the door"],
        "Unlock": ["unlock the door"],
    },
    {
        "room": ["kitchen", "living room", "bathroom", "hall"],
        "n": [("one", 1), ("two", 2), ("four", 4)],
        "name": ["jon", "mary"],
    },
    skip_words=("please",),
)
GRAMMAR = compile_grammar(SENTENCES, ["computer"])
DECODER = GrammarDecoder(GRAMMAR, PHONE_ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2), SPELLER)
SPOKEN = {
    "turn on the kitchen light": ("LightOn", {"room": "kitchen"}),
    "switch off living room lights": ("LightOff", {"room": "living room"}),
    "set a timer for two minutes": ("SetTimer", {"n": 2}),
    "set timer for four minutes": ("SetTimer", {"n": 4}),
    "call mary": ("Call", {"name": "mary"}),
    "unlock the door": ("Unlock", {}),
}


def spoken(text: str, *, way: int = 0, seed: int = 0, sharpness: float = 5.0) -> np.ndarray:
    labels = phones_of(text, way)
    return posteriors_of(labels, seed=seed, sharpness=sharpness, alphabet=PHONE_ALPHABET)


@pytest.mark.parametrize("text", SPOKEN)
@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("around", ["{}", "computer {}", "please {}", "{} please", "computer please {}"])
def test_sentences_are_found_however_their_words_are_said(text: str, way: int, around: str) -> None:
    whole = around.format(text)
    intent = DECODER.decode(spoken(whole, way=way))
    assert intent is not None
    assert intent.text == whole.removeprefix("computer ")
    assert (intent.name, {slot.name: slot.value for slot in intent.slots}) == SPOKEN[text]
    assert all(intent.text[slot.start : slot.end] == slot.raw for slot in intent.slots)
    assert all(0.3 < slot.confidence <= 1 for slot in intent.slots)


@pytest.mark.parametrize("skipped", range(1, 6))
def test_any_tail_of_the_wake_word_may_stand_before(skipped: int) -> None:
    labels = phones_of("computer")[skipped:] + phones_of("call jon")
    intent = DECODER.decode(posteriors_of(labels, sharpness=5.0, alphabet=PHONE_ALPHABET))
    assert intent is not None
    assert intent.text == "call jon"


@pytest.mark.parametrize(
    "text", ["mary had a little lamb", "had a timer for four", "was white", "don't turn on the kitchen light"]
)
def test_other_speech_is_refused(text: str) -> None:
    assert all(DECODER.decode(spoken(text, seed=seed)) is None for seed in range(8))


def test_nearly_all_noisy_sentences_are_found() -> None:
    trials = [(text, seed) for text in SPOKEN for seed in range(20)]
    found = [DECODER.decode(spoken(text, seed=seed, sharpness=5.5)) for text, seed in trials]
    right = sum(intent is not None and intent.text == text for (text, _), intent in zip(trials, found, strict=True))
    assert right / len(trials) >= 0.97


def test_of_words_that_sound_alike_the_sentence_decides() -> None:
    both = SkillSentences({"Add": ["add {n} (minute|minutes)"], "Sell": ["{n} for the ad"]}, {"n": ["two", "four"]})
    decoder = GrammarDecoder(
        compile_grammar(both), PHONE_ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2), SPELLER
    )
    for text in ("add two minutes", "four for the ad"):
        intent = decoder.decode(spoken(text))
        assert intent is not None
        assert intent.text == text


def test_of_names_that_sound_alike_the_first_of_the_list_is_taken() -> None:
    grammar = compile_grammar(SkillSentences({"Call": ["call {name}"]}, {"name": ["john", "jon", "marry", "mary"]}))
    assert list(grammar.texts(phones_of("call jon"), None, SPELLER)) == ["call john", "call jon"]
    decoder = GrammarDecoder(grammar, PHONE_ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2), SPELLER)
    intent = decoder.decode(spoken("call mary"))
    assert intent is not None
    assert intent.text == "call marry"


def test_a_filter_and_new_list_values_count() -> None:
    assert DECODER.decode(spoken("call mary"), ["LightOn"]) is None
    changed = GRAMMAR.with_lists({"name": ["lamb"]})
    decoder = DECODER.over(changed)
    assert decoder.decode(spoken("call mary")) is None
    intent = decoder.decode(spoken("call lamb"))
    assert intent is not None
    assert intent.text == "call lamb"


def test_a_sentence_and_its_opposite_are_told_apart() -> None:
    for seed in range(20):
        for text, name in (("lock the door", "Lock"), ("unlock the door", "Unlock")):
            intent = DECODER.decode(spoken(text, seed=seed, sharpness=8.0))
            assert intent is not None
            assert intent.name == name


def test_progress_tells_a_beginning_from_a_sentence() -> None:
    assert DECODER.progress(spoken("turn on the")) == "unfinished"
    assert DECODER.progress(spoken("turn on the hall lights")) == "complete"
    assert DECODER.progress(spoken("mary had a little lamb")) == "other"


def test_words_have_times() -> None:
    match = DECODER.match(spoken("call mary"))
    assert match is not None
    assert [token.text for token in match.tokens] == ["call", "mary"]
    assert match.tokens[0].end <= match.tokens[1].start + 1e-9


ABC = Alphabet(("<blank>", "A", "B", "C"))
WAYS = {"x": (("A",), ("A", "B")), "y": (("B", "A"),), "z": (("A", "B", "A"), ("C",)), "w": (("C", "C"), ("B",))}


class Small:
    """Words that begin and end alike, and run into each other."""

    separator = ""

    def ways(self, word: str) -> tuple[tuple[str, ...], ...]:
        return WAYS.get(word, (("C",) * 20,))

    def prepare(self, words: Iterable[str]) -> None:
        """Nothing is left to find."""


SMALL = Small()
PHRASES = [" ".join(words) for n in (1, 2, 3) for words in product("xyzw", repeat=n)]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000), st.integers(4, 9), st.lists(st.sampled_from(PHRASES), min_size=1, max_size=6, unique=True)
)
def test_the_search_finds_the_best_spelling_of_the_best_sentence(seed: int, frames: int, phrases: list[str]) -> None:
    logits = np.random.default_rng(seed).normal(0, 2, (frames, len(ABC)))
    log_probs = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
    grammar = compile_grammar(SkillSentences({"It": ["{p}"]}, {"p": phrases}))
    for graph in (grammar.graph(None, SMALL), PlainSentences(phrases).graph(None, SMALL)):
        search = Search(graph, ABC)
        path = search.best_path(log_probs, Limits(filler=1.0, lead=0, trail=0, beam=1e6))
        best = max((_score(log_probs, way), way) for phrase in phrases for way in spelled(phrase.split(), SMALL))
        if best[0] == -np.inf:
            assert not path
            continue
        total = sum(float(log_probs[step.frame, search.labels[step.node] if step.is_label else 0]) for step in path)
        assert total == pytest.approx(best[0], abs=1e-3)
        entered = [
            s.node for s, before in zip(path, [None, *path], strict=False) if not before or s.node != before.node
        ]
        found = tuple(str(graph.labels[node]) for node in entered if node)
        assert _score(log_probs, found) == pytest.approx(best[0], abs=1e-3)
        assert set(grammar.texts(found, None, SMALL)) == {p for p in phrases if found in set(spelled(p.split(), SMALL))}


def _score(log_probs: np.ndarray, way: tuple[str, ...]) -> float:
    labels = ABC.encode(way)
    frames = align(log_probs, labels, 0)
    if not frames:
        return -np.inf
    states = [0] + [state for label in labels for state in (label, 0)]
    score = np.full(len(states), -np.inf)
    score[:2] = log_probs[0, states[:2]]
    for row in log_probs[1:]:
        before = [np.concatenate([[-np.inf] * shift, score])[: len(score)] for shift in (0, 1, 2)]
        may_skip = [i > 1 and states[i] not in {0, states[i - 2]} for i in range(len(states))]
        score = np.max([before[0], before[1], np.where(may_skip, before[2], -np.inf)], axis=0) + row[states]
    return float(score[-2:].max())


@given(st.lists(st.sampled_from("xyzw"), min_size=1, max_size=5))
def test_a_spelling_matches_its_words(words: list[str]) -> None:
    for way in spelled(words, SMALL):
        lengths = matches(words, way, SMALL)
        assert lengths is not None
        assert sum(lengths) == len(way)
        assert matches(words, (*way, "C", "C", "C"), SMALL) is None
    assert matches(words, "".join(words), LETTERS) == (None if len(words) > 1 else (1,))
    assert matches(words, " ".join(words), LETTERS) == (1,) * len(words)
