import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.events import RATE, Chunk
from voice.models.vad import VadSettings, WebRtcVad

FRAME = 320


def vowel(seconds: float) -> np.ndarray:
    """Harmonics of 120 Hz with a vowel's falling spectrum, 6 syllables a second."""
    t = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    return (0.2 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 6 * t))).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1e-4, int(seconds * RATE)).astype(np.float32)


def shares(audio: np.ndarray, length: int = FRAME) -> list[float]:
    vad = WebRtcVad(VadSettings())
    return [vad.process(Chunk(audio[at : at + length], at)) for at in range(0, len(audio), length)]


def test_silence_is_no_speech_and_a_voice_is() -> None:
    audio = np.concatenate([quiet(1), vowel(1), quiet(1)])
    decisions = shares(audio)
    assert max(decisions[:48]) == 0
    assert np.mean(decisions[52:98]) > 0.9
    assert max(decisions[-25:]) == 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 2000), min_size=1, max_size=20))
def test_chunking_never_changes_a_decision(lengths: list[int]) -> None:
    audio = np.concatenate([quiet(0.2), vowel(0.4), quiet(0.2)])
    n_speech = sum(shares(audio))
    vad, at, total, i = WebRtcVad(VadSettings()), 0, 0.0, 0
    while at < len(audio):
        chunk = Chunk(audio[at : at + lengths[i % len(lengths)]], at)
        n_frames = chunk.end // FRAME - chunk.start // FRAME
        total += vad.process(chunk) * n_frames
        at, i = at + len(chunk.samples), i + 1
    assert total == pytest.approx(n_speech)


def test_a_chunk_of_four_frames_gives_their_share() -> None:
    audio = np.concatenate([quiet(1), vowel(0.5)])
    np.testing.assert_allclose(np.reshape(shares(audio)[:72], (-1, 4)).mean(axis=1), shares(audio, 4 * FRAME)[:18])


def test_reset_forgets_everything() -> None:
    vad = WebRtcVad(VadSettings())
    audio = vowel(0.5)
    first = [vad.process(Chunk(audio[at : at + FRAME], at)) for at in range(0, len(audio), FRAME)]
    vad.reset()
    assert [vad.process(Chunk(audio[at : at + FRAME], at)) for at in range(0, len(audio), FRAME)] == first


def test_aggressiveness_is_checked() -> None:
    with pytest.raises(ValueError, match="aggressiveness"):
        VadSettings(aggressiveness=4)
