"""WAV payloads, byte by byte (reference, section 4.1; divergences 6 and 12)."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.bus.base import Message
from voice.bus.topics import AudioFrame, PlayBytes, read_wav, write_frame
from voice.errors import BusError

RAMP = (np.arange(256) - 128).astype("<i2")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def form(*, kind: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits))


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_6_a_snips_frame_with_time_replay_and_list_chunks() -> None:
    extra = [chunk(b"time", struct.pack("<Q", 1234)), chunk(b"rpid", b"abc"), chunk(b"rprf", b"\x07\0\0\0")]
    wav = read_wav(riff(form(), *extra, chunk(b"LIST", b"INFOx"), chunk(b"data", RAMP.tobytes())))
    assert wav.capture_ms == 1234
    assert wav.rate == 16_000
    np.testing.assert_array_equal(wav.samples, RAMP.astype(np.float32) / 32768)


def test_6_a_rhasspy_frame_is_a_plain_header_and_1024_samples() -> None:
    frame = write_frame(np.zeros(1024, np.float32))
    assert len(frame) == 44 + 2048
    assert len(read_wav(frame).samples) == 1024


def test_a_frame_with_time_has_the_documented_layout() -> None:
    frame = write_frame(RAMP.astype(np.float32) / 32768, capture_ms=99)
    assert frame == riff(form(), chunk(b"time", struct.pack("<Q", 99)), chunk(b"data", RAMP.tobytes()))
    assert read_wav(frame).capture_ms == 99


def test_channels_are_averaged_and_the_rate_is_told() -> None:
    stereo = np.array([[100, 300], [-200, 0]], "<i2")
    wav = read_wav(riff(form(channels=2, rate=8000), chunk(b"data", stereo.tobytes())))
    assert wav.rate == 8000
    np.testing.assert_allclose(wav.samples * 32768, [200, -100])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_streaming_writers_size_means_the_rest(size: int) -> None:
    wav = riff(form(), b"data" + struct.pack("<I", size) + RAMP.tobytes())
    assert len(read_wav(wav).samples) == 256


@pytest.mark.parametrize(
    "wav",
    [
        b"",
        b"{}",
        riff(),
        riff(form()),
        riff(chunk(b"data", b"\0\0")),
        riff(form(bits=8), chunk(b"data", b"\0\0")),
        riff(form(kind=3, bits=32), chunk(b"data", b"\0\0\0\0")),
        riff(form(channels=0), chunk(b"data", b"\0\0")),
        riff(form(), chunk(b"data", RAMP.tobytes()))[:-10],
    ],
)
def test_what_is_no_wav_is_one_line(wav: bytes) -> None:
    with pytest.raises(BusError):
        read_wav(wav)


@given(st.binary(max_size=120), st.integers(0, 40))
def test_no_bytes_raise_anything_but_a_bus_error(noise: bytes, at: int) -> None:
    whole = riff(form(), chunk(b"data", RAMP[:8].tobytes()))
    with contextlib.suppress(BusError):
        read_wav(whole[:at] + noise + whole[at + len(noise) :])


def test_site_and_request_stand_in_the_topic_escaped() -> None:
    sent = PlayBytes("bed/room", "r#1", riff(form(), chunk(b"data", b"")))
    assert sent.topic() == "hermes/audioServer/bed%2Froom/playBytes/r%231"
    assert PlayBytes.parse(Message(sent.topic(), sent.encode())) == sent
    frame = AudioFrame("bed/room", sent.wav)
    assert AudioFrame.parse(Message(frame.topic(), frame.encode())) == frame


def test_12_json_on_a_sound_topic_is_refused() -> None:
    with pytest.raises(BusError, match="not a WAV"):
        PlayBytes.parse(Message("hermes/audioServer/default/playBytes/1", b"{}"))
