"""WAV files in memory: written from samples, and mended where a program could not know their length."""

import io
import struct
import wave

import numpy as np

from voice.audio.pcm import to_int16
from voice.errors import AudioError
from voice.events import Samples


def encode(samples: Samples, rate: int) -> bytes:
    """Return a 16-bit mono WAV file."""
    return _file(to_int16(samples), rate, 1, 2)


def mended(data: bytes) -> bytes:
    """Return a WAV whose sizes are right; espeak-ng writes 0x7ffff000 where it streams.

    Raises:
        AudioError: it is no PCM WAV.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioError(f"{len(data)} bytes that are no WAV file", fix="expected RIFF/WAVE")
    form: tuple[int, ...] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            form = struct.unpack_from("<HHIIHH", body)
        if name == b"data" and form and form[0] == 1:
            _, channels, rate, _, _, bits = form
            return _file(body, rate, channels, bits // 8)
        at += 8 + size + size % 2
    raise AudioError("a WAV file without PCM data", fix="expected 16-bit PCM")


def seconds(wav: bytes) -> float:
    """Return how long a WAV plays.

    Raises:
        AudioError: it is no PCM WAV.
    """
    try:
        with wave.open(io.BytesIO(mended(wav))) as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise AudioError(f"{len(wav)} bytes that are no WAV file ({error})", fix="expected 16-bit PCM") from error


def scaled(wav: bytes, gain: float) -> bytes:
    """Return a 16-bit WAV made quieter; 1 leaves it as it is, and so is one of another width.

    Raises:
        AudioError: it is no PCM WAV.
    """
    if gain == 1.0:
        return wav
    with wave.open(io.BytesIO(mended(wav))) as file:
        frames, rate, channels, width = (
            file.readframes(file.getnframes()),
            file.getframerate(),
            file.getnchannels(),
            file.getsampwidth(),
        )
    if width != 2:
        return wav
    return _file((np.frombuffer(frames, "<i2") * np.float32(gain)).astype("<i2").tobytes(), rate, channels, width)


def _file(frames: bytes, rate: int, channels: int, width: int) -> bytes:
    out = io.BytesIO()
    try:
        with wave.open(out, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(frames[: len(frames) - len(frames) % (width * channels)])
    except (wave.Error, ZeroDivisionError) as error:
        raise AudioError(f"a WAV file that can't be written ({error})", fix="expected 16-bit PCM") from error
    return out.getvalue()
