"""A stop word during speech: the recogniser listens for the intents that abort, and for nothing else."""

from collections.abc import Callable

from voice.bus.topics import (
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    Payload,
)
from voice.dialogue.session import Session
from voice.dialogue.settings import DialogueSettings

MAX_CAPTURES = 30
"""Captures while something is said; a recogniser that is switched off answers each at once."""


class StopWord:
    """Listens under a session id of its own, so that what it hears is never taken for an answer.

    Args:
        settings: whether it is switched on, and the intents.
        handles: whether an intent is known.
    """

    def __init__(self, settings: DialogueSettings, handles: Callable[[str, str], bool]) -> None:
        self._settings = settings
        self._handles = handles

    def begin(self, session: Session) -> list[Payload]:
        """Return what starts a capture, unless one runs already, no stop word is known, or there were too many."""
        intents = [name for name in self._settings.abort if self._handles(name, session.id)]
        if not self._settings.stop_word or not intents or session.ear or session.ears >= MAX_CAPTURES:
            return []
        session.ears += 1
        session.ear = f"{session.id}.stop{session.ears}"
        return [
            AsrStartListening(
                session_id=session.ear,
                site_id=session.site_id,
                intent_filter=intents,
                lang=session.lang,
                hotword_on=self._settings.barge_in,
            )
        ]

    def handle(self, session: Session, message: Payload) -> tuple[bool, list[Payload]]:
        """Return whether a stop word was said, and what else a message leads to."""
        if isinstance(message, NluIntentParsed) and message.intent.intent_name in self._settings.abort:
            return True, []
        if isinstance(message, AsrTextCaptured) and message.text.strip():
            query = NluQuery(
                input=message.text,
                intent_filter=[*self._settings.abort],
                id=session.ear,
                session_id=session.ear,
                site_id=session.site_id,
                asr_confidence=message.likelihood,
                lang=session.lang,
            )
            return False, [query]
        if isinstance(message, AsrTextCaptured | NluIntentNotRecognized | NluIntentParsed):
            session.ear = None
            return False, self.begin(session)
        return False, []

    def end(self, session: Session) -> list[Payload]:
        """Return what ends a capture."""
        ear, session.ear, session.ears = session.ear, None, 0
        return [AsrStopListening(session_id=ear, site_id=session.site_id)] if ear else []
