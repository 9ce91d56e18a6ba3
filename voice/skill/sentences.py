"""A skill's templates as a grammar: every list and rule under the skill's name, so that skills never collide."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from voice.errors import SkillError
from voice.nlu.templates import ListValues, SkillSentences
from voice.skill.handler import Handler
from voice.skill.slots import SLOT

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
