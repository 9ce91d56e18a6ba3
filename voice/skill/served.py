"""A skill as a program of its own on the broker: the same file, on any machine, by the contract of remote skills."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import (
    ContinueSession,
    EndSession,
    IntentMessage,
    IntentNotRecognized,
    SessionEnded,
    SkillRegister,
    SkillRegistered,
    StartSession,
    TtsSay,
    on,
    safe_level,
)
from voice.errors import SkillError
from voice.nlu.templates import ListValues, Wildcard, spoken_forms
from voice.skill.host import SkillHost
from voice.skill.replies import Context
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill
from voice.skill.slots import SLOT, Takes

_log = logging.getLogger(__name__)

_SAYS = (ContinueSession, EndSession, StartSession, TtsSay)
_HEARS = (IntentMessage, IntentNotRecognized, SessionEnded)


class _Worded:
    """Parameters whose slots come as the words that were said, and become what the skill's lists say of them."""

    def __init__(self, takes: Takes, forms: Mapping[str, Mapping[str, Any]]) -> None:
        self._takes = takes
        self._forms = forms

    @property
    def names(self) -> frozenset[str]:
        return self._takes.names

    def spoken(self, slot: str) -> ListValues | None:
        return self._takes.spoken(slot)

    def bind(self, given: Mapping[str, Any], context: Context) -> dict[str, Any]:
        meant = {name: self._forms.get(name, {}).get(value, value) for name, value in given.items()}
        return self._takes.bind(meant, context)


def registration_of(skill: Skill) -> tuple[SkillRegister, dict[str, dict[str, Any]]]:
    """Return what a skill registers, and slot -> words -> value of what comes back as words.

    Raises:
        SkillError: it uses what the contract has no word for.
    """
    handlers, lists, rules = skill.translated()
    known: dict[str, ListValues] = {}
    for handler in handlers:
        known |= {name: values for name in handler.parameters.names if (values := handler.parameters.spoken(name))}
    known |= lists
    intents: dict[str, list[str]] = {}
    slots: dict[str, dict[str, Any]] = {}
    for handler in handlers:
        if handler.policy.dangerous or handler.policy.min_confidence:
            # Dropped silently, a door would open without a question.
            raise SkillError(
                f"{skill.name}: {handler.intent} is dangerous or wants a confidence", fix="a remote skill can't say so"
            )
        for template, fixed in handler.templates.items():
            if fixed:
                raise SkillError(f"{skill.name}: {template!r} sets slots unspoken", fix="a remote skill can't do that")
            intents.setdefault(handler.intent, []).append(template)
    words: dict[str, list[str]] = {}
    for name, values in known.items():
        if isinstance(values, Wildcard):
            raise SkillError(f"{skill.name}: list {name!r} takes anything", fix="a remote skill can't do that")
        forms = spoken_forms(values)
        words[name] = [*forms]
        slots.setdefault(name, {}).update(forms)
    for text in (*rules.values(), *(template for templates in intents.values() for template in templates)):
        for match in SLOT.finditer(text):
            slots.setdefault(match["slot"] or match["list"], {}).update(slots.get(match["list"], {}))
    return SkillRegister(skill_id=skill.name, intents=intents, lists=words, rules=rules), slots


async def serve(
    skill: Skill,
    broker: BrokerSettings,
    settings: SkillSettings,
    state: Path | None,
    ready: asyncio.Event | None = None,
) -> None:
    """Serve a skill until cancelled; then its registration is taken back.

    Args:
        skill: what to serve.
        broker: where the assistant is, too.
        settings: limits, and the skill's own settings.
        state: folder of what it keeps; None keeps it in memory.
        ready: set when the assistant has taken it.

    Raises:
        SkillError: it can't be registered; says what the assistant objects to.
    """
    skill.speak(settings.language)
    register, forms = registration_of(skill)
    skill.handlers[:] = [replace(h, parameters=_Worded(h.parameters, forms)) for h in skill.handlers]
    place = f"earshot/skill/{safe_level(skill.name)}"
    ours = broker.model_copy(
        update={
            "client_id": f"skill-{skill.name}"[:64],
            "send": (*(m.topic_filter for m in _SAYS), "hermes/error/#", f"{place}/register", *skill.publishes),
            "receive": (
                *(m.topic_filter for m in _HEARS),
                f"{place}/registered",
                *skill.topics[len(skill.publishes) :],
            ),
        }
    )
    async with LocalBus() as bus, MqttLink(bus, ours) as link:
        answers: asyncio.Queue[SkillRegistered] = asyncio.Queue()
        on(bus, SkillRegistered, answers.put)
        host = SkillHost(bus, [skill], settings, state=state)
        try:
            await link.wait_connected()
            while True:
                await bus.publish(f"{place}/register", register.encode(), retain=True)
                answer = await answers.get()
                if answer.error:
                    raise SkillError(f"{skill.name} is not taken: {answer.error}")
                _log.info("%s answers %s", skill.name, ", ".join(answer.intents))
                if ready is not None:
                    ready.set()
                await _reconnected(link)
        finally:
            await bus.publish(f"{place}/register", b"", retain=True)
            await host.close()


async def _reconnected(link: MqttLink) -> None:
    """Return when the broker was away and is there again: it may have forgotten what was retained."""
    back = asyncio.Event()
    away = False

    def changed(up: bool) -> None:
        nonlocal away
        away = away or not up
        if up and away:
            back.set()

    link.on_connection(changed)
    await back.wait()
