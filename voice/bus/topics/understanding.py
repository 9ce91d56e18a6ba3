"""Hermes payloads of language understanding, and the intents themselves."""

from typing import Any

from pydantic import Field, model_validator

from voice.bus.topics.listening import AsrToken, Speaker
from voice.bus.topics.wire import SitePayload, Wire, safe_level


class SlotValue(Wire):
    """What a slot means."""

    kind: str = "Unknown"
    value: Any = None


class SlotRange(Wire):
    """Where a slot stands in the input, and in the text before substitution; the ends are exclusive."""

    start: int
    end: int
    raw_start: int | None = None
    raw_end: int | None = None


class HermesSlot(Wire):
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


class IntentName(Wire):
    """The intent and how sure we are."""

    intent_name: str
    confidence_score: float = 0.0
    dangerous: bool | None = Field(None, description="it is asked back before it goes out; Earshot's own")


class Alternative(Wire):
    """Another intent that the text may have meant."""

    intent_name: str | None = None
    confidence_score: float = 0.0
    slots: list[HermesSlot] = Field(default_factory=list)


class NluQuery(SitePayload):
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
    asr_tokens: list[list[AsrToken]] | None = None
    custom_entities: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _nested_tokens(cls, data: Any) -> Any:
        tokens = data.get("asrTokens") if isinstance(data, dict) else None
        return (
            {**data, "asrTokens": [tokens]}
            if isinstance(tokens, list) and tokens and isinstance(tokens[0], dict)
            else data
        )


class NluPartialQuery(SitePayload):
    """Which value of this slot does the text hold?"""

    topic_filter = "hermes/nlu/partialQuery"
    input: str
    intent_name: str
    slot_name: str
    id: str | None = None
    session_id: str | None = None


class NluSlotParsed(SitePayload):
    """The answer to a partial query; without a slot: none."""

    topic_filter = "hermes/nlu/slotParsed"
    input: str
    intent_name: str
    slot_name: str
    slot: HermesSlot | None = None
    dangerous: bool | None = Field(None, description="the intent is asked back before it goes out; Earshot's own")
    id: str | None = None
    session_id: str | None = None


class NluIntentParsed(SitePayload):
    """The answer to a query: this intent."""

    topic_filter = "hermes/nlu/intentParsed"
    input: str
    intent: IntentName
    slots: list[HermesSlot] = Field(default_factory=list)
    id: str | None = None
    session_id: str | None = None
    alternatives: list[Alternative] | None = None


class NluIntentNotRecognized(SitePayload):
    """The answer to a query: none."""

    topic_filter = "hermes/nlu/intentNotRecognized"
    input: str = ""
    id: str | None = None
    session_id: str | None = None
    confidence_score: float = 0.0
    custom_data: str | None = None
    alternatives: list[Alternative] | None = None


class IntentMessage(SitePayload):
    """An intent for whoever handles it."""

    topic_filter = "hermes/intent/#"
    session_id: str | None = None
    input: str
    intent: IntentName
    slots: list[HermesSlot] = Field(default_factory=list)
    custom_data: str | None = None
    asr_tokens: list[list[AsrToken]] | None = None
    asr_confidence: float | None = None
    alternatives: list[Alternative] | None = None
    speaker_hypotheses: list[Speaker] | None = None
    custom_entities: dict[str, Any] | None = None
    raw_input: str | None = None
    wakeword_id: str | None = None
    lang: str | None = None
    id: str | None = None

    def topic(self) -> str:
        """Return the topic with the intent's name."""
        return f"hermes/intent/{safe_level(self.intent.intent_name)}"
