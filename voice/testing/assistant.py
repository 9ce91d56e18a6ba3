"""An assistant in process: the real hub, dialogue and skills on a clock that the test moves on."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from voice.app import build_ears, build_understanding, grammar_of
from voice.audio.files import FileSource
from voice.bus.base import Message
from voice.bus.memory import LocalBus, matches
from voice.bus.topics import (
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    ErrorMessage,
    HotwordDetected,
    IntentMessage,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    SessionEnded,
    TtsSay,
    TtsSayFinished,
    on,
    send,
)
from voice.clock import VirtualClock
from voice.config import Config
from voice.dialogue.manager import DialogueManager
from voice.events import Chunk
from voice.nlu.parser import TemplateParser
from voice.pipeline.assistant import Assistant as Listener
from voice.pipeline.interpreter import hermes_slots
from voice.skill import Skill
from voice.skill.host import SkillHost
from voice.skill.learner import always_intents
from voice.skill.loader import load_target
from voice.skill.rehearsal import settled
from voice.skill.settings import SkillSettings

PATIENCE_S = 20.0
"""Real seconds that one step may take."""
_QUICK = {"arbitration_s": 0.0, "follow_up_s": 0.0}  # nobody is there to wait for


@dataclass
class Turn:
    """What one sentence led to."""

    text: str
    intent: str | None = None
    slots: dict[str, Any] = field(default_factory=dict)
    confidence: float = 0.0
    spoken: list[str] = field(default_factory=list)
    """What was said, oldest first."""
    ended: str | None = None
    """Why the session ended, as in Hermes; None where it goes on."""

    @property
    def reply(self) -> str | None:
        """What was answered: "" without words, None where nothing was understood."""
        if not self.spoken and (self.intent is None or self.ended == "intentNotRecognized"):
            return None
        return " ".join(self.spoken)


class Assistant:
    """Skills, dialogue and hub. Use as an async context manager.

        async with Assistant("coffee.py") as va:
            assert await va.say("make espresso") == "Coming up."
            va.expect_message("home/coffee/set", kind="espresso")

    Args:
        skills: skills, or their files or folders, or `module:attribute`.
        config: the settings, the models of `play` included; None: the defaults.
        settings: the skills' own settings, by skill.
        state: folder of what the skills keep, for a test of a restart; None keeps it in memory.
        start: the time of day at which it begins.
        site: where it listens.
    """

    def __init__(
        self,
        *skills: Skill | str | Path,
        config: Config | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        state: Path | None = None,
        start: datetime = datetime(2026, 1, 5, 9, 0),
        site: str = "default",
    ) -> None:
        self.clock = VirtualClock(start)
        self.bus = LocalBus()
        self.site = site
        self.turns: list[Turn] = []
        """One for each sentence, oldest first."""
        self.messages: list[Message] = []
        """All that went over the bus, oldest first."""
        self.errors: list[str] = []
        """Faults of skills that no `expect_error` has taken yet; one that is left fails the test."""
        config = config or Config()
        own = SkillSettings(**{**config.skills.model_dump(), "settings": settings or config.skills.settings})
        self._config = config.model_copy(update={"skills": own})
        self._skills = [skill if isinstance(skill, Skill) else load_target(str(skill)) for skill in skills]
        self._state = state
        self._turn = Turn("")
        self._since = 0
        self._spoken: list[str] = []
        self._text: str | None = None
        self._listening: AsrStartListening | None = None
        self._listener: Listener | None = None
        self._heard_until = 0
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exit.enter_async_context(self.bus)
        self.host = SkillHost(self.bus, self._skills, self._config.skills, clock=self.clock, state=self._state)
        self._exit.push_async_callback(self.host.close)
        quick = self._config.dialogue.model_copy(update=_QUICK)
        dialogue = DialogueManager(self.bus, quick, self.host.handles, self.host.falls_back, clock=self.clock)
        self._exit.push_async_callback(dialogue.close)
        self.host.on_lists = lambda _skill, _name: self._compile()
        self._compile()
        self.bus.subscribe("#", self._record)
        on(self.bus, AsrStartListening, self._start_listening)
        on(self.bus, AsrStopListening, self._stop_listening)
        on(self.bus, NluQuery, self._query)
        on(self.bus, TtsSay, self._say)
        on(self.bus, IntentMessage, self._intent)
        on(self.bus, SessionEnded, self._ended)
        on(self.bus, ErrorMessage, self._failed)
        await self.settle()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()
        if error is None and self.errors:
            raise AssertionError(f"a skill failed: {self.errors[0]} (take it with expect_error)")

    def _compile(self) -> None:
        self._parser = TemplateParser(grammar_of(self._config, self.host.sentences()))
        self._always = always_intents(self.host.skills)

    # ---- what happens ------------------------------------------------------------------------------------------

    async def say(self, text: str) -> str | None:
        """Return the reply to a sentence: "" without words, None where no skill knows it.

        It answers the question that is open, or comes after the wake word.
        """
        self._begin(text)
        self._text = text
        if self._listening is not None:
            await self._hear(self._listening)
        else:
            await send(self.bus, HotwordDetected(model_id="test", site_id=self.site))
        await self.settle()
        return self._turn.reply

    async def play(self, *files: str | Path) -> str | None:
        """Return the reply to recordings, heard by the real wake word, VAD and recogniser.

        They answer the question that is open, or begin with the wake word.

        Raises:
            AudioError: a file can't be read.
            BundleError: a model is missing or broken.
        """
        self._begin(" ".join(map(str, files)))
        if self._listener is None:
            await self._open_ears()
        if self._listening is not None:  # a question is open, and no ears listened since
            await send(self.bus, self._listening)
        listener = self._listener
        if listener is not None:
            recordings = _After(self._heard_until, FileSource([Path(file) for file in files]))
            await listener.run(recordings)
            self._heard_until = recordings.end
        await self.settle()
        return self._turn.reply

    async def advance(self, seconds: float) -> None:
        """Let time pass; what falls due happens at its own moment."""
        self._since = len(self.messages)
        self._spoken.clear()
        await self.clock.advance(seconds, self.settle)
        await self.settle()

    async def receive(self, topic: str, payload: Any = "") -> None:
        """Let a message arrive, as from MQTT: text as it is, anything else as JSON."""
        self._since = len(self.messages)
        self._spoken.clear()
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await self.bus.publish(topic, text.encode())
        await self.settle()

    async def settle(self) -> None:
        """Return when nothing is going on any more; see `voice.skill.rehearsal.settled`."""
        await settled(self.bus, self.host, PATIENCE_S)

    @property
    def turn(self) -> Turn:
        """The last sentence and what it led to."""
        return self._turn

    @property
    def recent(self) -> list[Message]:
        """The messages since the last sentence, recording or lapse of time began."""
        return self.messages[self._since :]

    # ---- what is expected --------------------------------------------------------------------------------------

    def expect_spoken(self, text: str | re.Pattern[str]) -> None:
        """Fail unless this was said since the last step began."""
        if not any(text.search(said) if isinstance(text, re.Pattern) else text == said for said in self._spoken):
            raise AssertionError(f"expected {text!r} to be spoken, got {self._spoken}")

    def expect_silence(self) -> None:
        """Fail if anything was said since the last step began."""
        if self._spoken:
            raise AssertionError(f"expected nothing to be spoken, got {self._spoken}")

    def expect_intent(self, name: str | None, **slots: Any) -> None:
        """Fail unless the last sentence had this intent and at least these slots; None: unless it had none."""
        turn = self._turn
        wrong = {key: turn.slots.get(key) for key, value in slots.items() if turn.slots.get(key) != value}
        if turn.intent != name or wrong:
            raise AssertionError(f"expected {name}({slots}) of {turn.text!r}, got {turn.intent}({turn.slots})")

    def expect_message(self, topic: str, payload: Any = ..., /, **fields: Any) -> None:
        """Fail unless such a message was published since the last step began.

        Args:
            topic: a topic filter.
            payload: what it must be, as JSON where it is JSON, else as text; left out: anything.
            fields: or what an object must hold at least.
        """
        found = [(message.topic, _content(message)) for message in self.recent if matches(topic, message.topic)]
        for _, content in found:
            holds = isinstance(content, dict) and fields.items() <= content.items()
            if (payload is ... or content == payload) and (not fields or holds):
                return
        wanted = fields or ("anything" if payload is ... else payload)
        raise AssertionError(f"expected {wanted} on {topic}, got {found or 'no message'}")

    def expect_no_message(self, topic: str) -> None:
        """Fail if a message that matches was published since the last step began."""
        if found := [(m.topic, _content(m)) for m in self.recent if matches(topic, m.topic)]:
            raise AssertionError(f"expected no message on {topic}, got {found}")

    def expect_ended(self, reason: str | None = "nominal") -> None:
        """Fail unless the session of the last sentence ended so; None: unless it goes on."""
        if self._turn.ended != reason:
            raise AssertionError(f"expected the session to end {reason!r}, got {self._turn.ended!r}")

    def expect_error(self, text: str = "") -> None:
        """Take a skill's fault that holds this text; fail where there is none."""
        for error in self.errors:
            if text in error:
                self.errors.remove(error)
                return
        raise AssertionError(f"expected an error with {text!r}, got {self.errors}")

    # ---- the parts that are played -----------------------------------------------------------------------------

    def _begin(self, text: str) -> None:
        self._turn = Turn(text)
        self.turns.append(self._turn)
        self._since = len(self.messages)
        self._spoken.clear()

    async def _open_ears(self) -> None:
        sentences = self.host.sentences()
        brain = await asyncio.to_thread(build_understanding, self._config, sentences, self._always)
        ears = await asyncio.to_thread(build_ears, self._config)
        settings = self._config.assistant.model_copy(update={"site_id": self.site})
        self._listener = Listener(self.bus, ears, brain, settings)
        self._exit.push_async_callback(self._listener.close)

    async def _hear(self, turn: AsrStartListening) -> None:
        text, self._text, self._listening = self._text, None, None
        captured = AsrTextCaptured(text=text or "", likelihood=1.0, site_id=turn.site_id, session_id=turn.session_id)
        await send(self.bus, captured)

    async def _start_listening(self, message: AsrStartListening) -> None:
        self._listening = message
        if self._text is not None:
            await self._hear(message)

    async def _stop_listening(self, message: AsrStopListening) -> None:
        self._listening = None

    async def _query(self, query: NluQuery) -> None:
        if self._listener is not None:  # it answers
            return
        intent = self._parser.parse(query.input, self._always if query.intent_filter is None else query.intent_filter)
        ids = {"id": query.id, "session_id": query.session_id, "site_id": query.site_id}
        if intent is None:
            await send(self.bus, NluIntentNotRecognized(input=query.input, **ids))
            return
        dangerous = intent.dangerous or None
        name = IntentName(intent_name=intent.name, confidence_score=intent.confidence, dangerous=dangerous)
        slots = hermes_slots(intent)
        await send(self.bus, NluIntentParsed(input=intent.text, intent=name, slots=slots, **ids))

    async def _say(self, message: TtsSay) -> None:
        self._turn.spoken.append(message.text)
        self._spoken.append(message.text)
        await send(self.bus, TtsSayFinished(id=message.id, session_id=message.session_id, site_id=message.site_id))

    async def _intent(self, message: IntentMessage) -> None:
        self._turn.intent, self._turn.confidence = message.intent.intent_name, message.intent.confidence_score
        self._turn.slots = {slot.slot_name: slot.value.value for slot in message.slots}

    async def _ended(self, message: SessionEnded) -> None:
        self._listening = None
        self._turn.ended = message.termination.reason

    async def _failed(self, message: ErrorMessage) -> None:
        self.errors.append(message.error)

    async def _record(self, message: Message) -> None:
        self.messages.append(message)


class _After:
    """Recordings on the sample clock of what was played before, since the clock of a stream never runs backwards.

    Args:
        start: sample index of the first sample.
        source: the recordings.
    """

    def __init__(self, start: int, source: FileSource) -> None:
        self.live = source.live
        self.end = start
        self._start = start
        self._source = source

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield the recordings' chunks."""
        async for chunk in self._source.chunks():
            self.end = self._start + chunk.end
            yield replace(chunk, start=self._start + chunk.start)

    async def close(self) -> None:
        """End `chunks` before the next one."""
        await self._source.close()


def _content(message: Message) -> Any:
    text = message.payload.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
