"""Golden utterances and rejections: what must be understood, and what must not, counted apart.

skills: [coffee.py]            # files beside this one, or `module:attribute`
utterances:
  - {text: make espresso, intent: MakeCoffee, slots: {kind: espresso}, reply: Coming up.}
rejections:
  - make tea
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voice.errors import ConfigError
from voice.skill import Skill
from voice.testing.assistant import Assistant, Turn
from voice.yaml12 import read_yaml

SUFFIX = ".golden.yaml"


class Utterance(BaseModel):
    """What must be understood, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    intent: str
    slots: dict[str, Any] = Field(default_factory=dict)
    """All of them."""
    reply: str | None = None
    """None: any."""


class Golden(BaseModel):
    """One file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skills: list[str] = Field(default_factory=list)
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    utterances: list[Utterance] = Field(default_factory=list)
    rejections: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one line."""

    text: str
    is_rejection: bool
    fault: str
    """Empty where it is right."""


def read_golden(path: Path) -> Golden:
    """Return a file of golden utterances.

    Raises:
        ConfigError: it can't be read or is not in the format; names file and key.
    """
    try:
        return Golden.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise ConfigError(f"{path}: {where}: {detail['msg']}", fix="see docs/skills.md") from error


async def check_golden(golden: Golden, skills: Sequence[Skill | str | Path]) -> list[Outcome]:
    """Return what comes of each line; every one has an assistant of its own, so that none leans on another."""
    return [
        *[await _checked(golden, skills, line.text, line) for line in golden.utterances],
        *[await _checked(golden, skills, text, None) for text in golden.rejections],
    ]


def skills_beside(golden: Golden, folder: Path) -> list[str]:
    """Return where the skills of a file are, that lies in `folder`."""
    return [str(folder / name) if (folder / name).exists() else name for name in golden.skills]


async def _checked(
    golden: Golden, skills: Sequence[Skill | str | Path], text: str, expected: Utterance | None
) -> Outcome:
    async with Assistant(*skills, settings=golden.settings) as assistant:
        await assistant.say(text)
        errors = list(assistant.errors)
        assistant.errors.clear()
        turn = assistant.turn
    fault = errors[0] if errors else _fault(turn, expected)
    return Outcome(text, expected is None, fault)


def _fault(turn: Turn, expected: Utterance | None) -> str:
    got = f"{turn.intent}({turn.slots})" if turn.intent else "nothing"
    if expected is None:
        return f"was taken for {got}" if turn.intent else ""
    if (turn.intent, turn.slots) != (expected.intent, expected.slots):
        return f"was taken for {got}, expected {expected.intent}({expected.slots})"
    if expected.reply is not None and turn.reply != expected.reply:
        return f"was answered {turn.reply!r}, expected {expected.reply!r}"
    return ""
