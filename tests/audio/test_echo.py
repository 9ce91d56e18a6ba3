"""How much of the microphone's audio is the loudspeaker's, in simulated rooms."""

from pathlib import Path

import numpy as np
import pytest

from voice.audio.echo import echo_share
from voice.audio.files import read_audio
from voice.audio.played import KEPT_S, Played
from voice.events import RATE, Samples

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
STORY, SENTENCE, OTHER = (read_audio(DEMO / f"{name}.flac") for name in ("story", "kitchen_light", "some_light"))
PLAYED = np.concatenate([STORY[: 3 * RATE], SENTENCE, STORY[3 * RATE : 5 * RATE]])
WORD_END = 3 * RATE + 17_000
ROOMS = [(0.2, 5.0), (0.4, 0.0), (0.5, -3.0)]
"""Reverberation time, s, and level of the direct sound over the reflections, dB."""


def in_room(samples: Samples, seconds: float, direct_db: float, seed: int = 0) -> Samples:
    n = round(seconds * RATE)
    rng = np.random.default_rng(seed)
    tail = rng.normal(0, 1, n) * np.exp(-6.9 * np.arange(n) / n)
    tail[:40] = 0
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    size = len(samples) + n
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return (heard + rng.normal(0, 1e-3, len(samples))).astype(np.float32)


def at_microphone(seconds: float, direct_db: float, delay: int = 900) -> Samples:
    echo = np.concatenate([np.zeros(delay, np.float32), in_room(PLAYED, seconds, direct_db)])
    return echo[WORD_END + delay - RATE : WORD_END + delay]


@pytest.mark.parametrize(("seconds", "direct_db"), ROOMS)
def test_an_echo_is_told_from_a_voice_even_over_it(seconds: float, direct_db: float) -> None:
    echo = at_microphone(seconds, direct_db)
    voice = in_room(OTHER[:RATE], 0.3, 3.0, seed=1)
    voice *= np.sqrt(np.mean(echo**2) / np.mean(voice**2))  # as loud as the echo
    assert echo_share(echo, PLAYED) > 0.55
    assert echo_share(voice, PLAYED) < 0.4
    assert echo_share(echo + voice, PLAYED) < 0.4


def test_what_is_played_itself_is_explained_whole_and_nothing_by_nothing() -> None:
    heard = PLAYED[WORD_END - RATE : WORD_END]
    assert echo_share(heard, PLAYED) == pytest.approx(1, abs=0.01)
    assert echo_share(heard, np.zeros_like(PLAYED)) == 0
    assert echo_share(np.zeros(RATE, np.float32), PLAYED) == 0
    assert echo_share(heard, heard[: RATE // 2]) == 0
    assert echo_share(heard[:100], PLAYED) == 0


def test_recent_sounds_are_kept_as_long_as_they_can_matter() -> None:
    played = Played()
    played.begin(np.full(RATE, 0.1, np.float32))
    assert played.playing
    played.end()
    assert not played.playing
    assert len(played.recent()) == 2 * RATE
    for _ in range(3):
        played.begin(np.full(KEPT_S * RATE // 2, 0.2, np.float32))
        played.end()
    recent = played.recent()
    assert len(recent) == (KEPT_S + 1) * RATE
    assert 0.1 not in recent
    played.begin(np.zeros(10 * KEPT_S * RATE, np.float32))
    assert len(played.recent()) == (2 * KEPT_S + 1) * RATE
