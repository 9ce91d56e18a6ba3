"""The loudspeaker: play a WAV and return when it has been heard."""

import asyncio
import io

import numpy as np
import soundfile
import soxr
from pydantic import BaseModel, ConfigDict, Field

from voice.audio import portaudio
from voice.errors import AudioError
from voice.events import RATE, Samples


class SpeakerSettings(BaseModel):
    """Which loudspeaker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("", description="any part of a name that `voice devices` lists; empty: the system's choice")


class Speaker:
    """Plays one sound after another.

    Args:
        settings: which loudspeaker.
    """

    def __init__(self, settings: SpeakerSettings) -> None:
        self.settings = settings
        self._turn = asyncio.Lock()
        self._stops = 0

    async def play(self, wav: bytes) -> float:
        """Play a WAV (any rate, mono or more) and return its seconds when it has been heard or stopped.

        Raises:
            AudioError: `wav` is no sound.
            DeviceError: there is no such device, or it fails.
        """
        stops = self._stops
        samples, rate = decode(wav)
        async with self._turn:
            device = portaudio.choose(await asyncio.to_thread(portaudio.devices), self.settings.device, "output")
            sound = (
                samples if rate == device.rate else np.asarray(soxr.resample(samples, rate, device.rate), np.float32)
            )
            await asyncio.to_thread(portaudio.play_blocking, device, sound, lambda: stops == self._stops)
        return len(samples) / rate

    def stop(self) -> None:
        """End what is playing and what waits for its turn, within 100 ms."""
        self._stops += 1


def decode(wav: bytes) -> tuple[Samples, int]:
    """Return the mono samples of an encoded sound and their rate, Hz.

    Raises:
        AudioError: it is no sound.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, ValueError) as error:
        raise AudioError(f"{len(wav)} bytes that are no sound", fix="expected a WAV") from error
    return samples.mean(axis=1, dtype=np.float32), rate


def at_16_khz(wav: bytes) -> Samples:
    """Return the mono samples of an encoded sound, resampled to 16 kHz.

    Raises:
        AudioError: it is no sound.
    """
    samples, rate = decode(wav)
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE), np.float32)
