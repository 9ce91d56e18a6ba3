"""The dialogue of a site or a group of sites: a pure state machine. Hermes messages in and out, deadlines as data.

idle -> saying -> listening -> parsing -> handling -> (saying again | ending) -> idle. Every state but idle has a
deadline; a session ends exactly once, and the wake word is always switched on again when it does.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from voice.bus.topics import (
    ActionInit,
    AsrStopListening,
    AsrTextCaptured,
    AsrToggleOn,
    ContinueSession,
    EndSession,
    ErrorMessage,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluSlotParsed,
    Payload,
    Reason,
    SessionQueued,
    StartSession,
    Termination,
    TtsSayFinished,
    TtsStop,
    VadUp,
)
from voice.dialogue import messages
from voice.dialogue.session import Session, Waiting, new_id
from voice.dialogue.settings import DialogueSettings
from voice.dialogue.stop_word import StopWord

State = Literal["idle", "saying", "listening", "parsing", "handling", "ending"]
REASON = "dialogueSession"
SPEECH_CHARACTERS_PER_S = 8.0
"""Slowest speech: a long text may take longer than `saying_s`."""

Handles = Callable[[str, str], bool]
"""Intent and session -> whether a handler is known to answer it."""
Narrows = Callable[[str], list[str] | None]
"""Id of a wake word -> the intents that count in its sessions; None: all."""

_ROUNDING = 1e-6
_WAITS_FOR = {"listening": "asr", "parsing": "nlu", "handling": "skill"}
_SPEAKING = ("saying", "ending")


class SiteDialogue:
    """Sessions of one site, one at a time; in a group the first site that wakes or is asked for has it.

    Args:
        site_id: the site, or the group.
        settings: deadlines and bounds.
        handles: whether a known handler answers an intent, given its name and the session.
        falls_back: whether somebody wants to be asked about what was not understood, given the session.
        narrows: which intents count after a wake word, given its id.
    """

    def __init__(
        self,
        site_id: str,
        settings: DialogueSettings,
        handles: Handles,
        falls_back: Callable[[str], bool] = lambda _session: False,
        narrows: Narrows = lambda _wakeword: None,
    ) -> None:
        self.site_id = site_id
        self.state: State = "idle"
        self.deadline: float | None = None
        self.disabled: set[str] = set()
        self._settings = settings
        self._handles = handles
        self._falls_back = falls_back
        self._narrows = narrows
        self._session: Session | None = None
        self._queue: deque[Waiting] = deque()
        self._now = 0.0
        self._claimed = True
        self._stop_word = StopWord(settings, handles)

    @property
    def session_id(self) -> str | None:
        """Id of the running session."""
        return self._session.id if self._session else None

    @property
    def session_ids(self) -> frozenset[str]:
        """Ids of the running and the waiting sessions, and the one under which a stop word is listened for."""
        own = {self._session.id, self._session.ear or self._session.id} if self._session else set()
        return frozenset(waiting.id for waiting in self._queue) | own

    def takes_wake(self, site_id: str) -> bool:
        """Return whether a wake word at a site would change anything."""
        own = self._session is not None and self._session.site_id == site_id
        return self._session is None or (own and self._settings.barge_in and self.state in _SPEAKING)

    def handle(self, message: Payload, now: float) -> list[Payload]:
        """Return what a message leads to; one that fits no state leads to nothing."""
        self._now = now
        session = self._session
        match message:
            case HotwordDetected():
                return self._woken(message)
            case StartSession():
                return self._requested(message)
            case VadUp():
                return self._speech_began(message)
            case EndSession() if any(waiting.id == message.session_id for waiting in self._queue):
                self._queue = deque(waiting for waiting in self._queue if waiting.id != message.session_id)
                return []
        if session is None:
            return []
        if session.ear is not None and getattr(message, "session_id", None) == session.ear:
            stopped, answer = self._stop_word.handle(session, message)
            return [TtsStop(site_id=session.site_id), *self._end(session, "abortedByUser")] if stopped else answer
        return self._in_session(session, message) if getattr(message, "session_id", None) == session.id else []

    def _in_session(self, session: Session, message: Payload) -> list[Payload]:
        parsing = self.state == "parsing" and getattr(message, "id", None) in (None, session.query_id)
        match message:
            case TtsSayFinished():
                return self._spoken(session, message)
            case AsrTextCaptured() if self.state == "listening":
                return self._heard(session, message)
            case NluIntentParsed() if parsing:
                return self._parsed(session, message)
            case NluIntentNotRecognized() if parsing:
                return self._not_recognized(session, message)
            case NluSlotParsed() if parsing and session.slot is not None:
                return self._slot_parsed(session, session.slot, message)
            case ContinueSession() if self.state in ("handling", "listening", "parsing"):
                return self._continued(session, message)
            case EndSession() if self.state != "ending":
                return self._end_requested(session, message)
            case ErrorMessage(component="asr") if self.state == "listening":
                return self._end(session, "error", "asr", message.error)
            case ErrorMessage(component="nlu") if self.state in ("listening", "parsing"):
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
        if self.state == "listening" and session.follows is not None:  # nobody had more to say
            return self._end(session, "timeout")
        return self._end(session, "timeout", _WAITS_FOR[self.state])

    # ---- opening -----------------------------------------------------------------------------------------------

    def _woken(self, message: HotwordDetected) -> list[Payload]:
        session = self._session
        if session is None:
            woken = Session.woken(message, self._narrows(message.model_id))
            return [*self._open(woken), *self._listen(woken)]
        if not self.takes_wake(message.site_id):
            return []
        stop = TtsStop(site_id=session.site_id)
        if self.state == "saying":
            return [stop, *self._listen(session)]
        woken = Session.woken(message, self._narrows(message.model_id))
        return [stop, *self._closed(session, Termination(reason="nominal")), *self._open(woken), *self._listen(woken)]

    def _requested(self, message: StartSession) -> list[Payload]:
        waiting = Waiting(message)
        if self._session is None:
            return self._start(waiting)
        if isinstance(message.init, ActionInit) and not message.init.can_be_enqueued:
            return []
        if len(self._queue) >= self._settings.queue:
            full = f"{len(self._queue)} sessions are waiting"
            return [ErrorMessage(component="dialogueManager", error=full, site_id=message.site_id)]
        self._queue.append(waiting)
        return [
            SessionQueued(session_id=waiting.id, site_id=message.site_id, custom_data=self._kept(message.custom_data))
        ]

    def _start(self, waiting: Waiting) -> list[Payload]:
        init = waiting.request.init
        session = waiting.opened(self._kept(waiting.request.custom_data))
        opened = self._open(session)
        if not isinstance(init, ActionInit):
            return [*opened, *self._say(session, init.text, "ending")]
        return [*opened, *(self._say(session, init.text, "saying") if init.text else self._listen(session))]

    def _open(self, session: Session) -> list[Payload]:
        self._session = session
        return [HotwordToggleOff(site_id=session.site_id, reason=REASON), messages.started(session)]

    # ---- a turn ------------------------------------------------------------------------------------------------

    def _say(self, session: Session, text: str, state: State) -> list[Payload]:
        session.speech_id, session.spoke = new_id(), True
        text = text[: self._settings.text]
        self._go(state, max(self._settings.saying_s, len(text) / SPEECH_CHARACTERS_PER_S))
        open_to_wake = [HotwordToggleOn(site_id=session.site_id, reason=REASON)] if self._settings.barge_in else []
        return [messages.say(session, text), *open_to_wake, *self._stop_word.begin(session)]

    def _spoken(self, session: Session, message: TtsSayFinished) -> list[Payload]:
        if message.id != session.speech_id:
            return []
        if self.state == "saying":
            return self._listen(session)
        return self._end(session, "nominal") if self.state == "ending" else []

    def _listen(self, session: Session) -> list[Payload]:
        deaf = self._settings.barge_in and self.state == "saying"
        off = [HotwordToggleOff(site_id=session.site_id, reason=REASON)] if deaf else []
        stop = self._stop_word.end(session)
        window = self._settings.follow_up_s if session.follows else self._settings.listening_s
        self._go("listening", window)
        return [
            *stop,
            *off,
            AsrToggleOn(site_id=session.site_id, reason=REASON),
            messages.listen(session),
        ]

    def _speech_began(self, message: VadUp) -> list[Payload]:
        """Let someone finish who began to speak before a follow-up window closed."""
        session = self._session
        if session and session.follows and self.state == "listening" and session.site_id == message.site_id:
            self._go("listening", self._settings.listening_s)
        return []

    def _heard(self, session: Session, message: AsrTextCaptured) -> list[Payload]:
        session.heard = message
        stop = AsrStopListening(session_id=session.id, site_id=session.site_id)
        self._ask(session)
        if not message.text.strip():
            return [stop, *self._not_recognized(session, NluIntentNotRecognized(input=""))]
        asked = session.slot and messages.slot_query(session, message, session.slot)
        return [stop, asked or messages.query(session, message)]

    def _ask(self, session: Session) -> None:
        self._go("parsing", self._settings.parsing_s)
        session.query_id = new_id()

    def _slot_parsed(self, session: Session, slot: str, message: NluSlotParsed) -> list[Payload]:
        """Go on with the value of a slot; without one, the text may be the whole intent, or a stop word."""
        name = (session.intent_filter or [""])[0]
        if message.slot is None or message.slot_name != slot:
            session.slot = None
            self._ask(session)
            return [messages.query(session, session.heard or AsrTextCaptured(text=message.input))]
        confidence = message.slot.confidence
        intent = IntentName(intent_name=name, confidence_score=confidence, dangerous=message.dangerous)
        return self._parsed(session, NluIntentParsed(input=message.input, intent=intent, slots=[message.slot]))

    def _parsed(self, session: Session, message: NluIntentParsed) -> list[Payload]:
        name = message.intent.intent_name
        if name in self.disabled or (session.intent_filter is not None and name not in session.intent_filter):
            return self._not_recognized(session, NluIntentNotRecognized(input=message.input))
        if session.intent_filter not in (None, session.only) and name in self._settings.abort:
            return self._end(session, "abortedByUser")
        if session.pending is not None:
            is_yes = name in self._settings.confirmed and not message.intent.dangerous  # not one that may be a no
            return self._answered(session, session.pending, is_yes)
        return self._confirm(session, message) if message.intent.dangerous else self._deliver(session, message)

    def _confirm(self, session: Session, message: NluIntentParsed) -> list[Payload]:
        """Ask back before a dangerous intent goes out."""
        session.pending, session.said, session.slot = message, session.heard, None
        known = (name for name in self._settings.abort if self._handles(name, session.id))
        session.intent_filter = [*self._settings.confirmed, *self._settings.refused, *known]
        return self._say(session, self._settings.confirm.replace("{text}", message.input), "saying")

    def _answered(self, session: Session, pending: NluIntentParsed, yes: bool) -> list[Payload]:
        if not yes:
            return self._end(session, "abortedByUser")
        session.pending, session.heard = None, session.said
        return self._deliver(session, pending)

    def _deliver(self, session: Session, message: NluIntentParsed) -> list[Payload]:
        name = message.intent.intent_name
        self._claimed = session.claimed or self._handles(name, session.id)
        self._go("handling", self._settings.handling_s if self._claimed else self._settings.unclaimed_s)
        return [messages.intent(session, message)]

    def _not_recognized(self, session: Session, message: NluIntentNotRecognized) -> list[Payload]:
        if session.pending is not None:
            return self._end(session, "intentNotRecognized")
        alone = session.wakeword_id is not None and not session.claimed and message.input.strip() != ""
        session.falling = alone and self._falls_back(session.id)
        if not session.tell_not_recognized and not session.falling:
            return self._end(session, "intentNotRecognized")
        self._claimed = True
        self._go("handling", self._settings.handling_s)
        return [messages.not_recognized(session, message)]

    def _continued(self, session: Session, message: ContinueSession) -> list[Payload]:
        stop = self._stop_listening(session)
        session.intent_filter = session.only if message.intent_filter is None else message.intent_filter
        session.claimed = session.answered = True
        session.pending = None
        session.lang, session.follows = message.lang or session.lang, None
        session.tell_not_recognized = message.send_intent_not_recognized
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        only_one = len(message.intent_filter or ()) == 1
        session.slot = message.slot if only_one else None
        if message.slot is not None and not only_one:
            wrong = "a slot is asked for, and intentFilter does not hold exactly one intent"
            stop = [*stop, self._error(session, wrong)]
        if session.slot is not None and session.intent_filter is not None:
            known = (name for name in self._settings.abort if self._handles(name, session.id))
            session.intent_filter = [*dict.fromkeys((*session.intent_filter, *known))]
        return [*stop, *(self._say(session, message.text, "saying") if message.text else self._listen(session))]

    # ---- closing -----------------------------------------------------------------------------------------------

    def _end_requested(self, session: Session, message: EndSession) -> list[Payload]:
        session.answered = session.answered or self.state == "handling"
        if message.custom_data is not None:
            session.custom_data = self._kept(message.custom_data)
        if not message.text:
            return self._end(session, "intentNotRecognized" if session.falling else "nominal")
        return [*self._stop_listening(session), *self._say(session, message.text, "ending")]

    def _end(
        self, session: Session, reason: Reason, component: str | None = None, error: str | None = None
    ) -> list[Payload]:
        """End the session; then the one that waits longest has the site, or what follows an answer is listened for."""
        follow = reason == "nominal" and session.answered and session.spoke and self._settings.follow_up_s > 0
        closed = self._closed(session, Termination(reason=reason, component=component, error=error))
        if self._queue:
            return [*closed, *self._start(self._queue.popleft())]
        if not follow:
            return closed
        following = Session.after(session)
        return [*closed, *self._open(following), *self._listen(following)]

    def _closed(self, session: Session, termination: Termination) -> list[Payload]:
        stop = [*self._stop_listening(session), *self._stop_word.end(session)]
        self._session, self.state, self.deadline = None, "idle", None
        return [*stop, messages.ended(session, termination), HotwordToggleOn(site_id=session.site_id, reason=REASON)]

    def _stop_listening(self, session: Session) -> list[Payload]:
        return [AsrStopListening(session_id=session.id, site_id=session.site_id)] if self.state == "listening" else []

    def _error(self, session: Session, what: str) -> ErrorMessage:
        return ErrorMessage(component="dialogueManager", error=what, site_id=session.site_id, session_id=session.id)

    def _go(self, state: State, seconds: float) -> None:
        self.state, self.deadline = state, self._now + seconds

    def _kept(self, custom_data: str | None) -> str | None:
        return custom_data[: self._settings.custom_data] if custom_data else custom_data
