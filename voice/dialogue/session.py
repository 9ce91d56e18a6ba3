"""What is known of one session."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from voice.bus.topics import ActionInit, AsrTextCaptured, HotwordDetected, NluIntentParsed, StartSession


def new_id() -> str:
    """Return an id that can't be guessed: 128 bits in base 64."""
    return secrets.token_urlsafe(16)


@dataclass
class Session:
    """A session that runs."""

    id: str
    site_id: str
    custom_data: str | None = None
    intent_filter: list[str] | None = None
    only: list[str] | None = None
    """The intents of the wake word that opened it, where it names some: a turn that asks for none has these."""
    slot: str | None = None
    """The slot of the only intent of the filter that the turn asks for."""
    tell_not_recognized: bool = False
    wakeword_id: str | None = None
    lang: str | None = None
    send_audio: bool = False
    custom_entities: dict[str, Any] | None = None
    heard: AsrTextCaptured | None = None
    speech_id: str = ""
    query_id: str = ""
    claimed: bool = False
    """True once someone has shown that they look after it: started it by message, or continued it."""
    answered: bool = False
    """True once a handler has answered an intent of it."""
    spoke: bool = False
    """True once something was said in it."""
    falling: bool = False
    """True while skills are asked about words that were not understood."""
    pending: NluIntentParsed | None = None
    """A dangerous intent that waits for a yes."""
    said: AsrTextCaptured | None = None
    """What was heard as the dangerous intent."""
    follows: str | None = None
    """Id of the session after whose answer it listens without a wake word."""
    ear: str | None = None
    """Session id under which a stop word is listened for while something is said."""
    ears: int = 0
    """Captures for a stop word so far."""

    @classmethod
    def woken(cls, message: HotwordDetected, only: list[str] | None = None) -> "Session":
        """Return a session that a wake word opens; a wanted id is kept in front of what can't be guessed.

        Args:
            message: the wake word.
            only: the intents that count; None: all.
        """
        wanted = f"{message.session_id[:64]}-" if message.session_id else ""
        return cls(
            wanted + new_id(),
            message.site_id,
            intent_filter=only,
            only=only,
            wakeword_id=message.model_id,
            lang=message.lang,
            send_audio=bool(message.send_audio_captured),
            custom_entities=message.custom_entities,
        )

    @classmethod
    def after(cls, session: "Session") -> "Session":
        """Return a session that listens for what follows an answer."""
        only = session.only
        return cls(new_id(), session.site_id, None, only, only, lang=session.lang, follows=session.id)


@dataclass
class Waiting:
    """A session that waits for its site."""

    request: StartSession
    id: str = field(default_factory=new_id)

    def opened(self, custom_data: str | None) -> Session:
        """Return the session."""
        request, init = self.request, self.request.init
        session = Session(self.id, request.site_id, custom_data, lang=request.lang, claimed=True)
        if isinstance(init, ActionInit):
            session.intent_filter = init.intent_filter
            session.tell_not_recognized = init.send_intent_not_recognized
        return session
