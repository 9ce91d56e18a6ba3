"""Hermes payloads that are sound: whole RIFF/WAVE files, told apart by their topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from voice.bus.base import Message
from voice.bus.topics.sound import WAV_FIX
from voice.bus.topics.wire import MAX_AUDIO, Direction, filled, levels_of
from voice.errors import BusError


class Recording:
    """A WAV file whose topic says what it belongs to. Subclasses name their topic and the fields that stand in it."""

    __slots__ = ()
    topic_filter: ClassVar[str]
    direction: ClassVar[Direction] = "both"
    in_topic: ClassVar[Sequence[str]] = ("site_id",)
    max_bytes: ClassVar[int] = MAX_AUDIO
    """Longest payload read."""
    wav: bytes

    def topic(self) -> str:
        """Return the topic with the ids."""
        return filled(self.topic_filter, [str(getattr(self, name)) for name in self.in_topic])

    def encode(self) -> bytes:
        """Return the WAV."""
        return self.wav

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Return the message's ids and WAV.

        Raises:
            BusError: it is too large or not a WAV file, or an id in the topic is none.
        """
        if len(message.payload) > cls.max_bytes:
            raise BusError(f"{message.topic}: {len(message.payload)} bytes", fix=f"send at most {cls.max_bytes}")
        if message.payload[:4] != b"RIFF" or message.payload[8:12] != b"WAVE":
            raise BusError(f"{message.topic}: not a WAV file", fix=WAV_FIX)
        return cls(*cls._ids(levels_of(cls.topic_filter, message.topic)), message.payload)  # type: ignore[call-arg]

    @classmethod
    def _ids(cls, levels: list[str]) -> Sequence[str | int]:
        return levels


@dataclass(frozen=True, slots=True)
class PlayBytes(Recording):
    """A whole WAV file to play: `hermes/audioServer/<site>/playBytes/<request>`."""

    site_id: str
    request_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/audioServer/+/playBytes/+"
    in_topic: ClassVar[Sequence[str]] = ("site_id", "request_id")


@dataclass(frozen=True, slots=True)
class PlayBytesStreaming(Recording):
    """A chunk of a stream to play: `hermes/audioServer/<site>/playBytesStreaming/<stream>/<number>/<is last>`."""

    site_id: str
    stream_id: str
    number: int
    """Counted from 0."""
    is_last: int
    """1 for the last chunk, else 0."""
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/audioServer/+/playBytesStreaming/+/+/+"
    direction: ClassVar[Direction] = "read"
    in_topic: ClassVar[Sequence[str]] = ("site_id", "stream_id", "number", "is_last")

    @classmethod
    def _ids(cls, levels: list[str]) -> Sequence[str | int]:
        site, stream, number, last = levels
        if not (number.isascii() and number.isdigit() and len(number) < 10 and last in ("0", "1")):
            raise BusError(
                f"chunk {number[:20]!r}/{last[:20]!r} of a stream", fix="end the topic with a number and 0 or 1"
            )
        return site, stream, int(number), int(last)


@dataclass(frozen=True, slots=True)
class AudioFrame(Recording):
    """A piece of a site's microphone: `hermes/audioServer/<site>/audioFrame`. Off by default."""

    site_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/audioServer/+/audioFrame"
    max_bytes: ClassVar[int] = 2**19


@dataclass(frozen=True, slots=True)
class AudioSessionFrame(Recording):
    """A piece of a site's microphone that belongs to a session: `.../<site>/<session>/audioSessionFrame`."""

    site_id: str
    session_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/audioServer/+/+/audioSessionFrame"
    max_bytes: ClassVar[int] = 2**19
    direction: ClassVar[Direction] = "read"
    in_topic: ClassVar[Sequence[str]] = ("site_id", "session_id")


@dataclass(frozen=True, slots=True)
class AsrAudioCaptured(Recording):
    """The speech of a session, where `sendAudioCaptured` asked for it and `assistant.share_audio` lets it."""

    site_id: str
    session_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "rhasspy/asr/+/+/audioCaptured"
    direction: ClassVar[Direction] = "written"
    in_topic: ClassVar[Sequence[str]] = ("site_id", "session_id")


@dataclass(frozen=True, slots=True)
class ExampleRecorded(Recording):
    """The answer to `recordExample`: `rhasspy/hotword/<site>/exampleRecorded/<request>`."""

    site_id: str
    request_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "rhasspy/hotword/+/exampleRecorded/+"
    direction: ClassVar[Direction] = "written"
    in_topic: ClassVar[Sequence[str]] = ("site_id", "request_id")


@dataclass(frozen=True, slots=True)
class RegisterSound(Recording):
    """A sound that a text may hold as `[[sound:<id>]]`: `hermes/tts/registerSound/<id>`."""

    sound_id: str
    wav: bytes

    topic_filter: ClassVar[str] = "hermes/tts/registerSound/+"
    direction: ClassVar[Direction] = "read"
    in_topic: ClassVar[Sequence[str]] = ("sound_id",)
