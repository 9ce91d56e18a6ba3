"""Hermes payloads: one pydantic model for each topic that the chain uses.

Names on the wire are camelCase. Unknown fields are ignored, `null` means absent, an empty payload means `{}`; what is
published is the superset that Snips' and Rhasspy's clients read (`docs/protocol.md`).
"""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from voice.bus.base import Bus, Message, Unsubscribe
from voice.errors import BusError

_log = logging.getLogger(__name__)

MAX_JSON = 256 * 1024
MAX_AUDIO = 16 * 1024 * 1024
"""Largest payload taken, bytes."""


def safe_level(text: str) -> str:
    """Return `text` as one topic level: wildcards, separators and NUL are percent-encoded (divergence 7)."""
    return "".join(f"%{ord(c):02X}" if c in "+#/\0%" else c for c in text)


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


class Payload(_Wire):
    """A JSON message. Subclasses name their topic."""

    topic_filter: ClassVar[str]

    def topic(self) -> str:
        """Return the topic that this message goes out on."""
        return self.topic_filter

    def encode(self) -> bytes:
        """Return the JSON payload."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Return the message's model.

        Raises:
            BusError: it is too large, not JSON, or breaks the schema.
        """
        if len(message.payload) > MAX_JSON:
            raise BusError(f"{message.topic}: {len(message.payload)} bytes", fix=f"send at most {MAX_JSON}")
        try:
            data = json.loads(message.payload or b"{}")
            return cls.model_validate(data if data is not None else {})
        except (ValueError, RecursionError) as error:
            raise BusError(f"{message.topic}: {_reason(error)}", fix="see docs/protocol.md") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(map(str, detail['loc'])) or 'payload'}: {detail['msg']}"
    return f"not JSON ({str(error).splitlines()[0]})"


class _Site(Payload):
    site_id: str = "default"


# ---- hotword ---------------------------------------------------------------------------------------------------


class HotwordToggleOn(_Site):
    """Take back a reason to ignore wake words; the empty reason takes back all."""

    topic_filter = "hermes/hotword/toggleOn"
    reason: str = ""


class HotwordToggleOff(_Site):
    """Ignore wake words for a reason."""

    topic_filter = "hermes/hotword/toggleOff"
    reason: str = ""


class HotwordDetected(_Site):
    """A wake word was heard."""

    topic_filter = "hermes/hotword/+/detected"
    model_id: str
    model_version: str = ""
    model_type: str = "personal"
    current_sensitivity: float = 1.0
    detection_signal_ms: int | None = None
    session_id: str | None = None
    send_audio_captured: bool | None = None
    lang: str | None = None

    def topic(self) -> str:
        """Return the topic with the wake word's id."""
        return f"hermes/hotword/{safe_level(self.model_id)}/detected"


# ---- ASR -------------------------------------------------------------------------------------------------------


class AsrToggleOn(_Site):
    """Switch the recogniser on."""

    topic_filter = "hermes/asr/toggleOn"
    reason: str = ""


class AsrToggleOff(_Site):
    """Switch the recogniser off."""

    topic_filter = "hermes/asr/toggleOff"
    reason: str = ""


class AsrStartListening(_Site):
    """Capture and recognise the next utterance."""

    topic_filter = "hermes/asr/startListening"
    session_id: str | None = None
    start_signal_ms: int | None = None
    lang: str | None = None
    stop_on_silence: bool = True
    send_audio_captured: bool = False
    wakeword_id: str | None = None
    intent_filter: list[str] | None = None


class AsrStopListening(_Site):
    """End the capture."""

    topic_filter = "hermes/asr/stopListening"
    session_id: str | None = None


class TokenTime(_Wire):
    """Seconds from the start of the utterance."""

    start: float
    end: float


class AsrToken(_Wire):
    """A recognised word."""

    value: str
    confidence: float = 0.0
    range_start: int = 0
    range_end: int = 0
    time: TokenTime | None = None


