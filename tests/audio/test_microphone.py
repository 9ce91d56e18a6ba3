"""Device blocks to chunks. What a real device does is in tests/faults/test_audio_faults.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.microphone import Capture
from voice.events import RATE, Chunk


def tone(rate: int, n: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 300 * np.arange(n) / rate)).astype(np.float32)


@settings(deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=20), st.sampled_from([8000, 16_000, 44_100, 48_000]))
def test_any_device_rate_and_block_length_gives_the_same_stream(lengths: list[int], rate: int) -> None:
    audio = tone(rate, sum(lengths))
    capture, at, chunks = Capture(rate, 0), 0, []
    for length in lengths:
        chunks += capture.process(Chunk(audio[at : at + length], at, rate))
        at += length

    assert [chunk.start for chunk in chunks] == [1280 * i for i in range(len(chunks))]
    assert all(len(chunk.samples) == 1280 for chunk in chunks)
    heard = np.concatenate([np.zeros(0, np.float32), *(chunk.samples for chunk in chunks)])
    np.testing.assert_allclose(heard[400:], tone(RATE, len(heard))[400:], atol=0.02)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_lost_block_is_a_jump_of_the_sample_clock(rate: int) -> None:
    capture, second = Capture(rate, 1000), np.ones(rate, np.float32)
    before = capture.process(Chunk(second, 0, rate))
    after = capture.process(Chunk(second, 3 * rate, rate))
    assert before[0].start == 1000
    assert after[0].start == 1000 + 3 * RATE


def test_digital_silence_is_counted_and_faint_noise_is_not() -> None:
    capture = Capture(RATE, 0)
    capture.process(Chunk(np.zeros(RATE, np.float32), 0))
    assert capture.zeros == RATE
    capture.process(Chunk(np.full(10, 1e-5, np.float32), RATE))
    assert capture.zeros == 0
