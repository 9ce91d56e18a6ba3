"""The RIFF/WAVE containers that Hermes carries sound in (reference, section 4.1)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from voice.errors import BusError
from voice.events import RATE, Samples

_PCM, _EXTENSIBLE = 1, 0xFFFE
WAV_FIX = "send a whole RIFF/WAVE file of 16-bit PCM"


@dataclass(frozen=True, slots=True)
class Wav:
    """What a 16-bit PCM container holds."""

    samples: Samples
    """Mono, channels averaged, at `rate`; shape (n,)."""
    rate: int
    """Hz."""
    capture_ms: int | None = None
    """Snips' `time` chunk: when the audio was captured, ms."""
    replay_of: str | None = None
    """Snips' `rpid` chunk: the replay request that this answers; such a frame is no present audio."""


def read_wav(wav: bytes) -> Wav:
    """Read a container chunk by chunk, whatever stands between the header and the data (reference section 4.1).

    Unknown chunks are skipped, odd sizes padded; a `data` size of 0 or 0xFFFFFFFF, as streaming writers leave it, means
    the rest.

    Raises:
        BusError: it is not RIFF/WAVE, is cut short, or is not 16-bit PCM.
    """
    form: tuple[int, int, int, int] | None = None
    capture_ms: int | None = None
    replay_of: str | None = None
    for name, body in _chunks(wav):
        if name == b"fmt " and len(body) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            form = (kind, channels, rate, bits)
        elif name == b"time" and len(body) == 8:
            (capture_ms,) = struct.unpack("<Q", body)
        elif name == b"rpid":
            replay_of = body.decode(errors="replace")
        elif name == b"data":
            return Wav(*_decoded(body, form), capture_ms, replay_of)
    raise BusError("a WAV payload without a data chunk", fix=WAV_FIX)


def write_frame(samples: Samples, *, capture_ms: int | None = None, replay: tuple[str, int] | None = None) -> bytes:
    """Return one `audioFrame`: 16 kHz mono S16LE, with Snips' chunks where they are given.

    Args:
        samples: audio.
        capture_ms: when it was captured, for the chunk `time`.
        replay: id of the replay request and how many frames of it follow, for the chunks `rpid` and `rprf`.
    """
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2").tobytes()
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, _PCM, 1, RATE, 2 * RATE, 2, 16)
    if capture_ms is not None:
        chunks += b"time" + struct.pack("<IQ", 8, capture_ms)
    if replay is not None:
        name = replay[0].encode()
        chunks += b"rpid" + struct.pack("<I", len(name)) + name + b"\0" * (len(name) % 2)
        chunks += b"rprf" + struct.pack("<II", 4, replay[1])
    chunks += b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _chunks(wav: bytes) -> Iterator[tuple[bytes, bytes]]:
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise BusError("a payload that is no WAV file", fix=WAV_FIX)
    at = 12
    while at + 8 <= len(wav):
        name, size = wav[at : at + 4], int.from_bytes(wav[at + 4 : at + 8], "little")
        if name == b"data" and size in (0, 0xFFFFFFFF):
            size = len(wav) - at - 8
        if at + 8 + size > len(wav):
            raise BusError(f"a WAV payload cut short in its {name!r} chunk", fix=WAV_FIX)
        yield name, wav[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _decoded(body: bytes, form: tuple[int, int, int, int] | None) -> tuple[Samples, int]:
    if form is None:
        raise BusError("a WAV payload without a format", fix=WAV_FIX)
    kind, channels, rate, bits = form
    if kind not in (_PCM, _EXTENSIBLE) or bits != 16 or not 1 <= channels <= 64 or not 1000 <= rate <= 384_000:
        raise BusError(f"a WAV payload of format {kind}, {channels} channels, {rate} Hz, {bits} bit", fix=WAV_FIX)
    whole = len(body) - len(body) % (2 * channels)
    pcm = np.frombuffer(body[:whole], "<i2").reshape(-1, channels)
    return (pcm.mean(axis=1, dtype=np.float32) / np.float32(32768)).astype(np.float32), rate
