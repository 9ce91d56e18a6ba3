"""Home Assistant's English intents and their tests, read from a copy of the repository home-assistant/intents.

The sentences are Home Assistant's, CC BY 4.0; nothing of them is part of this project.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hassil.parse_expression import parse_sentence
from hassil.sample import sample_expression
from hassil.util import is_template

from voice.events import Intent
from voice.nlu.templates import ListValue, ListValues, SkillSentences, read_sentences
from voice.yaml12 import read_yaml


@dataclass(frozen=True)
class Case:
    """One test sentence."""

    text: str
    intent: str
    slots: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    file: str = ""

    def fault(self, got: Intent | None) -> str:
        """Return what is wrong with an intent; nothing where it is the expected one."""
        if got is None:
            return "nothing"
        slots = {slot.name: slot.value for slot in got.slots}
        same = set(slots) == set(self.slots) and all(_same(self.slots[name], slots[name]) for name in slots)
        return "" if got.name == self.intent and same else f"{got.name} {slots}"


def sentences(folder: Path) -> SkillSentences:
    """Return the sentences of `sentences/en`, unchanged, over the names, areas and floors of the tests' fixtures."""
    files = sorted((folder / "sentences" / "en").glob("*.yaml"))
    fixtures = read_yaml(folder / "tests" / "en" / "_fixtures.yaml")
    return read_sentences(*files).merged(SkillSentences(lists=_lists(fixtures)))


def everything(folder: Path) -> SkillSentences:
    """Return all below `sentences/en`, also the folders that are named after intents."""
    fixtures = read_yaml(folder / "tests" / "en" / "_fixtures.yaml")
    return read_sentences(folder / "sentences" / "en").merged(SkillSentences(lists=_lists(fixtures)))


def cases(folder: Path) -> Iterator[Case]:
    """Yield the test sentences of `tests/en`."""
    for file in sorted((folder / "tests" / "en").glob("*_*.yaml")):
        if file.name.startswith("_"):
            continue
        for test in read_yaml(file)["tests"]:
            intent = test["intent"]
            for text in test["sentences"]:
                slots, context = intent.get("slots") or {}, intent.get("context") or {}
                yield Case(text, intent["name"], slots, context, file.name)


def _lists(fixtures: dict[str, Any]) -> dict[str, ListValues]:
    names = []
    for entity in fixtures.get("entities", []):
        context = {"domain": entity["id"].partition(".")[0], **entity.get("attributes", {})}
        names += [ListValue(name, name, context) for name in _spellings(entity["name"])]
    return {
        "name": names,
        "area": [name for area in fixtures.get("areas", []) for name in _spellings(area["name"])],
        "floor": [name for floor in fixtures.get("floors", []) for name in _spellings(floor["name"])],
    }


def _spellings(name: str) -> list[str]:
    if not is_template(name):
        return [name.strip()]
    return [form.strip() for form in sample_expression(parse_sentence(name).expression)]


def _same(expected: Any, got: Any) -> bool:
    """Return whether a value is the expected one; of lists, as in Home Assistant's tests, one in common is enough."""
    one, other = (value if isinstance(value, list) else [value] for value in (expected, got))
    return any(value in other for value in one)
