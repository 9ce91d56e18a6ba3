"""The dialogue of a site or a group of sites: a pure state machine. Hermes messages in and out, deadlines as data.

idle -> saying -> listening -> parsing -> handling -> (saying again | ending) -> idle. Every state but idle has a
deadline; a session ends exactly once, and the wake word is always switched on again when it does.
"""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from voice.bus.topics import (
    ActionInit,
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    AsrToggleOn,
    ContinueSession,
    EndSession,
    ErrorMessage,
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
SPEECH_CHARACTERS_PER_S = 8.0
"""Slowest speech: a long text may take longer than `saying_s`."""

Handles = Callable[[str, str], bool]
"""Intent and session -> whether a handler is known to answer it."""

_ROUNDING = 1e-6
_WAITS_FOR = {"listening": "asr", "parsing": "nlu", "handling": "skill"}


class DialogueSettings(BaseModel):
    """How long each state may last, and how many sessions may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    saying_s: float = Field(60.0, gt=0, description="longest speech out, s")
    listening_s: float = Field(25.0, gt=0, description="longest wait for an utterance, s")
    parsing_s: float = Field(5.0, gt=0, description="longest wait for the meaning of a text, s")
    handling_s: float = Field(15.0, gt=0, description="longest wait for a handler's answer, s")
    unclaimed_s: float = Field(0.3, gt=0, description="wait for an answer to an intent that no known handler claims, s")
    queue: int = Field(10, gt=0, description="sessions that may wait for a site; more are refused")
    custom_data: int = Field(64_000, gt=0, description="longest customData, characters")
    text: int = Field(2000, gt=0, le=10_000, description="longest text that is spoken, characters")
    abort: tuple[str, ...] = Field(("Stop",), description="intents that end a session in place of an answer")
    sites: tuple[str, ...] = Field(
        (), description="sites and groups that are served, or one text with commas; none: all"
    )
    group_separator: str = Field(
        "", max_length=1, description="ends a group's name in a siteId: '.' in bedroom.front; empty: no groups"
    )

    @field_validator("sites", mode="before")
    @classmethod
    def _with_commas(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    def group(self, site_id: str) -> str:
        """Return the group of a site: what stands before the separator, or the site itself (divergence 10)."""
        return site_id.split(self.group_separator, 1)[0] if self.group_separator else site_id

    def serves(self, site_id: str) -> bool:
        """Return whether a site's sessions are ours."""
        return not self.sites or site_id in self.sites or self.group(site_id) in self.sites


def _new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass
class _Session:
    id: str
    site_id: str
    custom_data: str | None = None
    intent_filter: list[str] | None = None
    tell_not_recognized: bool = False
    wakeword_id: str | None = None
    text: str = ""
    lang: str | None = None
    speech_id: str = ""
    query_id: str = ""
    likelihood: float | None = None
    claimed: bool = False
    """True once someone has shown that they look after it: started it by message, or continued it."""


@dataclass
class _Waiting:
    request: StartSession
    id: str = field(default_factory=_new_id)


class SiteDialogue:
    """Sessions of one site, one at a time; in a group the first site that wakes or is asked for has it.

    Args:
        site_id: the site, or the group.
        settings: deadlines and bounds.
        handles: whether a known handler answers an intent, given its name and the session.
    """

    def __init__(self, site_id: str, settings: DialogueSettings, handles: Handles) -> None:
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

    @property
    def session_ids(self) -> frozenset[str]:
        """Ids of the running and the waiting sessions."""
        return frozenset(waiting.id for waiting in self._queue) | ({self._session.id} if self._session else set())

    def handle(self, message: Payload, now: float) -> list[Payload]:
        """Return what a message leads to; one that fits no state leads to nothing."""
        self._now = now
        match message:
            case HotwordDetected():
                return self._woken(message)
            case StartSession():
                return self._requested(message)
            case EndSession() if any(waiting.id == message.session_id for waiting in self._queue):
                self._queue = deque(waiting for waiting in self._queue if waiting.id != message.session_id)
                return []
        session = self._session
        if session is None or getattr(message, "session_id", None) != session.id:
            return []
        return self._in_session(session, message)

    def _in_session(self, session: _Session, message: Payload) -> list[Payload]:
        match message:
            case TtsSayFinished():
                return self._spoken(session, message)
            case AsrTextCaptured() if self.state == "listening":
                return self._heard(session, message)
            case NluIntentParsed() if self.state == "parsing" and message.id in (None, session.query_id):
                return self._parsed(session, message)
            case NluIntentNotRecognized() if self.state == "parsing" and message.id in (None, session.query_id):
                return self._not_recognized(session, message.input)
            case ContinueSession() if self.state in ("handling", "listening", "parsing"):
                return self._continued(session, message)
            case EndSession() if self.state != "ending":
                return self._end_requested(session, message)
            case ErrorMessage(component="asr") if self.state == "listening":
                return self._end(session, "error", "asr", message.error)
            case ErrorMessage(component="nlu") if self.state == "parsing":
                return self._end(session, "error", "nlu", message.error)
        return []

    def tick(self, now: float) -> list[Payload]:
        """Return what a passed deadline leads to."""
        self._now = now
        session = self._session
        if session is None or self.deadline is None or now < self.deadline - _ROUNDING:
            return []
        if self.state == "saying":  # a lost sayFinished: go on as if it had come
            return self._listen(session)
        if self.state == "ending":
            return self._end(session, "nominal")
        if self.state == "handling" and not self._claimed:  # nobody is known to handle it, and nobody did
            return self._end(session, "intentNotRecognized")
        return self._end(session, "timeout", _WAITS_FOR[self.state])

    # ---- opening -----------------------------------------------------------------------------------------------

    def _woken(self, message: HotwordDetected) -> list[Payload]:
        if self._session is not None:
            return []
        wanted = f"{message.session_id[:64]}-" if message.session_id else ""
        session = _Session(wanted + _new_id(), message.site_id, wakeword_id=message.model_id, lang=message.lang)
        return [*self._open(session), *self._listen(session)]

    def _requested(self, message: StartSession) -> list[Payload]:
        waiting = _Waiting(message)
        if self._session is None:
            return self._start(waiting)
        allowed = not isinstance(message.init, ActionInit) or message.init.can_be_enqueued
        if not allowed:
            return []
        if len(self._queue) >= self._settings.queue:
            full = f"{len(self._queue)} sessions are waiting"
            return [ErrorMessage(component="dialogueManager", error=full, site_id=message.site_id)]
        self._queue.append(waiting)
        return [SessionQueued(session_id=waiting.id, site_id=message.site_id, custom_data=message.custom_data)]

    def _start(self, waiting: _Waiting) -> list[Payload]:
        request, init = waiting.request, waiting.request.init
        session = _Session(
            waiting.id, request.site_id, self._kept(request.custom_data), lang=request.lang, claimed=True
        )
        opened = self._open(session)
        if not isinstance(init, ActionInit):
            return [*opened, *self._say(session, init.text, "ending")]
        session.intent_filter, session.tell_not_recognized = init.intent_filter, init.send_intent_not_recognized
        return [*opened, *(self._say(session, init.text, "saying") if init.text else self._listen(session))]

    def _open(self, session: _Session) -> list[Payload]:
        self._session = session
        return [
            HotwordToggleOff(site_id=session.site_id, reason=REASON),
            SessionStarted(
                session_id=session.id, site_id=session.site_id, custom_data=session.custom_data, lang=session.lang
            ),
        ]

    # ---- a turn ------------------------------------------------------------------------------------------------

    def _say(self, session: _Session, text: str, state: State) -> list[Payload]:
        session.speech_id = _new_id()
        text = text[: self._settings.text]
        self._go(state, max(self._settings.saying_s, len(text) / SPEECH_CHARACTERS_PER_S))
        return [
            TtsSay(text=text, id=session.speech_id, session_id=session.id, site_id=session.site_id, lang=session.lang)
        ]

    def _spoken(self, session: _Session, message: TtsSayFinished) -> list[Payload]:
        if message.id != session.speech_id:
            return []
        if self.state == "saying":
            return self._listen(session)
        return self._end(session, "nominal") if self.state == "ending" else []

    def _listen(self, session: _Session) -> list[Payload]:
        self._go("listening", self._settings.listening_s)
        return [
            AsrToggleOn(site_id=session.site_id, reason=REASON),
            AsrStartListening(
                session_id=session.id,
                site_id=session.site_id,
                wakeword_id=session.wakeword_id,
                intent_filter=session.intent_filter,
                lang=session.lang,
            ),
        ]

    def _heard(self, session: _Session, message: AsrTextCaptured) -> list[Payload]:
        session.text, session.likelihood = message.text, message.likelihood
        stop = AsrStopListening(session_id=session.id, site_id=session.site_id)
        if not message.text.strip():
            return [stop, *self._not_recognized(session, "")]
        self._go("parsing", self._settings.parsing_s)
        session.query_id = _new_id()
        query = NluQuery(
            input=message.text,
            intent_filter=session.intent_filter,
            id=session.query_id,
            session_id=session.id,
            site_id=session.site_id,
            asr_confidence=message.likelihood,
            custom_data=session.custom_data,
            lang=session.lang,
        )
        return [stop, query]

    def _parsed(self, session: _Session, message: NluIntentParsed) -> list[Payload]:
        name = message.intent.intent_name
        if name in self.disabled or (session.intent_filter is not None and name not in session.intent_filter):
            return self._not_recognized(session, message.input)
        if session.intent_filter is not None and name in self._settings.abort:
            return self._end(session, "abortedByUser")
        self._claimed = session.claimed or self._handles(name, session.id)
        self._go("handling", self._settings.handling_s if self._claimed else self._settings.unclaimed_s)
        return [
            IntentMessage(
                input=message.input,
                intent=message.intent,
                slots=message.slots,
                session_id=session.id,
                site_id=session.site_id,
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
            session_id=session.id, site_id=session.site_id, input=text, custom_data=session.custom_data
        )
        return [told]

    def _continued(self, session: _Session, message: ContinueSession) -> list[Payload]:
        stop = self._stop_listening(session)
        session.intent_filter, session.claimed = message.intent_filter, True
        session.lang = message.lang or session.lang
        session.tell_not_recognized = message.send_intent_not_recognized
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        return [*stop, *(self._say(session, message.text, "saying") if message.text else self._listen(session))]

    # ---- closing -----------------------------------------------------------------------------------------------

    def _end_requested(self, session: _Session, message: EndSession) -> list[Payload]:
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        if not message.text:
            return self._end(session, "nominal")
        return [*self._stop_listening(session), *self._say(session, message.text, "ending")]

    def _end(
        self, session: _Session, reason: Reason, component: str | None = None, error: str | None = None
    ) -> list[Payload]:
        stop = self._stop_listening(session)
        ended = SessionEnded(
            session_id=session.id,
            site_id=session.site_id,
            termination=Termination(reason=reason, component=component, error=error),
            custom_data=session.custom_data,
        )
        self._session, self.state, self.deadline = None, "idle", None
        on_again = HotwordToggleOn(site_id=session.site_id, reason=REASON)
        following = self._start(self._queue.popleft()) if self._queue else []
        return [*stop, ended, on_again, *following]

    def _stop_listening(self, session: _Session) -> list[Payload]:
        return [AsrStopListening(session_id=session.id, site_id=session.site_id)] if self.state == "listening" else []

    def _go(self, state: State, seconds: float) -> None:
        self.state, self.deadline = state, self._now + seconds

    def _kept(self, custom_data: str | None) -> str | None:
        return custom_data[: self._settings.custom_data] if custom_data else custom_data
