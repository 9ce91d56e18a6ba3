"""Hermes payloads of speech, sounds and faults."""

from typing import Any

from pydantic import Field

from voice.bus.topics.wire import SitePayload, Wire, safe_level


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
    in_topic = ("site_id",)
    id: str | None = None
    session_id: str | None = None


class StreamFinished(SitePayload):
    """The last chunk of a stream has been played, or will never come."""

    topic_filter = "hermes/audioServer/+/streamFinished"
    direction = "written"
    in_topic = ("site_id",)
    id: str


class TtsStop(SitePayload):
    """Stop speaking and playing, and forget what waits: barge-in. Earshot's own."""

    topic_filter = "hermes/tts/stop"
    session_id: str | None = None


class GetVoices(SitePayload):
    """Which voices are there?"""

    topic_filter = "rhasspy/tts/getVoices"
    direction = "read"
    id: str | None = None


class Voice(Wire):
    """A voice of the synthesiser."""

    voice_id: str
    description: str | None = None


class Voices(SitePayload):
    """The voices of the synthesiser."""

    topic_filter = "rhasspy/tts/voices"
    direction = "written"
    voices: list[Voice]
    id: str | None = None


class G2pPronounce(SitePayload):
    """How are these words pronounced?"""

    topic_filter = "rhasspy/g2p/pronounce"
    direction = "read"
    words: list[str] = Field(max_length=1000)
    id: str | None = None
    session_id: str | None = None
    num_guesses: int = 5


class Pronunciation(Wire):
    """One pronunciation."""

    phonemes: list[str]
    guessed: bool | None = None


class G2pPhonemes(SitePayload):
    """The pronunciations of words, as the synthesiser says them, in IPA."""

    topic_filter = "rhasspy/g2p/phonemes"
    direction = "written"
    word_phonemes: dict[str, list[Pronunciation]]
    id: str | None = None
    session_id: str | None = None


class G2pError(SitePayload):
    """Words could not be pronounced."""

    topic_filter = "rhasspy/error/g2p"
    direction = "written"
    error: str
    context: str | None = None
    session_id: str | None = None
    id: str | None = None


class SoundToggleOn(SitePayload):
    """Feedback sounds on."""

    topic_filter = "hermes/feedback/sound/toggleOn"
    direction = "read"
    session_id: str | None = None


class SoundToggleOff(SitePayload):
    """Feedback sounds off."""

    topic_filter = "hermes/feedback/sound/toggleOff"
    direction = "read"
    session_id: str | None = None


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
    direction = "read"
