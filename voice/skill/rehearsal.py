"""Rehearse skills without microphone, broker or waiting: text in, replies out, and a clock that you advance."""

import asyncio
import itertools
import json
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from voice.bus.base import Message
from voice.bus.memory import LocalBus
from voice.bus.topics import (
    ContinueSession,
    EndSession,
    ErrorMessage,
    HermesSlot,
    IntentMessage,
    IntentName,
    IntentNotRecognized,
    NotificationInit,
    SessionEnded,
    SlotValue,
    StartSession,
    Termination,
    TtsSay,
    on,
    send,
)
from voice.clock import VirtualClock
from voice.errors import SkillError
from voice.events import Intent
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill.host import SkillHost
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill

PATIENCE_S = 5.0
"""Real seconds that a skill may take here."""


async def settled(bus: LocalBus, host: SkillHost, patience_s: float) -> None:
    """Return when neither messages nor skills are under way any more.

    Raises:
        SkillError: a skill still runs after `patience_s`, in real seconds.
    """
    try:
        async with asyncio.timeout(patience_s):
            await bus.drain()
            await host.settle()
            await bus.drain()
    except TimeoutError as error:
        raise SkillError("a skill does not answer", fix="look for an endless wait in it") from error


class Rehearsal:
    """Skills on a stage of their own.

        async with Rehearsal(skill) as stage:
            assert await stage.say("set a timer for three minutes") == "3 minutes, starting now."
            await stage.advance(180)
            assert stage.spoken[-1] == "The timer is up."

    Args:
        skills: what to rehearse.
        settings: limits, and the skills' own settings; a test of a deadline advances `clock` past it.
        state: folder of what the skills keep, for a test of a restart; None keeps it in memory.
        start: the time of day at which it begins.
    """

    def __init__(
        self,
        *skills: Skill,
        settings: SkillSettings | None = None,
        state: Path | None = None,
        start: datetime = datetime(2026, 1, 5, 9, 0),
    ) -> None:
        self.clock = VirtualClock(start)
        self.bus = LocalBus()
        self.spoken: list[str] = []
        """All that was said, oldest first."""
        self.published: list[tuple[str, Any]] = []
        """Topic and payload (JSON where it is JSON, else text) of what the skills published."""
        self.errors: list[str] = []
        """What went wrong, as on `hermes/error/skill/<name>`."""
        self.expects: list[str] | None = None
        """Intents that answer the open question; None while no question is open."""
        self._skills = skills
        self._settings = settings
        self._state = state
        self._numbers = itertools.count(1)
        self._session = ""
        self._tell_not_recognized = False
        self._reply: str | None = None

    async def __aenter__(self) -> Self:
        self.host = SkillHost(self.bus, self._skills, self._settings, clock=self.clock, state=self._state)
        self.host.on_lists = lambda _skill, _name: self._compile()
        self._compile()
        on(self.bus, EndSession, self._ended)
        on(self.bus, ContinueSession, self._continued)
        on(self.bus, StartSession, self._notified)
        on(self.bus, TtsSay, self._said)
        on(self.bus, ErrorMessage, self._failed)
        for topic in {topic for skill in self._skills for topic in skill.publishes}:
            self.bus.subscribe(topic, self._heard)
        await self.settle()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.host.close()
        await self.bus.__aexit__(kind, error, trace)

    def _compile(self) -> None:
        self._parser = TemplateParser(compile_grammar(self.host.sentences()))

    def parse(self, text: str) -> Intent | None:
        """Return the intent that `text` has now (while a question is open: among its answers)."""
        return self._parser.parse(text, self.expects)

    async def say(self, text: str) -> str | None:
        """Return the reply to a sentence: "" without words, None where no skill knows the sentence."""
        intent = self.parse(text)
        if intent is None:
            return await self._not_understood(text)
        return await self.intent(intent.name, text, **{slot.name: slot.value for slot in intent.slots})

    async def intent(self, name: str, text: str = "", /, **slots: Any) -> str | None:
        """Return the reply to an intent given directly."""
        self._begin_turn()
        values = [HermesSlot(slot_name=key, raw_value=str(v), value=SlotValue(value=v)) for key, v in slots.items()]
        intent = IntentName(intent_name=name, confidence_score=1.0)
        await send(self.bus, IntentMessage(input=text, intent=intent, slots=values, session_id=self._session))
        await self.settle()
        return self._reply

    async def receive(self, topic: str, payload: Any = "") -> None:
        """Let a message arrive, as from MQTT: text as it is, anything else as JSON."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await self.bus.publish(topic, text.encode())
        await self.settle()

    async def advance(self, seconds: float) -> None:
        """Let time pass; what falls due happens."""
        await self.clock.advance(seconds, self.settle)

    async def settle(self) -> None:
        """Return when nothing is going on any more; see `settled`."""
        await settled(self.bus, self.host, PATIENCE_S)

    def _begin_turn(self) -> None:
        if self.expects is None:
            self._session = f"rehearsal-{next(self._numbers)}"
        self.expects, self._reply = None, None

    async def _not_understood(self, text: str) -> str | None:
        asked, told = self.expects is not None, self._tell_not_recognized
        self._begin_turn()
        if asked and told:
            await send(self.bus, IntentNotRecognized(session_id=self._session, input=text))
        elif asked:
            ended = Termination(reason="intentNotRecognized")
            await send(self.bus, SessionEnded(session_id=self._session, termination=ended))
        elif self.host.falls_back(self._session):
            await send(self.bus, IntentNotRecognized(session_id=self._session, input=text))
        await self.settle()
        if not asked and self._reply == "":  # no skill took it
            self._reply = None
        return self._reply

    async def _ended(self, message: EndSession) -> None:
        self._speak(message.text)

    async def _continued(self, message: ContinueSession) -> None:
        self.expects, self._tell_not_recognized = message.intent_filter or [], message.send_intent_not_recognized
        self._speak(message.text)

    async def _notified(self, message: StartSession) -> None:
        if isinstance(message.init, NotificationInit):
            self.spoken.append(message.init.text)

    async def _said(self, message: TtsSay) -> None:
        self.spoken.append(message.text)

    async def _failed(self, message: ErrorMessage) -> None:
        self.errors.append(message.error)

    async def _heard(self, message: Message) -> None:
        text = message.payload.decode(errors="replace")
        try:
            self.published.append((message.topic, json.loads(text)))
        except ValueError:
            self.published.append((message.topic, text))

    def _speak(self, text: str) -> None:
        self._reply = text
        if text:
            self.spoken.append(text)
