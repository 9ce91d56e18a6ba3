"""Hermes payloads of speech, sounds and faults."""

from typing import Any

from pydantic import Field

from voice.bus.topics.wire import SitePayload, plain_level, safe_level


class TtsSay(SitePayload):
    """Speak a text."""

    topic_filter = "hermes/tts/say"
    text: str = Field(max_length=10_000)
    lang: str | None = None
    id: str | None = None
    session_id: str | None = None
    volume: float | None = None


class TtsSayFinished(SitePayload):
    """The text has been spoken, or could not be."""

    topic_filter = "hermes/tts/sayFinished"
    id: str | None = None
    session_id: str | None = None


class PlayFinished(SitePayload):
    """The sound has been played, or could not be."""

    topic_filter = "hermes/audioServer/+/playFinished"
    id: str | None = None
    session_id: str | None = None

    def topic(self) -> str:
        """Return the topic with the site's id."""
        return f"hermes/audioServer/{safe_level(self.site_id)}/playFinished"

    @classmethod
    def _with_topic(cls, data: Any, levels: list[str]) -> Any:
        return {**data, "siteId": plain_level(levels[2])} if isinstance(data, dict) else data


class SoundToggleOn(SitePayload):
    """Feedback sounds on."""

    topic_filter = "hermes/feedback/sound/toggleOn"


class SoundToggleOff(SitePayload):
    """Feedback sounds off."""

    topic_filter = "hermes/feedback/sound/toggleOff"


class ErrorMessage(SitePayload):
    """A fault of a component: asr, nlu, tts, audioServer/play, skill/<id>, ..."""

    topic_filter = "hermes/error/#"
    component: str = Field("unknown", exclude=True)
    error: str
    context: str | None = None
    session_id: str | None = None

    def topic(self) -> str:
        """Return the topic with the component's name."""
        return "hermes/error/" + "/".join(safe_level(level) for level in self.component.split("/"))

    @classmethod
    def _with_topic(cls, data: Any, levels: list[str]) -> Any:
        named = levels[2:] if levels[1] == "error" else levels[1:-1]
        return {**data, "component": "/".join(named)} if isinstance(data, dict) else data


class ComponentError(ErrorMessage):
    """A fault of a component as Snips names it (divergence 1); heard, never published."""

    topic_filter = "hermes/+/error"
