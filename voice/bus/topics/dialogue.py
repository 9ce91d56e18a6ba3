"""Hermes payloads of the dialogue manager."""

from typing import Any, Literal

from pydantic import Field, field_validator

from voice.bus.topics.listening import Speaker
from voice.bus.topics.understanding import Alternative
from voice.bus.topics.wire import Payload, SitePayload, Wire


class ActionInit(Wire):
    """Say something, if there is a text, then listen."""

    type: Literal["action"] = "action"
    can_be_enqueued: bool = True
    text: str = ""
    intent_filter: list[str] | None = None
    send_intent_not_recognized: bool = False


class NotificationInit(Wire):
    """Say something and end."""

    type: Literal["notification"] = "notification"
    text: str


class StartSession(SitePayload):
    """Open a session without a wake word."""

    topic_filter = "hermes/dialogueManager/startSession"
    init: ActionInit | NotificationInit = Field(discriminator="type")
    custom_data: str | None = None
    lang: str | None = None


class SessionQueued(SitePayload):
    """A session waits until the site is free."""

    topic_filter = "hermes/dialogueManager/sessionQueued"
    direction = "written"
    session_id: str
    custom_data: str | None = None


class SessionStarted(SitePayload):
    """A session began."""

    topic_filter = "hermes/dialogueManager/sessionStarted"
    session_id: str
    reactivated_from_session_id: str | None = None
    custom_data: str | None = None
    lang: str | None = None


class ContinueSession(Payload):
    """Say something and listen again."""

    topic_filter = "hermes/dialogueManager/continueSession"
    session_id: str
    text: str = ""
    intent_filter: list[str] | None = None
    custom_data: str | None = None
    send_intent_not_recognized: bool = False
    slot: str | None = None
    lang: str | None = None


class EndSession(Payload):
    """End a session, after saying something if there is a text."""

    topic_filter = "hermes/dialogueManager/endSession"
    session_id: str
    text: str = ""
    custom_data: str | None = None


Reason = Literal["nominal", "abortedByUser", "intentNotRecognized", "timeout", "error", "siteUnavailable"]


class Termination(Wire):
    """Why a session ended."""

    reason: Reason
    component: str | None = None
    error: str | None = None


class SessionEnded(SitePayload):
    """A session ended."""

    topic_filter = "hermes/dialogueManager/sessionEnded"
    session_id: str
    termination: Termination
    custom_data: str | None = None

    @field_validator("termination", mode="before")
    @classmethod
    def _string_form(cls, value: Any) -> Any:
        return {"reason": value} if isinstance(value, str) else value


class IntentNotRecognized(SitePayload):
    """No intent was found in a session that asked to be told."""

    topic_filter = "hermes/dialogueManager/intentNotRecognized"
    session_id: str
    input: str = ""
    custom_data: str | None = None
    confidence_score: float = 0.0
    alternatives: list[Alternative] | None = None
    speaker_hypotheses: list[Speaker] | None = None


class IntentSwitch(Wire):
    """An intent, enabled or not."""

    intent_id: str
    enable: bool = True


class Configure(Payload):
    """Enable or disable intents; without a site, everywhere."""

    topic_filter = "hermes/dialogueManager/configure"
    direction = "read"
    intents: list[IntentSwitch]
    site_id: str | None = None


class DialogueToggleOn(Payload):
    """Open sessions again; without a site, everywhere."""

    topic_filter = "hermes/dialogueManager/toggleOn"
    direction = "read"
    site_id: str | None = None


class DialogueToggleOff(Payload):
    """Open no session; those that run end as they will. Without a site, everywhere."""

    topic_filter = "hermes/dialogueManager/toggleOff"
    direction = "read"
    site_id: str | None = None


class HeardAt(Wire):
    """A site that heard the wake word, and how well."""

    site_id: str
    model_id: str
    score: float | None = None
    level_dbfs: float | None = None
    later_ms: int = 0


class Arbitration(SitePayload):
    """One wake was heard at several sites: `siteId` answers. Earshot's own."""

    topic_filter = "hermes/dialogueManager/arbitration"
    heard: list[HeardAt]
    window_ms: int


class HandleToggleOn(SitePayload):
    """Answer intents of this site again."""

    topic_filter = "rhasspy/handle/toggleOn"
    direction = "read"


class HandleToggleOff(SitePayload):
    """Let skills here answer no intent of this site: someone else does."""

    topic_filter = "rhasspy/handle/toggleOff"
    direction = "read"
