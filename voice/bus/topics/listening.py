"""Hermes payloads of the wake word and of the recogniser."""

from typing import Any

from pydantic import model_validator

from voice.bus.topics.wire import SitePayload, Wire, safe_level


class HotwordToggleOn(SitePayload):
    """Take back a reason to ignore wake words; the empty reason takes back all."""

    topic_filter = "hermes/hotword/toggleOn"
    reason: str = ""


class HotwordToggleOff(SitePayload):
    """Ignore wake words for a reason."""

    topic_filter = "hermes/hotword/toggleOff"
    reason: str = ""


class HotwordDetected(SitePayload):
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


class AsrToggleOn(SitePayload):
    """Switch the recogniser on."""

    topic_filter = "hermes/asr/toggleOn"
    reason: str = ""


class AsrToggleOff(SitePayload):
    """Switch the recogniser off."""

    topic_filter = "hermes/asr/toggleOff"
    reason: str = ""


class AsrStartListening(SitePayload):
    """Capture and recognise the next utterance."""

    topic_filter = "hermes/asr/startListening"
    session_id: str | None = None
    start_signal_ms: int | None = None
    lang: str | None = None
    stop_on_silence: bool = True
    send_audio_captured: bool = False
    wakeword_id: str | None = None
    intent_filter: list[str] | None = None


class AsrStopListening(SitePayload):
    """End the capture."""

    topic_filter = "hermes/asr/stopListening"
    session_id: str | None = None


class TokenTime(Wire):
    """Seconds from the start of the utterance."""

    start: float
    end: float


class AsrToken(Wire):
    """A recognised word."""

    value: str
    confidence: float = 0.0
    range_start: int = 0
    range_end: int = 0
    time: TokenTime | None = None


class AsrTextCaptured(SitePayload):
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
