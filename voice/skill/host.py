"""Run skills: intents in, answers out. A skill that raises, hangs or returns nonsense never stops the loop."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from voice.bus.base import Bus
from voice.bus.topics import (
    ContinueSession,
    EndSession,
    ErrorMessage,
    HandleToggleOff,
    HandleToggleOn,
    IntentMessage,
    IntentNotRecognized,
    SessionEnded,
    TtsSay,
    on,
    send,
)
from voice.clock import Cancel, Clock, LoopClock
from voice.errors import EarshotError, SkillError
from voice.nlu.templates import SkillSentences
from voice.skill.errands import Errands, speakable
from voice.skill.handler import Call, Handler, call
from voice.skill.listening import Fallback
from voice.skill.options import load_options
from voice.skill.replies import Ask, Context, Reply, Say
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill
from voice.skill.stage import Schedules
from voice.skill.storage import Home

_log = logging.getLogger(__name__)

STOP = "Stop"
"""The intent that leaves a question, whatever it expected."""
_MAX_QUESTIONS = 100


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
        state: folder of what skills keep; None keeps it in memory, until the host closes.

    Raises:
        SkillError: two skills share a name or an intent, or the settings of one are wrong.
    """

    def __init__(
        self,
        bus: Bus,
        skills: Sequence[Skill],
        settings: SkillSettings | None = None,
        *,
        clock: Clock | None = None,
        state: Path | None = None,
    ) -> None:
        check_unique(skills)
        self.skills: tuple[Skill, ...] = ()
        self.settings = settings or SkillSettings()
        self.clock = clock or LoopClock()
        self.on_lists: Callable[[Skill, str], None] = lambda _skill, _name: None
        """Called on the event loop when a skill has changed a list."""
        self._bus = bus
        self._errands = Errands(bus, self.clock, self._perform, state)
        self._intents: dict[str, Handler] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._questions: OrderedDict[str, _Question] = OrderedDict()
        self._falling: OrderedDict[str, None] = OrderedDict()
        self._elsewhere: set[str] = set()  # sites whose intents others handle
        for skill in skills:
            self._prepare(skill)
        for skill in skills:
            self._enter(skill)
        self._unsubscribe = (
            on(bus, IntentMessage, self._receive),
            on(bus, IntentNotRecognized, self._not_recognized),
            on(bus, SessionEnded, self._ended),
            on(bus, HandleToggleOn, self._toggle),
            on(bus, HandleToggleOff, self._toggle),
        )

    # ---- who is here -------------------------------------------------------------------------------------------

    def exchange(self, old: Skill | None, new: Skill | None) -> None:
        """Let a skill go, another come, or both at once; intents that are being answered are answered.

        Raises:
            SkillError: the new one shares a name or an intent with another skill, or its settings are wrong.
        """
        staying = [skill for skill in self.skills if skill is not old]
        if new is not None:
            check_unique([*staying, new])
            self._prepare(new)
        if old is not None:
            self._leave(old)
        if new is not None:
            self._enter(new)

    def _prepare(self, skill: Skill) -> None:
        skill.speak(self.settings.language)
        if skill.model is not None:
            configured = self.settings.settings.get(skill.name, {})
            skill.settings = load_options(skill.name, skill.model, configured, self._errands.home(skill)).value

    def _enter(self, skill: Skill) -> None:
        self.skills = (*self.skills, skill)
        self._turns.setdefault(skill.name, asyncio.Lock())
        skill.bind(self)
        self._index()
        if skill.starts:
            self._errands.spawn(self._start(skill))
        self._errands.start(skill)

    def _leave(self, skill: Skill) -> None:
        self.skills = tuple(other for other in self.skills if other is not skill)
        self._errands.stop(skill)
        skill.bind(None)
        self._index()

    def _index(self) -> None:
        self._intents = {h.intent: h for skill in self.skills for h in skill.handlers if not h.is_answer}
        found = [(fallback, skill) for skill in self.skills for fallback in skill.fallbacks]
        self._fallbacks = sorted(found, key=lambda pair: pair[0].priority)

    def handles(self, intent: str, session_id: str | None = None) -> bool:
        """Return whether a skill here answers `intent`, in a session that may be waiting for an answer."""
        question = self._questions.get(session_id or "")
        return intent in self._intents or (question is not None and intent in question.expect)

    def falls_back(self, session_id: str) -> bool:
        """Return whether a skill wants to be asked about what was not understood; then it will be, in this session."""
        if not self._fallbacks:
            return False
        self._falling[session_id] = None
        while len(self._falling) > _MAX_QUESTIONS:
            self._falling.popitem(last=False)
        return True

    def sentences(self) -> SkillSentences:
        """Return the sentences of all skills."""
        result = SkillSentences()
        for skill in self.skills:
            result = result.merged(skill.sentences())
        return result

    async def close(self) -> None:
        """Stop taking intents, cancel what runs and forget what was not scheduled."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for skill in self.skills:
            self._errands.stop(skill)
            skill.bind(None)
        for task in tuple(self._errands.tasks):
            task.cancel()
        await asyncio.gather(*self._errands.tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Return when no call runs."""
        while self._errands.tasks:
            await asyncio.gather(*self._errands.tasks, return_exceptions=True)

    # ---- the skills' stage: callable from any thread -----------------------------------------------------------

    def publish(self, skill: Skill, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish a message."""
        self._errands.publish(skill, topic, payload, retain=retain)

    def say(self, text: str, site: str) -> None:
        """Open a session that speaks `text`."""
        self._errands.say(text, site)

    def today(self) -> datetime:
        """Return the local date and time."""
        return self.clock.today()

    def after(self, seconds: float, callback: Call, skill: Skill, site: str) -> Cancel:
        """Call back later; a text that it returns is spoken at `site`."""
        return self._errands.after(seconds, callback, skill, site)

    def home(self, skill: Skill) -> Home:
        """Return where a skill keeps things."""
        return self._errands.home(skill)

    def schedules(self, skill: Skill) -> Schedules:
        """Return what a skill has to do later."""
        return self._errands.schedules(skill)

    def fault(self, skill: Skill, text: str) -> None:
        """Tell of something that went wrong while nobody asked, on `hermes/error/skill/<name>`."""
        self._errands.on_loop(lambda: self._errands.spawn(self._report(skill.name, SkillError(text), Context())))

    def relist(self, skill: Skill, name: str) -> None:
        """Let a list that has changed be heard."""
        self._errands.on_loop(lambda: self.on_lists(skill, name))

    # ---- intents -----------------------------------------------------------------------------------------------

    async def _toggle(self, message: HandleToggleOn | HandleToggleOff) -> None:
        if isinstance(message, HandleToggleOn):
            self._elsewhere.discard(message.site_id)
        elif len(self._elsewhere) < _MAX_QUESTIONS:
            self._elsewhere.add(message.site_id)

    async def _receive(self, message: IntentMessage) -> None:
        if message.site_id in self._elsewhere:
            return
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
        context = Context(message.site_id, message.input, message.confidence_score, message.session_id)
        if question is not None and question.skill.not_recognized is not None:
            await self._run(question.skill.not_recognized, question.data, context)
        elif message.session_id in self._falling:
            del self._falling[message.session_id]
            self._errands.spawn(self._fall_back(context))

    async def _ended(self, message: SessionEnded) -> None:
        self._questions.pop(message.session_id, None)
        self._falling.pop(message.session_id, None)

    async def _run(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> None:
        if len(self._errands.tasks) < self.settings.running:
            self._errands.spawn(self._answer(handler, slots, context))
            return
        await self._report(handler.skill, SkillError(f"{self.settings.running} calls are running"), context)
        await self._reply(handler.skill, Say(self.settings.apology), context)

    async def _answer(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> None:
        reply = await self._guarded(handler.skill, context, lambda: self._call(handler, slots, context))
        await self._reply(handler.skill, reply, context)

    async def _call(self, handler: Handler, slots: Mapping[str, Any], context: Context) -> Reply:
        arguments = handler.parameters.bind(slots, context)
        reply = await self._timed(handler.skill, handler.call, arguments)
        if isinstance(reply, Ask) and (unknown := sorted(set(reply.expect) - self._answerable(handler.skill))):
            raise SkillError(f"{handler.intent} expects {unknown[0]!r}", fix=f'define skill.answer("{unknown[0]}")')
        return reply

    async def _fall_back(self, context: Context) -> None:
        """Ask one skill after the other; a session that none takes ends as not understood."""
        for fallback, skill in self._fallbacks:

            async def attempt(fallback: Fallback = fallback, skill: Skill = skill) -> Reply:
                arguments = fallback.parameters.bind({}, context)
                return await self._timed(skill.name, fallback.call, arguments)

            if (reply := await self._guarded(skill.name, context, attempt, apology=False)) is not None:
                await self._reply(skill.name, reply, context)
                return
        await self._reply("", None, context)

    async def _start(self, skill: Skill) -> None:
        """Let a skill begin with a clean state, before its first intent: it may raise or hang like any call."""

        async def begin() -> None:
            for start in skill.starts:
                await self._timed(skill.name, start, {})

        await self._guarded(skill.name, Context(), begin)

    async def _perform(self, skill: Skill, call: Call, arguments: Callable[[], Mapping[str, Any]], site: str) -> None:
        """Call a skill's function that nobody asked for, and speak what it returns."""

        async def attempt() -> Reply:
            return await self._timed(skill.name, call, arguments())

        reply = await self._guarded(skill.name, Context(site), attempt)
        if text := reply if isinstance(reply, str) else getattr(reply, "text", ""):
            self.say(text, site)

    async def _timed(self, skill: str, function: Call, arguments: Mapping[str, Any]) -> Reply:
        """Call a function within the deadline; calls of one skill never overlap."""
        async with self._turns[skill]:
            return await call(function, arguments, self.clock, self.settings.deadline_s)

    async def _guarded(
        self, skill: str, context: Context, work: Callable[[], Coroutine[Any, Any, Reply]], *, apology: bool = True
    ) -> Reply:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - the skill boundary
            _log.error("skill %s: %s", skill, _line(error), exc_info=not isinstance(error, EarshotError))
            await self._report(skill, error, context)
            return Say(self.settings.apology) if apology else None

    async def _report(self, skill: str, error: Exception, context: Context) -> None:
        message = ErrorMessage(
            component=f"skill/{skill}",
            error=_line(error),
            context=context.text or None,
            session_id=context.session,
            site_id=context.site,
        )
        await send(self._bus, message)

    async def _reply(self, skill: str, reply: Reply, context: Context) -> None:
        text = speakable(reply.text if isinstance(reply, Say | Ask) else reply or "")
        if context.session is None:
            if text:
                await send(self._bus, TtsSay(text=text, site_id=context.site))
        elif isinstance(reply, Ask):
            await send(self._bus, self._continued(skill, reply, context.session))
        else:
            await send(self._bus, EndSession(session_id=context.session, text=text))

    def _continued(self, name: str, reply: Ask, session: str) -> ContinueSession:
        skill = next(skill for skill in self.skills if skill.name == name)
        self._questions[session] = _Question(skill, tuple(reply.expect), reply.data)
        while len(self._questions) > _MAX_QUESTIONS:
            self._questions.popitem(last=False)
        return ContinueSession(
            session_id=session,
            text=speakable(reply.text),
            intent_filter=[*dict.fromkeys((*reply.expect, *((STOP,) if STOP in self._intents else ())))],
            send_intent_not_recognized=skill.not_recognized is not None,
        )

    def _answerable(self, name: str) -> set[str]:
        return set(self._intents) | {h.intent for skill in self.skills if skill.name == name for h in skill.handlers}


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


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if isinstance(error, EarshotError) and text else f"{type(error).__name__}: {text[0] if text else ''}"


__all__ = ["STOP", "SkillHost", "SkillSettings", "check_unique"]
