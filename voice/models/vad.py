"""WebRTC's voice activity detector behind `VoiceActivityDetector`; the only importer of `webrtcvad`."""

import warnings

from pydantic import BaseModel, ConfigDict, Field

from voice.audio.pcm import to_int16
from voice.audio.rechunk import Rechunker
from voice.events import Chunk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources where that is deprecated
    import webrtcvad  # noqa: TID251

FRAME = 320
"""Samples in a frame: 20 ms, one of the three lengths that WebRTC's VAD takes."""


class VadSettings(BaseModel):
    """WebRTC's VAD."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aggressiveness: int = Field(3, ge=0, le=3, description="0 takes most for speech, 3 least")


class WebRtcVad:
    """Share of speech frames. What it says does not depend on the chunking of whole frames.

    Args:
        settings: its aggressiveness.
    """

    def __init__(self, settings: VadSettings | None = None) -> None:
        self._settings = settings or VadSettings()
        self._frames = Rechunker(FRAME)
        self._vad = webrtcvad.Vad(self._settings.aggressiveness)
        self._last = 0.0

    def process(self, chunk: Chunk) -> float:
        """Return the share of this chunk's frames that hold speech; the last answer where none was completed."""
        frames = self._frames.process(chunk)
        if frames:
            speech = sum(self._vad.is_speech(to_int16(frame.samples), chunk.rate) for frame in frames)
            self._last = speech / len(frames)
        return self._last

    def reset(self) -> None:
        """Forget the past audio."""
        self._frames.reset()
        self._vad = webrtcvad.Vad(self._settings.aggressiveness)
        self._last = 0.0
