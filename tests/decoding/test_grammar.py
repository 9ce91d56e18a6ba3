"""Constrained decoding: what is in the grammar is found, what is not is refused."""

import numpy as np
import pytest

from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.nlu.templates import NumberRange, Policy, SkillSentences, compile_grammar

SENTENCES = SkillSentences(
    {
        "LightOn": ["(turn|switch) on [the] {room} light[s]", "light[s] on [in [the] {room}]"],
        "LightOff": ["(turn|switch) off [the] {room} light[s]"],
        "SetTimer": ["set [a] [{name}] timer for {minutes} (minute|minutes) [please]"],
        "GetTime": ["what time is it", "what's the time"],
    },
    {"room": ["kitchen", "living room", "bathroom"], "name": ["pizza", "egg"], "minutes": NumberRange(1, 120)},
)
GRAPH = compile_grammar(SENTENCES, ["computer"])
DECODER = GrammarDecoder(GRAPH, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))

SPOKEN = {
    "turn on the kitchen light": ("LightOn", {"room": "kitchen"}),
    "switch on living room lights": ("LightOn", {"room": "living room"}),
    "turn off the bathroom light": ("LightOff", {"room": "bathroom"}),
    "lights on": ("LightOn", {}),
    "set a pizza timer for twelve minutes": ("SetTimer", {"name": "pizza", "minutes": 12}),
    "set timer for one minute please": ("SetTimer", {"minutes": 1}),
    "set a timer for one hundred and five minutes": ("SetTimer", {"minutes": 105}),
    "what's the time": ("GetTime", {}),
}
FOREIGN = [
    "mary had a little lamb its fleece was white as snow",
    "turn the volume off in the kitchen",
    "what time is dinner tonight",
    "set a timer",
    "turn on the kitchen light and sing a song about the sea",
    "the weather was fine and we walked along the river",
]


@pytest.mark.parametrize("text", SPOKEN)
@pytest.mark.parametrize("before", ["", "computer ", "puter ", "er "])
def test_sentences_are_found_after_any_tail_of_the_wake_word(text: str, before: str) -> None:
    intent = DECODER.decode(posteriors_of(before + text, sharpness=5.0))
    assert intent is not None
    assert intent.text == text
    assert (intent.name, {slot.name: slot.value for slot in intent.slots}) == SPOKEN[text]
    assert all(intent.text[slot.start : slot.end] == slot.raw for slot in intent.slots)


def test_nearly_all_noisy_sentences_are_found() -> None:
    trials = [(text, seed) for text in SPOKEN for seed in range(20)]
    found = [DECODER.decode(posteriors_of(text, seed=seed, sharpness=4.5)) for text, seed in trials]
    right = sum(intent is not None and intent.text == text for (text, _), intent in zip(trials, found, strict=True))
    assert right / len(trials) >= 0.98


@pytest.mark.parametrize("text", FOREIGN)
def test_other_speech_is_refused(text: str) -> None:
    assert all(DECODER.decode(posteriors_of(text, seed=seed)) is None for seed in range(10))


def test_noise_and_silence_are_refused() -> None:
    silence = posteriors_of("", lead=60)
    assert DECODER.decode(silence) is None
    assert DECODER.decode(silence[:0]) is None
    assert DECODER.decode(np.full((40, len(ALPHABET)), -np.log(len(ALPHABET)), np.float32)) is None


def test_a_filter_narrows_the_grammar() -> None:
    speech = posteriors_of("turn on the kitchen light")
    assert DECODER.decode(speech, ["GetTime", "SetTimer"]) is None
    assert DECODER.decode(speech, ["LightOn"]) is not None
    assert DECODER.decode(speech, ["NoSuchIntent"]) is None


def test_polarity_is_never_flipped() -> None:
    for seed in range(30):
        for word, name in (("on", "LightOn"), ("off", "LightOff")):
            intent = DECODER.decode(posteriors_of(f"turn {word} the kitchen light", seed=seed, sharpness=4.5))
            assert intent is None or intent.name == name


def test_token_times_cover_the_words_in_order() -> None:
    match = DECODER.match(posteriors_of("turn on the kitchen light"))
    assert match is not None
    assert [token.text for token in match.tokens] == ["turn", "on", "the", "kitchen", "light"]
    starts = [token.start for token in match.tokens]
    assert starts == sorted(starts)


