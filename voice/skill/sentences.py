"""A skill's templates as a grammar: every list and rule under the skill's name, so that skills never collide."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from voice.errors import SkillError
from voice.nlu.syntax import fault, place
from voice.nlu.templates import ListValues, NumberRange, Policy, SkillSentences
from voice.skill.handler import Handler
from voice.skill.slots import SLOT, Range, Takes

_RULE = re.compile(r"<([a-z_][a-z0-9_]*)>")


def sentences_of(
    skill: str, handlers: Sequence[Handler], lists: Mapping[str, ListValues], rules: Mapping[str, str]
) -> SkillSentences:
    """Return the grammar of a skill's handlers.

    Args:
        skill: its name.
        handlers: their templates, and the slots that their signatures describe.
        lists: values that the skill gave itself; they come before a signature's.
        rules: named pieces of sentence.

    Raises:
        SkillError: nothing says what can fill a slot, or two handlers say different things.
    """
    known = {**_from_signatures(skill, handlers), **lists}
    prefix = skill.replace("-", "_")

    def slot(match: re.Match[str]) -> str:
        name = match["list"]
        if name not in known:
            fix = f'use Literal, Enum or Range for it, or skill.list("{name}", [...])'
            raise SkillError(f"{skill}: nothing says what can fill {{{name}}}", fix=fix)
        return f"{{{prefix}_{name}:{match['slot'] or name}}}"

    def qualified(template: str) -> str:
        return _RULE.sub(rf"<{prefix}_\1>", SLOT.sub(slot, template))

    intents: dict[str, list[str]] = {}
    fixed: dict[tuple[str, str], Mapping[str, Any]] = {}
    for handler in handlers:
        for template, sets in handler.templates.items():
            intents.setdefault(handler.intent, []).append(qualified(template))
            if sets:
                fixed[handler.intent, qualified(template)] = sets
    return SkillSentences(
        intents,
        {f"{prefix}_{name}": values for name, values in known.items()},
        {f"{prefix}_{name}": qualified(rule) for name, rule in rules.items()},
        fixed,
        policies={handler.intent: handler.policy for handler in handlers if handler.policy != Policy()},
    )


def _from_signatures(skill: str, handlers: Sequence[Handler]) -> dict[str, ListValues]:
    found: dict[str, ListValues] = {}
    for handler in handlers:
        for name in handler.parameters.names:
            values = handler.parameters.spoken(name)
            if values is None:
                continue
            if found.setdefault(name, values) != values:
                raise SkillError(f"{skill}: slot {name!r} has two sets of values", fix="rename one of the parameters")
    return found


def list_values(values: Sequence[str] | Mapping[str, Any] | Range) -> ListValues:
    """Return a list as the grammar takes it."""
    if isinstance(values, Range):
        return NumberRange(values.low, values.high, values.step)
    return [*values.items()] if isinstance(values, Mapping) else [*values]


def check_syntax(where: str, template: str, function: Callable[..., Any]) -> None:
    """Check the brackets of a template.

    Raises:
        SkillError: one is wrong; names file and line, and marks the place.
    """
    at, problem = fault(template)
    if problem:
        line = place(Path(function.__code__.co_filename), template) if hasattr(function, "__code__") else ""
        marked = f"{template[:at]}^{template[at:]}"
        raise SkillError(
            f"{line}{where}: column {at + 1}: {problem}, at the caret in {marked!r}",
            fix="check brackets: (a|b) [optional] {list} <rule>",
        )


def check_slots(where: str, template: str, fixed: Mapping[str, Any], parameters: Takes) -> None:
    """Check that a function takes the slots of a template.

    Raises:
        SkillError: one is no parameter of it.
    """
    spoken = {match["slot"] or match["list"] for match in SLOT.finditer(template)}
    if unknown := sorted((spoken | set(fixed)) - parameters.names):
        raise SkillError(f"{where}: {template!r} fills {unknown[0]!r}", fix="add a parameter of that name")
