"""Voice activity by the detector of WebRTC (`common_audio/vad`): Gaussian mixtures over six sub-band energies."""

import webrtcvad  # noqa: TID251 - this is the one module
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.pcm import to_int16
from voice.audio.rechunk import Rechunker
from voice.events import RATE, Chunk


class VadSettings(BaseModel):
    """How WebRTC's detector looks at audio."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aggressiveness: int = Field(3, ge=0, le=3, description="0 takes most sounds for speech, 3 the fewest")
    frame_ms: int = Field(20, multiple_of=10, ge=10, le=30, description="frame length, ms")


class WebRtcVad:
    """A VoiceActivityDetector whose decisions do not depend on how the audio was chunked.

    Args:
        settings: aggressiveness and frame length.
    """

    def __init__(self, settings: VadSettings) -> None:
        self.settings = settings
        self._frames = Rechunker(settings.frame_ms * RATE // 1000)
        self._share = 0.0
        self.reset()

    def process(self, chunk: Chunk) -> float:
        """Return the share of speech among the frames that end in this chunk; the last share where none ends."""
        decisions = [self._vad.is_speech(to_int16(frame.samples), RATE) for frame in self._frames.process(chunk)]
        if decisions:
            self._share = sum(decisions) / len(decisions)
        return self._share

    def reset(self) -> None:
        """Forget the past audio and the noise that was learnt from it."""
        self._vad = webrtcvad.Vad(self.settings.aggressiveness)
        self._frames.reset()
        self._share = 0.0