class AsrTextCaptured(_Site):
    """What was recognised; an empty text means nothing."""

    topic_filter = "hermes/asr/textCaptured"
    text: str
    likelihood: float = 0.0
    seconds: float = 0.0
    session_id: str | None = None
    asr_tokens: list[list[AsrToken]] | None = None
    wakeword_id: str | None = None
    lang: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat_tokens(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tokens") and not data.get("asrTokens"):
            return {**data, "asrTokens": [data["tokens"]]}
        return data


# ---- NLU and intents -------------------------------------------------------------------------------------------


class SlotValue(_Wire):
    """What a slot means."""

    kind: str = "Unknown"
    value: Any = None


class SlotRange(_Wire):
    """Where a slot stands in the input; the end is exclusive."""

    start: int
    end: int


class HermesSlot(_Wire):
    """One slot; both names of its confidence are written, either is read (divergence 2)."""

    entity: str = ""
    slot_name: str
    raw_value: str = ""
    value: SlotValue = SlotValue()
    range: SlotRange | None = None
    confidence: float = 0.0
    confidence_score: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _one_confidence(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = [data[k] for k in ("confidenceScore", "confidence_score", "confidence") if data.get(k) is not None]
        return {**data, "confidence": given[0], "confidenceScore": given[0]} if given else data


class IntentName(_Wire):
    """The intent and how sure we are."""

    intent_name: str
    confidence_score: float = 0.0


class NluQuery(_Site):
    """What does this text mean?"""

    topic_filter = "hermes/nlu/query"
    input: str
    intent_filter: list[str] | None = None
    id: str | None = None
    session_id: str | None = None
    wakeword_id: str | None = None
    lang: str | None = None
    custom_data: str | None = None
    asr_confidence: float | None = None


class NluIntentParsed(_Site):
    """The answer to a query: this intent."""

    topic_filter = "hermes/nlu/intentParsed"
    input: str
    intent: IntentName
    slots: list[HermesSlot] = []
    id: str | None = None
    session_id: str | None = None


class NluIntentNotRecognized(_Site):
    """The answer to a query: none."""

    topic_filter = "hermes/nlu/intentNotRecognized"
    input: str = ""
    id: str | None = None
    session_id: str | None = None
    confidence_score: float = 0.0
    custom_data: str | None = None


class IntentMessage(_Site):
    """An intent for whoever handles it."""

    topic_filter = "hermes/intent/#"
    session_id: str | None = None
    input: str
    intent: IntentName
    slots: list[HermesSlot] = []
    custom_data: str | None = None
    asr_tokens: list[list[AsrToken]] | None = None
    asr_confidence: float | None = None
    raw_input: str | None = None
    wakeword_id: str | None = None
    lang: str | None = None
    id: str | None = None

    def topic(self) -> str:
        """Return the topic with the intent's name."""
        return f"hermes/intent/{safe_level(self.intent.intent_name)}"


# ---- dialogue --------------------------------------------------------------------------------------------------


class ActionInit(_Wire):
    """Say something, if there is a text, then listen."""

    type: Literal["action"] = "action"
    can_be_enqueued: bool = True
    text: str = ""
    intent_filter: list[str] | None = None
    send_intent_not_recognized: bool = False


class NotificationInit(_Wire):
    """Say something and end."""

    type: Literal["notification"] = "notification"
    text: str


class StartSession(_Site):
    """Open a session without a wake word."""

    topic_filter = "hermes/dialogueManager/startSession"
    init: ActionInit | NotificationInit = Field(discriminator="type")
    custom_data: str | None = None
    lang: str | None = None


class SessionQueued(_Site):
    """A session waits until the site is free."""

    topic_filter = "hermes/dialogueManager/sessionQueued"
    session_id: str
    custom_data: str | None = None


class SessionStarted(_Site):
    """A session began."""

    topic_filter = "hermes/dialogueManager/sessionStarted"
    session_id: str
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


class Termination(_Wire):
    """Why a session ended."""

    reason: Reason
    component: str | None = None
    error: str | None = None


class SessionEnded(_Site):
    """A session ended."""

    topic_filter = "hermes/dialogueManager/sessionEnded"
    session_id: str
    termination: Termination
    custom_data: str | None = None

    @field_validator("termination", mode="before")
    @classmethod
    def _string_form(cls, value: Any) -> Any:
        return {"reason": value} if isinstance(value, str) else value


class IntentNotRecognized(_Site):
    """No intent was found in a session that asked to be told."""

    topic_filter = "hermes/dialogueManager/intentNotRecognized"
    session_id: str
    input: str = ""
    custom_data: str | None = None
    confidence_score: float = 0.0


class IntentSwitch(_Wire):
    """An intent, enabled or not."""

    intent_id: str
    enable: bool = True


class Configure(Payload):
    """Enable or disable intents; without a site, everywhere."""

    topic_filter = "hermes/dialogueManager/configure"
    intents: list[IntentSwitch]
    site_id: str | None = None


# ---- speech out, sounds, errors --------------------------------------------------------------------------------


class TtsSay(_Site):
    """Speak a text."""

    topic_filter = "hermes/tts/say"
    text: str = Field(max_length=10_000)
    lang: str | None = None
    id: str | None = None
    session_id: str | None = None
    volume: float | None = None


class TtsSayFinished(_Site):
    """The text has been spoken, or could not be."""

    topic_filter = "hermes/tts/sayFinished"
    id: str | None = None
    session_id: str | None = None


class PlayFinished(_Site):
    """The sound has been played, or could not be."""

    topic_filter = "hermes/audioServer/+/playFinished"
    id: str | None = None
    session_id: str | None = None

    def topic(self) -> str:
        """Return the topic with the site's id."""
        return f"hermes/audioServer/{safe_level(self.site_id)}/playFinished"


class SoundToggleOn(_Site):
    """Feedback sounds on."""

    topic_filter = "hermes/feedback/sound/toggleOn"


class SoundToggleOff(_Site):
    """Feedback sounds off."""

    topic_filter = "hermes/feedback/sound/toggleOff"


class ErrorMessage(_Site):
    """A fault of a component: asr, nlu, tts, audioServer/play, skill/<id>, ..."""

    topic_filter = "hermes/error/#"
    component: str = Field("unknown", exclude=True)
    error: str
    context: str | None = None
    session_id: str | None = None

    def topic(self) -> str:
        """Return the topic with the component's name."""
        return "hermes/error/" + "/".join(safe_level(level) for level in self.component.split("/"))


@dataclass(frozen=True, slots=True)
class PlayBytes:
    """A whole WAV file to play: `hermes/audioServer/<site>/playBytes/<request>`."""

    site_id: str
    request_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/audioServer/+/playBytes/+"

    def topic(self) -> str:
        """Return the topic with the site's and the request's id."""
        return f"hermes/audioServer/{safe_level(self.site_id)}/playBytes/{safe_level(self.request_id)}"

    def encode(self) -> bytes:
        """Return the WAV."""
        return self.wav

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Return the message's site, request and WAV.

        Raises:
            BusError: it is too large or not a WAV file.
        """
        if len(message.payload) > MAX_AUDIO:
            raise BusError(f"{message.topic}: {len(message.payload)} bytes", fix=f"send at most {MAX_AUDIO}")
        if message.payload[:4] != b"RIFF" or message.payload[8:12] != b"WAVE":
            raise BusError(f"{message.topic}: not a WAV file", fix="send a whole RIFF/WAVE file")
        _, _, site, _, request = message.topic.split("/")
        return cls(site, request, message.payload)


class Sendable(Protocol):
    """Anything with a topic and bytes."""

    def topic(self) -> str:
        """Return the topic."""
        ...

    def encode(self) -> bytes:
        """Return the payload."""
        ...


class _Parseable(Protocol):
    topic_filter: ClassVar[str]

    @classmethod
    def parse(cls, message: Message) -> Self: ...


_P = TypeVar("_P", bound=_Parseable)

JSON_TOPICS: Sequence[type[Payload]] = tuple(
    model
    for model in globals().values()
    if isinstance(model, type) and issubclass(model, Payload) and model.__doc__ and "topic_filter" in vars(model)
)
"""Every JSON message, in the order of this file."""


async def send(bus: Bus, message: Sendable) -> None:
    """Publish a message on its topic."""
    await bus.publish(message.topic(), message.encode())


def on(bus: Bus, model: type[_P], handler: Callable[[_P], Awaitable[None]]) -> Unsubscribe:
    """Call `handler` with each well-formed message; a malformed one is answered on `hermes/error/<component>`."""

    async def receive(message: Message) -> None:
        try:
            parsed = model.parse(message)
        except BusError as error:
            _log.warning("%s", error)
            component = message.topic.split("/")[1] if message.topic.count("/") else "bus"
            if component != "error":
                await send(bus, ErrorMessage(component=component, error=str(error), context=message.topic))
            return
        await handler(parsed)

    return bus.subscribe(model.topic_filter, receive)
