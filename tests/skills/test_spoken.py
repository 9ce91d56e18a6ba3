"""The built-in skills hear: sentences of each, spoken by a voice that no training used, among those of all skills."""

import shutil

import numpy as np
import pytest

from tests.skills.test_spoken_sentences import ROWS
from voice.app import always_intents, build_understanding, sentences_of, skills_of
from voice.audio.files import read_audio
from voice.config import Config
from voice.demo.synthesise import synthesise
from voice.events import RATE, Segment

VOICE = "espeak-ng:en-us+f2"
NAMES = sorted({name for name, _ in ROWS})
SPOKEN, RIGHT = 3, 2
"""Sentences of each skill that are spoken, and how many must be right: the recogniser may miss one."""

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def brain():
    config = Config()
    return build_understanding(config, sentences_of(config), always_intents(skills_of(config)))


def heard(brain, text, wav):
    """Return what a spoken sentence is taken for."""
    synthesise(VOICE, text, wav)
    quiet = np.zeros(RATE // 5, np.float32)
    samples = np.concatenate([quiet, read_audio(wav), quiet])
    return brain.understand(Segment(samples, 0, speech_start=len(quiet), speech_end=len(samples) - len(quiet))).intent


@pytest.mark.parametrize("name", NAMES)
def test_a_skill_is_understood_by_voice(name, brain, tmp_path):
    rows = [row for skill, row in ROWS if skill == name][:SPOKEN]
    intents = [heard(brain, row["text"], tmp_path / "speech.wav") for row in rows]
    got = [intent and (intent.name, {slot.name: slot.value for slot in intent.slots}) for intent in intents]
    expected = [(row["intent"], row.get("slots", {})) for row in rows]
    assert sum(one == other for one, other in zip(got, expected, strict=True)) >= RIGHT, (got, expected)


@pytest.mark.parametrize(
    "text", ["the river is wide and slow", "my sister lives in another town", "two men were talking"]
)
def test_other_speech_does_nothing(text, brain, tmp_path):
    assert heard(brain, text, tmp_path / "speech.wav") is None