def test_phrases_that_mean_nothing_are_skipped_before_and_after() -> None:
    sentences = SkillSentences({"LightOn": ["turn on the {room} light"]}, SENTENCES.lists, skip_words=("could you",))
    decoder = GrammarDecoder(compile_grammar(sentences), ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    for text in ("could you turn on the kitchen light", "turn on the kitchen light could you"):
        intent = decoder.decode(posteriors_of(text, sharpness=5.0))
        assert intent is not None
        assert intent.text == text
        assert [(slot.value, intent.text[slot.start : slot.end]) for slot in intent.slots] == [("kitchen", "kitchen")]


def test_a_filter_really_narrows_the_graph() -> None:
    assert len(GRAPH.graph(["GetTime"])) < len(GRAPH.graph()) / 4
    said = posteriors_of("what's the time", seed=3, sharpness=2.0)
    narrow = DECODER.match(said, ["GetTime"])
    assert narrow is not None
    assert narrow.intent.name == "GetTime"


def test_beginnings_and_ends_that_are_the_same_stand_once() -> None:
    verbs = [f"w{chr(97 + i)}" for i in range(10)]
    many = compile_grammar(SkillSentences({verb: [f"turn the {{room}} {verb} now"] for verb in verbs}, SENTENCES.lists))
    one = compile_grammar(SkillSentences({"It": [f"turn the {{room}} ({'|'.join(verbs)}) now"]}, SENTENCES.lists))
    assert len(many.graph()) == len(one.graph())


def test_an_intent_that_wants_more_confidence_is_refused_below() -> None:
    sentences = SkillSentences({"Unlock": ["unlock the door"]}, policies={"Unlock": Policy(0.999, dangerous=True)})
    said = posteriors_of("unlock the door", sharpness=3.0)
    strict = GrammarDecoder(compile_grammar(sentences), ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    match = strict.match(said)
    assert match is not None
    assert match.intent.dangerous
    assert match.intent.confidence < 0.999
    assert strict.decode(said) is None


def test_one_copy_of_a_huge_list_serves_every_place_and_mixes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.nlu.acceptor.MAX_COPIED", 10)
    sentences = SkillSentences({"Play": ["play {x} now"], "Drop": ["drop {x} soon"]}, {"x": ["abba", "blur", "queen"]})
    grammar = compile_grammar(sentences)
    assert "".join(map(str, grammar.graph().labels)).count("q") == 1
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    for text, name in (("play queen now", "Play"), ("drop abba soon", "Drop"), ("play abba soon", None)):
        intent = decoder.decode(posteriors_of(text, sharpness=6.0))
        assert (intent and intent.name) == name


@pytest.mark.parametrize(
    ("said", "progress"),
    [
        ("turn on the kitchen light", "complete"),
        ("what's the time", "complete"),
        ("lights on", "open"),
        ("lights on in the kitchen", "complete"),
        ("set a timer for ten minutes", "open"),
        ("set a timer for ten minutes please", "complete"),
        ("set a timer for", "unfinished"),
        ("set a timer for ten", "unfinished"),
        ("computer set a pizza tim", "unfinished"),
        ("turn on the", "unfinished"),
        ("mary had a little lamb", "other"),
        ("computer", "other"),
        ("", "other"),
    ],
)
def test_a_speaker_who_pauses_has_said_a_sentence_or_its_beginning_or_neither(said: str, progress: str) -> None:
    found = [DECODER.progress(posteriors_of(said, seed=seed, sharpness=5.0)) for seed in range(5)]
    assert found.count(progress) == 5


def test_what_is_unfinished_depends_on_the_intents_that_count() -> None:
    said = posteriors_of("set a timer for ten", sharpness=5.0)
    assert DECODER.progress(said, ["GetTime"]) == "other"
    assert DECODER.progress(said, ["NoSuchIntent"]) == "other"
    assert DECODER.progress(said[:0]) == "other"


def test_a_grammar_of_a_million_sentences_is_compiled_and_never_expanded() -> None:
    words = "red green blue white black gold grey pink teal lime".split()
    lists = dict.fromkeys("abcdef", words)
    sentences = SkillSentences({"Paint": ["paint {a} then {b} then {c} then {d} then {e} then {f}"]}, lists)
    grammar = compile_grammar(sentences)
    n_characters = len("paint then then then then then") + 6 * sum(map(len, words))
    assert len(grammar.graph()) < 2 * n_characters, "10**6 sentences in as many nodes as one of each word"
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    text = "paint teal then lime then red then gold then pink then black"
    intent = decoder.decode(posteriors_of(text, sharpness=5.0))
    assert intent is not None
    assert [slot.value for slot in intent.slots] == ["teal", "lime", "red", "gold", "pink", "black"]


def test_options_that_multiply_stay_small_too() -> None:
    template = " ".join("[(really|very|quite|just)] (big|small|old|new)" for _ in range(10)) + " house"  # 20**10
    grammar = compile_grammar(SkillSentences({"House": [template]}))
    assert len(grammar.graph()) < 1500
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    text = " ".join(["very old new quite small big big just new old new really small old house"])
    assert len(text.split()) == 15
    intent = decoder.decode(posteriors_of(text, sharpness=5.0))
    assert intent is not None
    assert intent.text == text


def test_an_empty_grammar_takes_nothing_for_a_sentence() -> None:
    decoder = GrammarDecoder(compile_grammar(SkillSentences({})), ALPHABET, 0.04, GrammarSettings())
    said = posteriors_of("turn on the light")
    assert decoder.decode(said) is None
    assert decoder.match(said) is None
    assert decoder.progress(said) == "other"
