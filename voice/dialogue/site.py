"""The dialogue of one site: a pure state machine. Hermes messages in, Hermes messages out, deadlines as data.

idle -> saying -> listening -> parsing -> handling -> (saying again | ending) -> idle. Every state but idle has a
deadline; a session ends exactly once, and the wake word is always switched on again when it does.
"""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from voice.bus.topics import (
    ActionInit,
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    ContinueSession,
    EndSession,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentMessage,
    IntentNotRecognized,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    Payload,
    Reason,
    SessionEnded,
    SessionQueued,
    SessionStarted,
    StartSession,
    Termination,
    TtsSay,
    TtsSayFinished,
)

State = Literal["idle", "saying", "listening", "parsing", "handling", "ending"]
REASON = "dialogueSession"


class DialogueSettings(BaseModel):
    """How long each state may last, and how many sessions may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    saying_s: float = Field(60.0, gt=0, description="longest speech out, s")
    listening_s: float = Field(25.0, gt=0, description="longest wait for an utterance, s")
    parsing_s: float = Field(5.0, gt=0, description="longest wait for the meaning of a text, s")
    handling_s: float = Field(15.0, gt=0, description="longest wait for a handler's answer, s")
    unclaimed_s: float = Field(0.3, gt=0, description="wait for an answer to an intent that no known handler claims, s")
    queue: int = Field(10, gt=0, description="sessions that may wait for a site")
    custom_data: int = Field(64_000, gt=0, description="longest customData, characters")


def _new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass
class _Session:
    id: str
    custom_data: str | None = None
    intent_filter: list[str] | None = None
    tell_not_recognized: bool = False
    wakeword_id: str | None = None
    text: str = ""
    speech_id: str = ""
    likelihood: float | None = None


@dataclass
class _Waiting:
    request: StartSession
    id: str = field(default_factory=_new_id)


class SiteDialogue:
    """Sessions of one site, one at a time.

    Args:
        site_id: the site.
        settings: deadlines and bounds.
        handles: whether a known handler answers an intent, given its name and the session.
    """

    def __init__(self, site_id: str, settings: DialogueSettings, handles: Callable[[str, str], bool]) -> None:
        self.site_id = site_id
        self.state: State = "idle"
        self.deadline: float | None = None
        self.disabled: set[str] = set()
        self._settings = settings
        self._handles = handles
        self._session: _Session | None = None
        self._queue: deque[_Waiting] = deque()
        self._now = 0.0
        self._claimed = True

    @property
    def session_id(self) -> str | None:
        """Id of the running session."""
        return self._session.id if self._session else None

    def handle(self, message: Payload, now: float) -> list[Payload]:
        """Return what a message leads to; one that fits no state leads to nothing."""
        self._now = now
        match message:
            case HotwordDetected():
                return self._woken(message)
            case StartSession():
                return self._requested(message)
        session = self._session
        if session is None or getattr(message, "session_id", None) != session.id:
            return []
        match message:
            case TtsSayFinished():
                return self._spoken(session, message)
            case AsrTextCaptured() if self.state == "listening":
                return self._heard(session, message)
            case NluIntentParsed() if self.state == "parsing":
                return self._parsed(session, message)
            case NluIntentNotRecognized() if self.state == "parsing":
                return self._not_recognized(session, message.input)
            case ContinueSession() if self.state in ("handling", "listening", "parsing"):
                return self._continued(session, message)
            case EndSession() if self.state != "ending":
                return self._end_requested(session, message)
        return []

    def tick(self, now: float) -> list[Payload]:
        """Return what a passed deadline leads to."""
        self._now = now
        session = self._session
        if session is None or self.deadline is None or now < self.deadline:
            return []
        if self.state == "saying":  # a lost sayFinished: go on as if it had come
            return self._listen(session)
        if self.state == "ending":
            return self._end(session, "nominal")
        if self.state == "handling" and not self._claimed:  # nobody is known to handle it, and nobody did
            return self._end(session, "nominal")
        return self._end(session, "timeout")

    # ---- opening -----------------------------------------------------------------------------------------------

    def _woken(self, message: HotwordDetected) -> list[Payload]:
        if self._session is not None:
            return []
        wanted = message.session_id
        session = _Session(wanted[:100] if wanted else _new_id(), wakeword_id=message.model_id)
        return [*self._open(session), *self._listen(session)]

    def _requested(self, message: StartSession) -> list[Payload]:
        waiting = _Waiting(message)
        if self._session is None:
            return self._start(waiting)
        allowed = not isinstance(message.init, ActionInit) or message.init.can_be_enqueued
        if not allowed or len(self._queue) >= self._settings.queue:
            return []
        self._queue.append(waiting)
        return [SessionQueued(session_id=waiting.id, site_id=self.site_id, custom_data=message.custom_data)]

    def _start(self, waiting: _Waiting) -> list[Payload]:
        request, init = waiting.request, waiting.request.init
        session = _Session(waiting.id, self._kept(request.custom_data))
        opened = self._open(session)
        if not isinstance(init, ActionInit):
            return [*opened, *self._say(session, init.text, "ending")]
        session.intent_filter, session.tell_not_recognized = init.intent_filter, init.send_intent_not_recognized
        return [*opened, *(self._say(session, init.text, "saying") if init.text else self._listen(session))]

    def _open(self, session: _Session) -> list[Payload]:
        self._session = session
        return [
            HotwordToggleOff(site_id=self.site_id, reason=REASON),
            SessionStarted(session_id=session.id, site_id=self.site_id, custom_data=session.custom_data),
        ]

    # ---- a turn ------------------------------------------------------------------------------------------------

    def _say(self, session: _Session, text: str, state: State) -> list[Payload]:
        session.speech_id = _new_id()
        self._go(state, self._settings.saying_s)
        return [TtsSay(text=text[:10_000], id=session.speech_id, session_id=session.id, site_id=self.site_id)]

    def _spoken(self, session: _Session, message: TtsSayFinished) -> list[Payload]:
        if message.id != session.speech_id:
            return []
        if self.state == "saying":
            return self._listen(session)
        return self._end(session, "nominal") if self.state == "ending" else []

    def _listen(self, session: _Session) -> list[Payload]:
        self._go("listening", self._settings.listening_s)
        return [
            AsrStartListening(
                session_id=session.id,
                site_id=self.site_id,
                wakeword_id=session.wakeword_id,
                intent_filter=session.intent_filter,
            )
        ]

    def _heard(self, session: _Session, message: AsrTextCaptured) -> list[Payload]:
        session.text, session.likelihood = message.text, message.likelihood
        stop = AsrStopListening(session_id=session.id, site_id=self.site_id)
        if not message.text.strip():
            return [stop, *self._not_recognized(session, "")]
        self._go("parsing", self._settings.parsing_s)
        query = NluQuery(
            input=message.text,
            intent_filter=session.intent_filter,
            id=_new_id(),
            session_id=session.id,
            site_id=self.site_id,
            asr_confidence=message.likelihood,
            custom_data=session.custom_data,
        )
        return [stop, query]

    def _parsed(self, session: _Session, message: NluIntentParsed) -> list[Payload]:
        name = message.intent.intent_name
        if name in self.disabled:
            return self._not_recognized(session, message.input)
        self._claimed = self._handles(name, session.id)
        self._go("handling", self._settings.handling_s if self._claimed else self._settings.unclaimed_s)
        return [
            IntentMessage(
                input=message.input,
                intent=message.intent,
                slots=message.slots,
                session_id=session.id,
                site_id=self.site_id,
                custom_data=session.custom_data,
                asr_confidence=session.likelihood,
                wakeword_id=session.wakeword_id,
            )
        ]

    def _not_recognized(self, session: _Session, text: str) -> list[Payload]:
        if not session.tell_not_recognized:
            return self._end(session, "intentNotRecognized")
        self._claimed = True
        self._go("handling", self._settings.handling_s)
        told = IntentNotRecognized(
            session_id=session.id, site_id=self.site_id, input=text, custom_data=session.custom_data
        )
        return [told]

    def _continued(self, session: _Session, message: ContinueSession) -> list[Payload]:
        stop = [AsrStopListening(session_id=session.id, site_id=self.site_id)] if self.state == "listening" else []
        session.intent_filter = message.intent_filter
        session.tell_not_recognized = message.send_intent_not_recognized
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        return [*stop, *(self._say(session, message.text, "saying") if message.text else self._listen(session))]

    # ---- closing -----------------------------------------------------------------------------------------------

    def _end_requested(self, session: _Session, message: EndSession) -> list[Payload]:
        stop = [AsrStopListening(session_id=session.id, site_id=self.site_id)] if self.state == "listening" else []
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        return [*stop, *(self._say(session, message.text, "ending") if message.text else self._end(session, "nominal"))]

    def _end(self, session: _Session, reason: Reason) -> list[Payload]:
        stop = [AsrStopListening(session_id=session.id, site_id=self.site_id)] if self.state == "listening" else []
        ended = SessionEnded(
            session_id=session.id,
            site_id=self.site_id,
            termination=Termination(reason=reason),
            custom_data=session.custom_data,
        )
        self._session, self.state, self.deadline = None, "idle", None
        on_again = HotwordToggleOn(site_id=self.site_id, reason=REASON)
        following = self._start(self._queue.popleft()) if self._queue else []
        return [*stop, ended, on_again, *following]

    def _go(self, state: State, seconds: float) -> None:
        self.state, self.deadline = state, self._now + seconds

    def _kept(self, custom_data: str | None) -> str | None:
        return custom_data[: self._settings.custom_data] if custom_data else custom_data
