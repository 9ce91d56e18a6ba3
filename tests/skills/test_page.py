"""docs/built-in-skills.md says what is true: every skill, sentence and topic."""

import re
from pathlib import Path

import pytest

from skills.discovery import COMMAND_TOPICS
from voice.app import always_intents, skills_of
from voice.bus.memory import matches
from voice.config import Config

PAGE = (Path(__file__).parents[2] / "docs" / "built-in-skills.md").read_text(encoding="utf-8")
SKILLS = {skill.name: skill for skill in skills_of(Config())}
ROWS = dict(re.findall(r'^\| ([a-z]+) \| ("[^|]+) \|', PAGE, re.MULTILINE))
TOPICS = re.findall(r"^\| `(home/[^`]+)` \|", PAGE, re.MULTILINE)


def test_every_skill_has_a_row():
    assert set(ROWS) == set(SKILLS)


@pytest.mark.parametrize("name", ROWS)
def test_the_sentences_are_the_skill_s(name, parser):
    intents = {handler.intent for handler in SKILLS[name].handlers}
    sentences = re.findall(r'"([^"]+)"', ROWS[name])
    assert len(sentences) == 2
    for sentence in sentences:
        intent = parser.parse(sentence, always_intents([*SKILLS.values()]))
        assert intent is not None
        assert (intent.confidence, intent.name in intents) == (1.0, True)


@pytest.mark.parametrize("topic", TOPICS)
def test_the_topics_may_be_published_on(topic):
    assert any(matches(declared, topic) for skill in SKILLS.values() for declared in skill.publishes)


def test_the_command_topics_are_those():
    block = re.search(r"none of these:\n\n((?:    .+\n)+)", PAGE)
    assert block is not None
    assert block[1].split() == COMMAND_TOPICS
