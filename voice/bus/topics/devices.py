"""Hermes payloads about the audio server: its switches, devices, volume and levels."""

from typing import Literal

from pydantic import Field

from voice.bus.topics.wire import SitePayload, Wire


class AudioToggleOn(SitePayload):
    """Send audio frames; only where `frames.publish` lets it."""

    topic_filter = "hermes/audioServer/toggleOn"
    direction = "read"


class AudioToggleOff(SitePayload):
    """Send no more audio frames."""

    topic_filter = "hermes/audioServer/toggleOff"
    direction = "read"


class SummaryToggleOn(SitePayload):
    """Tell the level of the microphone, about four times a second."""

    topic_filter = "hermes/audioServer/toggleSummaryOn"
    direction = "read"


class SummaryToggleOff(SitePayload):
    """Tell the level no more."""

    topic_filter = "hermes/audioServer/toggleSummaryOff"
    direction = "read"


class AudioSummary(SitePayload):
    """How loud a site's microphone is: root of the mean square, in steps of 16-bit samples."""

    topic_filter = "hermes/audioServer/+/audioSummary"
    direction = "written"
    in_topic = ("site_id",)
    debiased_energy: float
    is_speech: bool | None = None


class ReplayRequest(SitePayload):
    """Send again the audio frames from `startAtMs` on, marked by the chunks `rpid` and `rprf`."""

    topic_filter = "hermes/audioServer/+/replayRequest"
    direction = "read"
    in_topic = ("site_id",)
    request_id: str = Field(max_length=200)
    start_at_ms: int


class GetDevices(SitePayload):
    """Which microphones and loudspeakers are there?"""

    topic_filter = "rhasspy/audioServer/getDevices"
    direction = "read"
    modes: list[Literal["input", "output"]] = Field(max_length=10)
    id: str | None = None
    test: bool = False


class AudioDevice(Wire):
    """A microphone or loudspeaker."""

    mode: Literal["input", "output"]
    id: str
    name: str | None = None
    description: str | None = None
    working: bool | None = None


class AudioDevices(SitePayload):
    """The microphones and loudspeakers of a site."""

    topic_filter = "rhasspy/audioServer/devices"
    direction = "written"
    devices: list[AudioDevice]
    id: str | None = None


class SetVolume(SitePayload):
    """Play louder or quieter from now on: 0 is silence, 1 is as recorded."""

    topic_filter = "rhasspy/audioServer/setVolume"
    direction = "read"
    volume: float = Field(ge=0, le=1)
