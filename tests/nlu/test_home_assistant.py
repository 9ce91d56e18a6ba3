"""Home Assistant's own English sentences and tests: needs EARSHOT_HA_INTENTS, a copy of home-assistant/intents."""

import os
from pathlib import Path

import pytest

from benchmarks.home_assistant import cases, everything, sentences
from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import Grammar, compile_grammar

FOLDER = Path(os.environ.get("EARSHOT_HA_INTENTS", ""))
pytestmark = pytest.mark.skipif(
    not os.environ.get("EARSHOT_HA_INTENTS"), reason="EARSHOT_HA_INTENTS names no copy of home-assistant/intents"
)


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return compile_grammar(sentences(FOLDER))


def test_at_least_99_of_100_test_sentences_are_right(grammar: Grammar) -> None:
    parser, tests = TemplateParser(grammar), [*cases(FOLDER)]
    wrong = [case for case in tests if case.fault(parser.parse(case.text, None, case.context))]
    assert len(tests) > 1000
    assert len(wrong) <= len(tests) // 100, wrong


def test_folders_named_after_intents_load_too() -> None:
    assert len([*everything(FOLDER).all_blocks()]) > len([*sentences(FOLDER).all_blocks()])


def test_the_whole_set_is_one_small_graph_that_decodes(grammar: Grammar) -> None:
    decoder = GrammarDecoder(grammar, ALPHABET, 0.04, GrammarSettings(accept_per_character=1.2))
    assert len(decoder.graph) < 400_000
    intent = decoder.decode(posteriors_of("turn on the living room lamp", sharpness=6.0))
    assert intent is not None
    assert (intent.name, intent.slots[0].value) == ("HassTurnOn", "Living Room Lamp")
