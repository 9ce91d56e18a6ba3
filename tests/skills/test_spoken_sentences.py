"""What benchmarks/skills.py lets voices speak: sentences of the skills, and sentences of none."""

from pathlib import Path

import pytest

from voice.app import always_intents, skills_of
from voice.config import Config
from voice.nlu.conflicts import conflicts
from voice.yaml12 import read_yaml

FOLDER = Path(__file__).parents[2] / "benchmarks"
SKILLS = skills_of(Config())
ALWAYS = always_intents(SKILLS)
ROWS = [(name, row) for name, rows in read_yaml(FOLDER / "skill_sentences.yaml").items() for row in rows]
OTHERS = (FOLDER / "other_sentences.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda value: value["text"] if isinstance(value, dict) else value)
def test_each_is_a_sentence_of_its_skill(name, row, parser):
    intent = parser.parse(row["text"], ALWAYS)
    assert intent is not None
    assert intent.confidence == 1.0  # itself a sentence, not mended into one
    assert (intent.name, {slot.name: slot.value for slot in intent.slots}) == (row["intent"], row.get("slots", {}))
    assert intent.name in {handler.intent for skill in SKILLS if skill.name == name for handler in skill.handlers}


def test_each_skill_has_eight_different_ones():
    assert {name for name, _ in ROWS} == {skill.name for skill in SKILLS if skill.name in dict(ROWS)}
    assert {name: len({row["text"] for other, row in ROWS if other == name}) for name, _ in ROWS} == {
        skill.name: 8 for skill in SKILLS
    }


def test_a_hundred_sentences_mean_nothing(parser):
    assert len(set(OTHERS)) >= 100
    assert [text for text in OTHERS if parser.parse(text, ALWAYS) is not None] == []


def test_no_two_intents_claim_one_sentence(parser):
    claimed = conflicts(parser.grammar, samples=40)
    assert [each for each in claimed if set(each.intents) <= set(ALWAYS)] == []
