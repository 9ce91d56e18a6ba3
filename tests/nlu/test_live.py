"""Lists that change at run time, for speech and text at once."""

import threading

import pytest

from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.errors import GrammarError
from voice.nlu.live import LiveGrammar
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import ListValue, NumberRange, SkillSentences, Wildcard, compile_grammar

SENTENCES = SkillSentences(
    {"Play": ["play {artist} [please]"], "Drink": ["a {bar_drink} for {n} people"], "Note": ["note {anything}"]},
    {"artist": ["abba"], "bar_drink": ["tea"], "n": NumberRange(2, 9), "anything": Wildcard()},
)


def live() -> tuple[LiveGrammar, GrammarDecoder, TemplateParser]:
    grammar = compile_grammar(SENTENCES, ["computer"])
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    parser = TemplateParser(grammar)
    return LiveGrammar(grammar, decoder, parser, [None, ["Play"]]), decoder, parser


def heard(decoder: GrammarDecoder, text: str) -> object:
    intent = decoder.decode(posteriors_of(text, sharpness=6.0), ["Play"])
    return intent and intent.slots[0].value


def test_names_that_are_added_can_be_said_and_written() -> None:
    changing, decoder, parser = live()
    assert heard(decoder, "play motorhead") is None
    changing.add({"artist": ["motorhead", ("the beatles", "Beatles (band)")]})
    assert heard(decoder, "play motorhead") == "motorhead"
    assert heard(decoder, "play the beatles") == "Beatles (band)"
    assert heard(decoder, "play abba") == "abba"
    intent = parser.parse("play Motörhead")
    assert intent is not None
    assert intent.slots[0].value == "motorhead"


def test_names_are_words_and_never_templates() -> None:
    changing, _, parser = live()
    changing.add({"artist": ["sunn o)))", "(r|x)", "{artist}", "<loop>", "", "  ", "?!"]})
    intent = parser.parse("play sunn o")
    assert intent is not None
    assert intent.slots[0].value == "sunn o)))"
    assert parser.parse("play") is None


def test_adding_replacing_and_forgetting() -> None:
    changing, _, parser = live()
    changing.add({"artist": ["queen"]})
    changing.add_to_first({"artist": ["blur"]})
    assert [parser.parse(f"play {name}") is not None for name in ("abba", "queen", "blur")] == [True, False, True]
    changing.replace({"artist": ["pulp"]})
    assert [parser.parse(f"play {name}") is not None for name in ("abba", "blur", "pulp")] == [False, False, True]
    changing.forget()
    assert [parser.parse(f"play {name}") is not None for name in ("abba", "pulp")] == [True, False]


def test_a_skills_own_list_is_found_without_its_prefix() -> None:
    changing, _, parser = live()
    changing.add({"drink": ["coffee"]})
    assert parser.parse("a coffee for two people") is not None


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({"ghost": ["x"]}, "no list called 'ghost'"),
        ({"n": ["x"]}, "holds no names"),
        ({"anything": ["x"]}, "holds no names"),
        ({"artist": ["x"] * 100_001}, "at most"),
    ],
)
def test_what_cannot_change_leaves_everything_as_it_was(lists: dict[str, list[str]], says: str) -> None:
    changing, _, parser = live()
    with pytest.raises(GrammarError, match=says):
        changing.add({"artist": ["queen"], **lists})
    assert parser.parse("play abba") is not None
    assert parser.parse("play queen") is None


def test_nothing_but_the_changed_list_is_compiled_again() -> None:
    grammar = compile_grammar(SENTENCES)
    grammar.graph()
    other = grammar.with_lists({"artist": ["queen"]})
    assert other.network is grammar.network
    assert other.acceptor() is grammar.acceptor()
    assert other.entries("n") is grammar.entries("n")
    assert grammar.read("play queen") is None


def test_values_that_bring_new_facts_are_compiled_anew() -> None:
    sentences = SkillSentences({"On": ["{name} on"]}, {"name": ["lamp"]})
    grammar = compile_grammar(sentences)
    grammar.graph()
    other = grammar.with_lists({"name": [ListValue("door", "Door", {"domain": "lock"})]})
    decoder = GrammarDecoder(other, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    intent = decoder.decode(posteriors_of("door on", sharpness=6.0))
    assert intent is not None
    assert intent.slots[0].value == "Door"


def test_changes_from_many_threads_all_take_effect() -> None:
    changing, _, parser = live()
    names = [f"band {chr(97 + i)}{chr(97 + i)}" for i in range(16)]
    threads = [threading.Thread(target=changing.add, args=({"artist": [name]},)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(parser.parse(f"play {name}") for name in names)
