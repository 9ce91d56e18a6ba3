"""Golden sentences: what is said to a skill, what it must answer, and whether it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from voice.errors import EarshotError, SkillError

if TYPE_CHECKING:
    from voice.skill.rehearsal import Rehearsal
    from voice.skill.skill import Skill

Expected = str | EllipsisType | None
"""A reply: its text, "" for none, `...` for any text, None where the sentence must not be understood."""


@dataclass(frozen=True)
class Example:
    """A conversation."""

    turns: Sequence[tuple[str, Expected]]
    """What is said and what must be answered."""
    published: Mapping[str, Any] | None
    """Topic -> payload of everything that the conversation publishes; None where it doesn't matter."""

    @property
    def title(self) -> str:
        """What is said."""
        return " / ".join(said for said, _ in self.turns)


def example_of(skill: str, turns: Sequence[Expected], published: Mapping[str, Any] | None) -> Example:
    """Return the example that a skill's author wrote.

    Raises:
        SkillError: a sentence without its reply, or what is said is no text.
    """
    fix = 'write skill.example("what is said", "what is answered")'
    if not turns or len(turns) % 2:
        raise SkillError(f"{skill}: an example of {len(turns)} texts, not of sentences and their replies", fix=fix)
    pairs = []
    for said, reply in zip(turns[::2], turns[1::2], strict=True):
        if not isinstance(said, str):
            raise SkillError(f"{skill}: an example says {said!r}", fix=fix)
        pairs.append((said, reply))
    return Example(pairs, published)


async def rehearse(skill: "Skill", example: Example) -> str:
    """Return what went wrong when the conversation was held; empty where nothing did."""
    from voice.skill.rehearsal import Rehearsal  # noqa: PLC0415 - it imports the skill, which imports this module

    try:
        async with Rehearsal(skill) as stage:
            return await _fault(stage, example)
    except EarshotError as error:
        return str(error)


async def _fault(stage: "Rehearsal", example: Example) -> str:
    for said, expected in example.turns:
        reply = await stage.say(said)
        if stage.errors:
            return f"{said!r}: {stage.errors[0]}"
        if not is_expected(reply, expected):
            return f"{said!r} was answered {told(reply)}, expected {told(expected)}"
    if example.published is not None and (got := dict(stage.published)) != dict(example.published):
        return f"published {got}, expected {dict(example.published)}"
    return ""


def is_expected(reply: str | None, expected: Expected) -> bool:
    """Return whether a reply is the one that an example gives."""
    return reply == expected or (expected is ... and bool(reply))


def told(reply: Expected) -> str:
    """Return a reply as it is named in a message."""
    if reply is None:
        return "nothing (not understood)"
    return "any words" if reply is ... else repr(reply) if reply else "without words"
