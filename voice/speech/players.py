"""Where sounds go: the loudspeaker, files, or nowhere at the pace of a loudspeaker."""

import asyncio
import io
import logging
import wave
from pathlib import Path
from typing import Protocol

from voice.audio.speaker import Speaker
from voice.clock import Clock, sleep
from voice.errors import AudioError, DeviceError
from voice.speech.settings import SpeechSettings
from voice.speech.wav import mended, seconds

_log = logging.getLogger(__name__)


class Player(Protocol):
    """Plays one sound at a time."""

    async def play(self, wav: bytes) -> float:
        """Return the sound's seconds when it has been heard.

        Raises:
            AudioError: it can't be played.
        """
        ...

    def stop(self) -> None:
        """End what is playing."""
        ...


class NullPlayer:
    """Plays nothing, but takes as long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def play(self, wav: bytes) -> float:
        """Wait for as long as the sound lasts."""
        length = seconds(wav)
        await sleep(self._clock, length)
        return length

    def stop(self) -> None:
        """Do nothing: a silence can't be heard to end."""


class FilePlayer:
    """Writes sounds to a folder, numbered, or one after another to one WAV file.

    Args:
        path: a folder, or a file whose name ends in `.wav`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._n = 0
        self._written: list[bytes] = []

    async def play(self, wav: bytes) -> float:
        """Write the sound and return at once.

        Raises:
            AudioError: it can't be written.
        """
        length = seconds(wav)
        self._n += 1
        try:
            await asyncio.to_thread(self._write, mended(wav))
        except OSError as error:
            raise AudioError(f"{self._path}: {error.strerror}", fix="correct speech.output") from error
        return length

    def stop(self) -> None:
        """Do nothing: a file is written whole."""

    def _write(self, wav: bytes) -> None:
        if self._path.suffix.lower() != ".wav":
            self._path.mkdir(parents=True, exist_ok=True)
            (self._path / f"{self._n:04d}.wav").write_bytes(wav)
            return
        self._written.append(wav)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(_joined(self._written))


class LoudspeakerPlayer:
    """Plays on the loudspeaker; without one, says so once and keeps the time.

    Args:
        speaker: the loudspeaker.
        silence: what stands in for it.
    """

    def __init__(self, speaker: Speaker, silence: NullPlayer) -> None:
        self._speaker = speaker
        self._silence = silence
        self._told = False

    async def play(self, wav: bytes) -> float:
        """Play the sound.

        Raises:
            AudioError: it is no sound.
        """
        try:
            length = await self._speaker.play(wav)
        except DeviceError as error:
            if not self._told:
                _log.warning("no sound is heard: %s (or set speech.output to a folder)", error)
                self._told = True
            return await self._silence.play(wav)
        self._told = False
        return length

    def stop(self) -> None:
        """End what is playing."""
        self._speaker.stop()


def player_for(settings: SpeechSettings, clock: Clock) -> Player:
    """Return the player that `speech.output` asks for."""
    if settings.output == "null":
        return NullPlayer(clock)
    if settings.output == "auto":
        return LoudspeakerPlayer(Speaker(settings.speaker), NullPlayer(clock))
    return FilePlayer(Path(settings.output))


def _joined(wavs: list[bytes]) -> bytes:
    """Return one WAV of several, in the format of the first; others of another format are left out."""
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        for i, wav in enumerate(wavs):
            with wave.open(io.BytesIO(wav)) as part:
                if i == 0:
                    target.setparams(part.getparams())
                same = part.getparams()[:3] == target.getparams()[:3]
                target.writeframes(part.readframes(part.getnframes()) if same else b"")
    return out.getvalue()
