"""Run skills: intents in, answers out. A skill that raises, hangs or returns nonsense never stops the loop."""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voice.bus.base import Bus
from voice.bus.topics import (
    ContinueSession,
    EndSession,
    ErrorMessage,
    IntentMessage,
    IntentNotRecognized,
    NotificationInit,
    SessionEnded,
    StartSession,
    TtsSay,
    on,
    send,
)
from voice.clock import Cancel, Clock, LoopClock
from voice.errors import EarshotError, SkillError
from voice.nlu.templates import SkillSentences
from voice.skill.handler import Call, Handler, call
from voice.skill.replies import Ask, Context, Reply, Say
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill

_log = logging.getLogger(__name__)

STOP = "Stop"
"""The intent that leaves a question, whatever it expected."""
_MAX_QUESTIONS = 100
_MAX_TEXT = 10_000  # characters
_MAX_DELAY_S = 10**8  # three years


@dataclass(frozen=True, slots=True)
class _Question:
    skill: Skill
    expect: Sequence[str]
    data: Mapping[str, Any]


class SkillHost:
    """Answers `hermes/intent/#` with the skills' functions. Needs a running event loop.

    Args:
        bus: where intents come from and answers go.
        skills: what runs here.
        settings: limits.
        clock: for deadlines and timers; None takes real time.

    Raises:
        SkillError: two skills share a name or an intent.
    """

    def __init__(
        self, bus: Bus, skills: Sequence[Skill], settings: SkillSettings | None = None, *, clock: Clock | None = None
    ) -> None:
        check_unique(skills)
        self.skills = tuple(skills)
        self.settings = settings or SkillSettings()
        self.clock = clock or LoopClock()
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._intents = {h.intent: h for skill in skills for h in skill.handlers if not h.is_answer}
        self._turns = {skill.name: asyncio.Lock() for skill in skills}
        self._questions: OrderedDict[str, _Question] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: set[Cancel] = set()
        for skill in skills:
            skill.bind(self)
        self._unsubscribe = (
            on(bus, IntentMessage, self._receive),
            on(bus, IntentNotRecognized, self._not_recognized),
            on(bus, SessionEnded, self._ended),
        )
        for skill in skills:
            if skill.starts:
                self._spawn(self._start(skill))

    def handles(self, intent: str, session_id: str | None = None) -> bool:
        """Return whether a skill here answers `intent`, in a session that may be waiting for an answer."""
        question = self._questions.get(session_id or "")
        return intent in self._intents or (question is not None and intent in question.expect)

    def sentences(self) -> SkillSentences:
        """Return the sentences of all skills."""
        result = SkillSentences()
        for skill in self.skills:
            result = result.merged(skill.sentences())
        return result

    async def close(self) -> None:
        """Stop taking intents, cancel what runs and forget what was scheduled."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for cancel in tuple(self._timers):
            cancel()
        for skill in self.skills:
            skill.bind(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Return when no call runs."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- the skills' stage: callable from any thread -----------------------------------------------------------

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message."""
        self._on_loop(lambda: self._spawn(self._bus.publish(topic, payload)))

    def say(self, text: str, site: str) -> None:
        """Open a session that speaks `text`."""
        session = StartSession(init=NotificationInit(text=_speakable(text)), site_id=site)
        self._on_loop(lambda: self._spawn(send(self._bus, session)))

    def today(self) -> datetime:
        """Return the local date and time."""
        return self.clock.today()

    def after(self, seconds: float, callback: Call, skill: Skill, site: str) -> Cancel:
        """Call back later; a text that it returns is spoken at `site`.

        Raises:
            SkillError: the time can't be waited for.
        """
        if not 0 <= seconds < _MAX_DELAY_S:
            raise SkillError(f"skill.after({seconds!r}, ...)", fix=f"give seconds, 0 to {_MAX_DELAY_S}")
        scheduled: list[Cancel] = []

        def ring() -> None:
            self._timers.discard(cancel)
            self._spawn(self._rung(callback, skill, site))

        def cancel() -> None:
            self._timers.discard(cancel)
            for take_back in scheduled:
                take_back()

        def schedule() -> None:
            scheduled.append(self.clock.call_later(seconds, ring))
            self._timers.add(cancel)

        self._on_loop(schedule)
        return lambda: self._on_loop(cancel)

    # ---- intents -----------------------------------------------------------------------------------------------

    async def _receive(self, message: IntentMessage) -> None:
        name, session = message.intent.intent_name, message.session_id
        question = self._questions.pop(session or "", None)
        expected = question is not None and name in question.expect
        answers = question.skill.handlers if question and expected else ()
        handler = next((h for h in answers if h.is_answer and h.intent == name), None) or self._intents.get(name)
        if handler is None:
            return
        slots = {s.slot_name: s.raw_value if s.value.value is None else s.value.value for s in message.slots}
        if question and expected:
            slots = {**question.data, **slots}
        context = Context(message.site_id, message.input, message.intent.confidence_score, session)
        await self._run(handler, slots, context)

    async def _not_recognized(self, message: IntentNotRecognized) -> None:
        question = self._questions.pop(message.session_id, None)
        if question is None or question.skill.not_recognized is None:
            return
        context = Context(message.site_id, message.input, message.confidence_score, message.session_id)
        await self._run(question.skill.not_recognized, question.data, context)

    async def _ended(self, message: SessionEnded) -> None:
        self._questions.pop(message.session_id, None)

    async def _run(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> None:
        if len(self._tasks) < self.settings.running:
            self._spawn(self._answer(handler, slots, context))
            return
        await self._report(handler.skill, SkillError(f"{self.settings.running} calls are running"), context)
        await self._reply(handler, Say(self.settings.apology), context)

    async def _answer(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> None:
        reply = await self._guarded(handler.skill, context, lambda: self._call(handler, slots, context))
        await self._reply(handler, reply, context)

    async def _call(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> Reply:
        arguments = handler.parameters.bind(slots, context)
        async with self._turns[handler.skill]:
            reply = await call(handler.call, arguments, self.clock, self.settings.deadline_s)
        if isinstance(reply, Ask) and (unknown := sorted(set(reply.expect) - self._answerable(handler.skill))):
            raise SkillError(f"{handler.intent} expects {unknown[0]!r}", fix=f'define skill.answer("{unknown[0]}")')
        return reply

    async def _start(self, skill: Skill) -> None:
        """Let a skill begin with a clean state, before its first intent: it may raise or hang like any call."""

        async def begin() -> None:
            async with self._turns[skill.name]:
                for start in skill.starts:
                    await call(start, {}, self.clock, self.settings.deadline_s)

        await self._guarded(skill.name, Context(), begin)

    async def _rung(self, callback: Call, skill: Skill, site: str) -> None:
        context = Context(site)
        reply = await self._guarded(
            skill.name, context, lambda: call(callback, {}, self.clock, self.settings.deadline_s)
        )
        if text := reply if isinstance(reply, str) else getattr(reply, "text", ""):
            self.say(text, site)

    async def _guarded(self, skill: str, context: Context, work: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - the skill boundary
            _log.error("skill %s: %s", skill, _line(error), exc_info=not isinstance(error, EarshotError))
            await self._report(skill, error, context)
            return Say(self.settings.apology)

    async def _report(self, skill: str, error: Exception, context: Context) -> None:
        message = ErrorMessage(
            component=f"skill/{skill}",
            error=_line(error),
            context=context.text or None,
            session_id=context.session,
            site_id=context.site,
        )
        await send(self._bus, message)

    async def _reply(self, handler: Handler, reply: Reply, context: Context) -> None:
        text = _speakable(reply.text if isinstance(reply, Say | Ask) else reply or "")
        if context.session is None:
            if text:
                await send(self._bus, TtsSay(text=text, site_id=context.site))
        elif isinstance(reply, Ask):
            await send(self._bus, self._continued(handler, reply, context.session))
        else:
            await send(self._bus, EndSession(session_id=context.session, text=text))

    def _continued(self, handler: Handler, reply: Ask, session: str) -> ContinueSession:
        skill = next(skill for skill in self.skills if skill.name == handler.skill)
        self._questions[session] = _Question(skill, tuple(reply.expect), reply.data)
        while len(self._questions) > _MAX_QUESTIONS:
            self._questions.popitem(last=False)
        return ContinueSession(
            session_id=session,
            text=_speakable(reply.text),
            intent_filter=[*dict.fromkeys((*reply.expect, *((STOP,) if STOP in self._intents else ())))],
            send_intent_not_recognized=skill.not_recognized is not None,
        )

    def _answerable(self, name: str) -> set[str]:
        return set(self._intents) | {h.intent for skill in self.skills if skill.name == name for h in skill.handlers}

    # ---- tasks -------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_loop(self, work: Callable[[], None]) -> None:
        if threading.get_ident() == self._thread:
            work()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)


def check_unique(skills: Sequence[Skill]) -> None:
    """Check that no two skills share a name, nor two handlers an intent.

    Raises:
        SkillError: they do; names both.
    """
    owners: dict[str, str] = {}
    names: set[str] = set()
    for skill in skills:
        if skill.name in names:
            raise SkillError(f"two skills are called {skill.name!r}", fix="rename one")
        names.add(skill.name)
        for handler in skill.handlers:
            if handler.is_answer:
                continue
            if (owner := owners.setdefault(handler.intent, skill.name)) != skill.name:
                raise SkillError(f"skills {owner} and {skill.name} both answer {handler.intent!r}", fix="rename one")


def _speakable(text: str) -> str:
    """Return what Hermes carries of a text: no more than the limit, and no halves of surrogate pairs."""
    return text[:_MAX_TEXT].encode(errors="replace").decode()


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if isinstance(error, EarshotError) and text else f"{type(error).__name__}: {text[0] if text else ''}"


__all__ = ["STOP", "SkillHost", "SkillSettings", "check_unique"]
