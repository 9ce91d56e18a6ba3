"""Takes: made of vowels, so that what is wrong with each is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.takes import Fault, TakeSettings, cepstra, check_takes, disagreements, find_fault, measure, warped
from voice.events import RATE, Samples

FORMANTS = {"a": (730, 1090, 2440), "i": (270, 2290, 3010), "u": (300, 870, 2240), "e": (530, 1840, 2480)}


def spoken(vowels: str, seed: int = 0, *, quiet_s: float = 0.4, noise: float = 1e-3, peak: float = 0.3) -> Samples:
    """Return vowels of 0.2 s each between stretches of noise, at a pitch and a pace of each seed."""
    rng = np.random.default_rng(seed)
    pitch = rng.uniform(95, 125)
    parts = []
    for vowel in vowels:
        t = np.arange(round(RATE * 0.2 * rng.uniform(0.9, 1.1))) / RATE
        harmonics = pitch * np.arange(1, int(4000 / pitch))
        size = sum(1 / (1 + ((harmonics - formant) / 90) ** 2) for formant in FORMANTS[vowel])
        parts.append(
            (size[:, None] * np.sin(2 * np.pi * harmonics[:, None] * t)).sum(axis=0) * np.hanning(len(t)) ** 0.3
        )
    speech = np.concatenate(parts)
    quiet = np.zeros(round(quiet_s * RATE))
    audio = np.concatenate([quiet, peak * speech / np.abs(speech).max(), quiet])
    return np.asarray(audio + rng.normal(0, noise, len(audio)), np.float32)


def fault_of(samples: Samples, settings: TakeSettings | None = None) -> Fault | None:
    return find_fault(measure(samples), settings or TakeSettings())


def code_of(samples: Samples, settings: TakeSettings | None = None) -> str | None:
    fault = fault_of(samples, settings)
    return fault.code if fault else None


def test_the_speech_is_found_between_its_quiet() -> None:
    facts = measure(spoken("aiu"))
    assert facts.start / RATE == pytest.approx(0.4, abs=0.05)
    assert facts.speech_s == pytest.approx(0.6, abs=0.12)
    assert facts.snr_db > 30
    assert fault_of(spoken("aiu")) is None


def test_silence_says_nothing() -> None:
    assert code_of(np.zeros(RATE, np.float32)) == "silent"
    assert code_of(np.zeros(0, np.float32)) == "silent"
    assert code_of(np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32)) == "silent"
    assert str(fault_of(np.zeros(RATE, np.float32))) == (
        "nothing is said (-90 dBFS at most): speak up, check the microphone"
    )


def test_clipping_is_seen_at_full_scale_and_below_it() -> None:
    loud = np.clip(spoken("aiu", peak=3.0), -1, 1)
    assert code_of(loud) == "clipped"
    assert code_of(0.4 * loud) == "clipped"  # turned down behind the converter
    assert code_of(spoken("aiu", peak=0.95)) is None


def test_sound_that_breaks_off_at_an_edge_is_cut() -> None:
    whole = spoken("aiu")
    middle = round(0.5 * RATE)
    assert "cut off at its start" in str(fault_of(whole[middle:]))
    assert "cut off at its end" in str(fault_of(whole[:-middle]))
    assert code_of(whole[middle:-middle]) == "cut"


def test_lengths_follow_from_the_phrase() -> None:
    settings = TakeSettings.for_phrase("hey luna")
    assert code_of(spoken("aiu"), settings) is None
    assert code_of(spoken("a")[: round(0.9 * RATE)], TakeSettings(shortest_s=0.3)) == "short"
    assert code_of(spoken("aiu" * 4), settings) == "long"
    longer = TakeSettings.for_phrase("good morning little kitchen")
    assert longer.longest_s > settings.longest_s
    assert longer.shortest_s > settings.shortest_s


def test_speech_in_noise_is_noisy() -> None:
    assert code_of(spoken("aiu", noise=0.09)) == "noisy"
    assert code_of(spoken("aiu", noise=0.01)) is None


@pytest.mark.parametrize("n", [3, 4, 8, 40])
def test_the_take_of_something_else_is_the_odd_one(n: int) -> None:
    takes = [spoken("aiu", seed) for seed in range(n)]
    assert check_takes(takes, TakeSettings()) == [None] * n
    takes[n // 2] = spoken("uea", 99)
    faults = check_takes(takes, TakeSettings())
    assert [fault.code if fault else None for fault in faults] == ["odd" if i == n // 2 else None for i in range(n)]
    assert "times as far from them as usual" in str(faults[n // 2])


def test_copies_of_a_take_do_not_make_the_others_odd() -> None:
    takes = [spoken("aiu", 1), spoken("aiu", 1), spoken("aiu", 2), spoken("aiu", 3)]
    assert check_takes(takes, TakeSettings()) == [None] * 4


def test_two_takes_can_not_disagree_and_bad_ones_are_not_asked() -> None:
    assert check_takes([spoken("aiu"), spoken("uea")], TakeSettings()) == [None, None]
    faults = check_takes([spoken("aiu"), np.zeros(RATE, np.float32), spoken("uea")], TakeSettings())
    assert [fault.code if fault else None for fault in faults] == [None, "silent", None]
    assert check_takes([], TakeSettings()) == []


def test_any_features_may_be_compared() -> None:
    def describe(samples: Samples) -> np.ndarray:
        return np.array([[1.0, 0.0]] if len(samples) < 1.3 * RATE else [[0.0, 1.0], [0.1, 1.0]], np.float32)

    takes = [spoken("ai"), spoken("ai", 1), spoken("ai", quiet_s=0.5)]
    faults = check_takes(takes, TakeSettings(), describe)
    assert [fault.code if fault else None for fault in faults] == [None, None, "odd"]


def test_a_take_that_says_the_phrase_worse_than_the_others_is_farther_from_them() -> None:
    takes = [spoken("ai", seed) for seed in range(4)]
    described = [cepstra(take) for take in takes]
    plain = disagreements(described, 0.25)
    scored = disagreements(described, 0.25, [-1.0, -1.0, -11.0, -1.0])
    np.testing.assert_allclose(scored / plain, [1, 1, np.e, 1])
    said = iter([-1.0, -1.0, -11.0, -1.0])
    faults = check_takes(takes, TakeSettings(agreement=0), score=lambda take: next(said))
    assert [fault.code if fault else None for fault in faults] == [None, None, "odd", None]


SEQUENCE = st.lists(st.tuples(*[st.floats(-1, 1, width=32)] * 3), min_size=1, max_size=6).map(
    lambda rows: np.array(rows, np.float32)
)


@given(st.lists(SEQUENCE, min_size=2, max_size=4))
def test_warping_is_the_textbooks_recurrence(described: list[np.ndarray]) -> None:
    pairs = [(i, j) for i in range(len(described)) for j in range(len(described)) if i != j]
    for (i, j), found in zip(pairs, warped(described, pairs), strict=True):
        a, b = (rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6) for rows in (described[i], described[j]))
        cost = 1 - a @ b.T
        best = np.full((len(a) + 1, len(b) + 1), np.inf)
        best[0, 0] = 0
        for k in range(1, len(a) + 1):
            for m in range(1, len(b) + 1):
                c = cost[k - 1, m - 1]
                best[k, m] = min(best[k - 1, m] + c, best[k, m - 1] + c, best[k - 1, m - 1] + 2 * c)
        assert found == pytest.approx(best[-1, -1] / (len(a) + len(b)), abs=1e-4)


def test_a_very_short_take_is_described_all_the_same() -> None:
    assert cepstra(np.zeros(10, np.float32)).shape[1] == 24
    assert len(cepstra(np.zeros(10, np.float32))) >= 1
    assert np.all(np.isfinite(disagreements([cepstra(np.zeros(n, np.float32)) for n in (0, 10, RATE)], 0.2)))
