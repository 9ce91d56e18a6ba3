"""Whether a recording says a phrase, by the shipped recogniser."""

from pathlib import Path

import numpy as np
import pytest

import voice.demo
from voice.audio.files import read_audio
from voice.events import RATE
from voice.models.spoken_phrase import SpokenPhrase

DEMO = Path(voice.demo.__file__).parent


@pytest.fixture(scope="module")
def computer() -> SpokenPhrase:
    return SpokenPhrase("Computer!")


def test_what_says_the_phrase_scores_better_than_what_does_not(computer: SpokenPhrase) -> None:
    said, other = read_audio(DEMO / "wake.flac"), read_audio(DEMO / "down.flac")
    assert -3 < computer.score(said) <= 0
    assert computer.score(other) < computer.score(said) - 3
    assert SpokenPhrase("down").score(other) > SpokenPhrase("down").score(said) + 3


def test_neither_the_level_nor_the_quiet_around_it_counts(computer: SpokenPhrase) -> None:
    said = read_audio(DEMO / "wake.flac")
    quieter = np.pad(0.1 * said, (RATE, RATE))
    assert computer.score(quieter) == pytest.approx(computer.score(said), abs=0.7)


def test_what_is_too_short_for_the_phrase_scores_worst(computer: SpokenPhrase) -> None:
    nothing = np.zeros(0, np.float32)
    assert computer.score(nothing) < -5
    assert SpokenPhrase("good morning my little kitchen").score(nothing) == -20
