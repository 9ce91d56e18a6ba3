"""What the benchmarks say about the skills is true."""

from pathlib import Path

import pytest

from voice.app import always_intents, sentences_of, skills_of
from voice.config import Config
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.yaml12 import read_yaml

ALWAYS = always_intents(skills_of(Config()))
ROWS = read_yaml(Path(__file__).parents[2] / "benchmarks" / "home_sentences.yaml")


@pytest.fixture(scope="module")
def parser():
    return TemplateParser(compile_grammar(sentences_of(Config()), ["computer"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["text"])
def test_each_home_sentence_is_one_of_the_skills(parser, row):
    intent = parser.parse(row["text"], ALWAYS)
    assert intent is not None
    assert intent.name == row["intent"]
    assert {slot.name: slot.value for slot in intent.slots} == row["slots"]


def test_there_are_sixty_different_ones():
    assert len({row["text"] for row in ROWS}) == 60
