"""Remote skills: programs on the broker that register what they answer (docs/remote-skills.md)."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping

from voice.bus.base import Bus
from voice.bus.topics import SkillRegister, SkillRegistered, on, send
from voice.errors import EarshotError, SkillError
from voice.nlu.model import SkillSentences

_log = logging.getLogger(__name__)

MAX_SKILLS = 50
MAX_TEMPLATES = 1000
MAX_NAMES = 20_000
"""Remote skills, and templates and list values of one."""

_LIST = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([a-z_][a-z0-9_]*))?\}")
_RULE = re.compile(r"<([a-z_][a-z0-9_]*)>")

Learn = Callable[[], Awaitable[None]]
"""Takes the sentences that are registered now; raises EarshotError where they can't be compiled."""


class RemoteSkills:
    """Keeps what remote skills have registered, and has it understood.

    A registration replaces the skill's earlier one; an empty one takes it back. One that can't be taken changes
    nothing and is answered with an error.

    Args:
        bus: the hub.
        owned: whether a skill of this process answers an intent.
        learn: called after each change.
    """

    def __init__(self, bus: Bus, owned: Callable[[str], bool], learn: Learn) -> None:
        self._bus = bus
        self._owned = owned
        self._learn = learn
        self._skills: dict[str, SkillRegister] = {}
        self._turn = asyncio.Lock()
        self._unsubscribe = on(bus, SkillRegister, self._register)

    async def close(self) -> None:
        """Take no more registrations."""
        self._unsubscribe()

    @property
    def intents(self) -> list[str]:
        """The intents that remote skills answer."""
        return [name for skill in self._skills.values() for name in skill.intents]

    def handles(self, intent: str) -> bool:
        """Return whether a remote skill has registered an intent."""
        return any(intent in skill.intents for skill in self._skills.values())

    def sentences(self) -> SkillSentences:
        """Return the sentences of all remote skills."""
        result = SkillSentences()
        for skill in self._skills.values():
            result = result.merged(sentences_of(skill))
        return result

    async def _register(self, message: SkillRegister) -> None:
        async with self._turn:
            before = self._skills
            try:
                self._skills = self._with(message)
                if self._skills != before:
                    await self._learn()
            except EarshotError as error:
                self._skills = before
                _log.warning("remote skill %s: %s", message.skill_id, error)
                refused = SkillRegistered(skill_id=message.skill_id, intents=[], error=str(error))
                await send(self._bus, refused)
                return
        await send(self._bus, SkillRegistered(skill_id=message.skill_id, intents=[*message.intents]))

    def _with(self, message: SkillRegister) -> dict[str, SkillRegister]:
        """Return the registrations with this one.

        Raises:
            SkillError: it is too large, or an intent belongs to another skill.
        """
        others = {name: skill for name, skill in self._skills.items() if name != message.skill_id}
        if not message.intents:
            return others
        if len(others) >= MAX_SKILLS:
            raise SkillError(f"{MAX_SKILLS} remote skills are registered", fix="take one back with an empty payload")
        _check_size("templates", message.intents, MAX_TEMPLATES)
        _check_size("names", message.lists, MAX_NAMES)
        for intent, templates in message.intents.items():
            if any(intent in skill.intents for skill in others.values()):
                raise SkillError(f"intent {intent!r} belongs to another remote skill", fix="rename it")
            if templates and self._owned(intent):
                raise SkillError(f"intent {intent!r} belongs to a skill here", fix="register it without templates")
        return {**others, message.skill_id: message}


def _check_size(what: str, values: Mapping[str, list[str]], limit: int) -> None:
    n = sum(map(len, values.values()))
    if n > limit:
        raise SkillError(f"{n} {what}", fix=f"register at most {limit}")


def sentences_of(skill: SkillRegister) -> SkillSentences:
    """Return a remote skill's sentences, its lists and rules under its own name so that skills never collide.

    Raises:
        SkillError: a template uses a list that the registration lacks.
    """
    prefix = re.sub(r"\W", "_", skill.skill_id).lower()

    def slot(match: re.Match[str]) -> str:
        name = match[1]
        if name not in skill.lists:
            raise SkillError(f"{skill.skill_id}: no list for {{{name}}}", fix=f'send "lists": {{"{name}": [...]}}')
        return f"{{{prefix}_{name}:{match[2] or name}}}"

    def qualified(template: str) -> str:
        return _RULE.sub(rf"<{prefix}_\1>", _LIST.sub(slot, template))

    return SkillSentences(
        {intent: [qualified(template) for template in templates] for intent, templates in skill.intents.items()},
        {f"{prefix}_{name}": values for name, values in skill.lists.items()},
        {f"{prefix}_{name}": qualified(rule) for name, rule in skill.rules.items()},
    )
