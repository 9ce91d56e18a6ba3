"""Golden utterances of the built-in skills, `golden/<skill>.yaml`: what is said, what it means, what is answered.

A row with an `intent` is said to the grammar of all skills and then to its skill, in order, so that rows build on each
other; one with an `answer` only to the skill, as what is said to its question. A row without either must mean nothing.
"""

import importlib
import re
from pathlib import Path

import pytest

from voice.skill import Rehearsal
from voice.yaml12 import read_yaml

FILES = sorted(Path(__file__).with_name("golden").glob("*.yaml"))
ROWS = {path.stem: read_yaml(path) for path in FILES}
MEANT = [(name, row) for name, rows in ROWS.items() for row in rows if "intent" in row]
MEANINGLESS = [(name, row) for name, rows in ROWS.items() for row in rows if not row.keys() & {"intent", "answer"}]


def title(value):
    return value if isinstance(value, str) else value["say"]


def test_every_skill_has_ten_utterances_and_some_that_mean_nothing():
    modules = {path.stem for path in Path(importlib.import_module("skills").__file__).parent.glob("[a-z]*.py")}
    skills = {name for name in modules if hasattr(importlib.import_module(f"skills.{name}"), "skill")}
    assert skills == set(ROWS)
    assert {name for name in ROWS if sum(name == other for other, _ in MEANT) < 10} == set()
    assert {name for name in ROWS if sum(name == other for other, _ in MEANINGLESS) < 4} == set()


@pytest.mark.parametrize(("name", "row"), MEANT, ids=title)
def test_it_means_that_and_nothing_else(name, row, parser):
    handlers = importlib.import_module(f"skills.{name}").skill.handlers
    intent = parser.parse(row["say"], None if row["intent"] in ANSWERS else ALWAYS)
    assert row["intent"] in {handler.intent for handler in handlers}
    assert intent is not None
    assert intent.confidence == 1.0  # itself a sentence, not mended into one
    assert (intent.name, {slot.name: slot.value for slot in intent.slots}) == (row["intent"], row.get("slots", {}))


@pytest.mark.parametrize(("name", "row"), MEANINGLESS, ids=title)
def test_it_means_nothing(name, row, parser):
    assert parser.parse(row["say"], ALWAYS) is None


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.usefixtures("utc")
async def test_it_is_answered(name):
    if name == "sentiment":
        pytest.importorskip("vaderSentiment", reason="the extra `sentiment` is not installed")
    async with Rehearsal(importlib.import_module(f"skills.{name}").skill) as stage:
        for row in ROWS[name]:
            if not row.keys() & {"intent", "answer"}:
                continue
            stage.published.clear()
            reply = await stage.say(row["say"])
            assert stage.errors == []
            _check(row, reply, stage.published)


def _check(row, reply, published):
    expected = row.get("reply", row.get("answer"))
    if expected is not None:
        assert (row["say"], reply) == (row["say"], expected)
    if "matches" in row:
        assert re.fullmatch(row["matches"], reply or ""), (row["say"], reply)
    if "published" in row:
        assert (row["say"], dict(published)) == (row["say"], row["published"])


SKILLS = [importlib.import_module(f"skills.{name}").skill for name in ROWS]
ALWAYS = [handler.intent for each in SKILLS for handler in each.handlers if not handler.is_answer]
ANSWERS = {handler.intent for each in SKILLS for handler in each.handlers if handler.is_answer}
