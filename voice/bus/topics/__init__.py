"""Hermes payloads: one pydantic model for each topic that the chain uses.

Names on the wire are camelCase. Unknown fields are ignored, `null` means absent, an empty payload means `{}`; what is
published is the superset that Snips' and Rhasspy's clients read (`docs/protocol.md`).
"""

from collections.abc import Sequence

from voice.bus.topics.dialogue import (
    ActionInit,
    Configure,
    ContinueSession,
    EndSession,
    IntentNotRecognized,
    IntentSwitch,
    NotificationInit,
    Reason,
    SessionEnded,
    SessionQueued,
    SessionStarted,
    StartSession,
    Termination,
)
from voice.bus.topics.exchange import (
    Sendable,
    on,
    send,
)
from voice.bus.topics.listening import (
    AsrStartListening,
    AsrStopListening,
    AsrTextCaptured,
    AsrToggleOff,
    AsrToggleOn,
    AsrToken,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    TokenTime,
)
from voice.bus.topics.sound import AudioFrame, PlayBytes, Wav, read_wav, write_frame
from voice.bus.topics.sounding import (
    ComponentError,
    ErrorMessage,
    PlayFinished,
    SoundToggleOff,
    SoundToggleOn,
    TtsSay,
    TtsSayFinished,
)
from voice.bus.topics.understanding import (
    HermesSlot,
    IntentMessage,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    SlotRange,
    SlotValue,
)
from voice.bus.topics.wire import (
    MAX_AUDIO,
    MAX_JSON,
    Payload,
    SitePayload,
    Wire,
    plain_level,
    safe_level,
)

JSON_TOPICS: Sequence[type[Payload]] = tuple(
    model
    for model in tuple(globals().values())
    if isinstance(model, type) and issubclass(model, Payload) and "topic_filter" in vars(model)
)
"""Every JSON message."""

__all__ = [
    "JSON_TOPICS",
    "MAX_AUDIO",
    "MAX_JSON",
    "ActionInit",
    "AsrStartListening",
    "AsrStopListening",
    "AsrTextCaptured",
    "AsrToggleOff",
    "AsrToggleOn",
    "AsrToken",
    "AudioFrame",
    "ComponentError",
    "Configure",
    "ContinueSession",
    "EndSession",
    "ErrorMessage",
    "HermesSlot",
    "HotwordDetected",
    "HotwordToggleOff",
    "HotwordToggleOn",
    "IntentMessage",
    "IntentName",
    "IntentNotRecognized",
    "IntentSwitch",
    "NluIntentNotRecognized",
    "NluIntentParsed",
    "NluQuery",
    "NotificationInit",
    "Payload",
    "PlayBytes",
    "PlayFinished",
    "Reason",
    "Sendable",
    "SessionEnded",
    "SessionQueued",
    "SessionStarted",
    "SitePayload",
    "SlotRange",
    "SlotValue",
    "SoundToggleOff",
    "SoundToggleOn",
    "StartSession",
    "Termination",
    "TokenTime",
    "TtsSay",
    "TtsSayFinished",
    "Wav",
    "Wire",
    "on",
    "plain_level",
    "read_wav",
    "safe_level",
    "send",
    "write_frame",
]
