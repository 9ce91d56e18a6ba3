"""Hermes payloads of the wake word and of the recogniser."""

from typing import Any, Literal

from pydantic import Field, model_validator

from voice.bus.topics.wire import SitePayload, Wire, safe_level


class HotwordToggleOn(SitePayload):
    """Take back a reason to ignore wake words; the empty reason takes back all."""

    topic_filter = "hermes/hotword/toggleOn"
    reason: str = ""
    session_id: str | None = None


class HotwordToggleOff(SitePayload):
    """Ignore wake words for a reason."""

    topic_filter = "hermes/hotword/toggleOff"
    reason: str = ""
    session_id: str | None = None


class HotwordDetected(SitePayload):
    """A wake word was heard."""

    topic_filter = "hermes/hotword/+/detected"
    model_id: str
    model_version: str = ""
    model_type: str = "personal"
    current_sensitivity: float = 1.0
    detection_signal_ms: int | None = None
    end_signal_ms: int | None = None
    session_id: str | None = None
    send_audio_captured: bool | None = None
    lang: str | None = None
    custom_entities: dict[str, Any] | None = None
    score: float | None = Field(None, description="how sure the model was, 0 to 1; Earshot's own, for the arbitration")
    level_dbfs: float | None = Field(None, description="level of the word, dB relative to full scale; Earshot's own")

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
    direction = "read"
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
    slot: str | None = Field(
        None, description="the slot of the only intent of intentFilter to listen for; Earshot's own"
    )
    hotword_on: bool = Field(False, description="wake words count meanwhile; Earshot's own, for barge-in")


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


class Speaker(Wire):
    """Who may have spoken."""

    name: str | None = None
    confidence: float = 0.0


class AsrTextCaptured(SitePayload):
    """What was recognised; an empty text means nothing."""

    topic_filter = "hermes/asr/textCaptured"
    text: str
    likelihood: float = 0.0
    seconds: float = 0.0
    session_id: str | None = None
    asr_tokens: list[list[AsrToken]] | None = None
    speaker_hypotheses: list[Speaker] | None = None
    wakeword_id: str | None = None
    lang: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat_tokens(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tokens") and not data.get("asrTokens"):
            return {**data, "asrTokens": [data["tokens"]]}
        return data


class AsrPartialTextCaptured(AsrTextCaptured):
    """What was recognised so far, while someone is speaking: `stableText`, then `unstableText`, which may change.

    A later partial text of the utterance never takes back a word of `stableText`; `textCaptured` is recognised from the
    whole utterance.
    """

    topic_filter = "hermes/asr/partialTextCaptured"
    direction = "written"
    stable_text: str = ""
    unstable_text: str = ""
    sequence: int = Field(0, description="0 for the first of an utterance, then one more each; Earshot's own")
    stability: float = Field(0.0, description="share of the words that are stable, 0 to 1; Earshot's own")


class AsrRecordingFinished(SitePayload):
    """The end of the speech was heard; it is being recognised."""

    topic_filter = "rhasspy/asr/recordingFinished"
    direction = "written"
    session_id: str | None = None


class GetHotwords(SitePayload):
    """Which wake words are listened for?"""

    topic_filter = "rhasspy/hotword/getHotwords"
    direction = "read"
    id: str | None = None


class Hotword(Wire):
    """A wake word."""

    model_id: str
    model_words: str
    model_version: str = ""
    model_type: str = "personal"


class Hotwords(SitePayload):
    """The wake words that are listened for."""

    topic_filter = "rhasspy/hotword/hotwords"
    direction = "written"
    models: list[Hotword]
    id: str | None = None


class RecordExample(SitePayload):
    """Record what is said next and send it back; only where `assistant.share_audio` lets it."""

    topic_filter = "rhasspy/hotword/recordExample"
    direction = "read"
    id: str


class MarkWrong(SitePayload):
    """The last wake at a site was wrong: nobody had said the wake word. Earshot's own."""

    topic_filter = "earshot/hotword/markWrong"
    session_id: str | None = Field(
        None, description="session in which somebody says so: it was opened by a wake word too, perhaps a right one"
    )
    id: str | None = None


class MarkedWrong(SitePayload):
    """What came of `markWrong`. Earshot's own."""

    topic_filter = "earshot/hotword/markedWrong"
    kept: bool = Field(False, description="whether the audio was kept as a negative for the next training")
    why: Literal["kept", "off", "nothing", "twice", "error"] = Field(
        "nothing", description="off: keeping is switched off; nothing: there was no wake; twice: it is kept already"
    )
    model_id: str | None = None
    file: str | None = None
    id: str | None = None


class VadUp(SitePayload):
    """Speech began."""

    topic_filter = "hermes/voiceActivity/+/vadUp"
    in_topic = ("site_id",)
    signal_ms: int | None = None


class VadDown(SitePayload):
    """Speech ended."""

    topic_filter = "hermes/voiceActivity/+/vadDown"
    direction = "written"
    in_topic = ("site_id",)
    signal_ms: int | None = None
