"""Which wake words are listened for, and what their settings mean."""

import itertools
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voice.audio.files import read_audio
from voice.config import Config, load_config
from voice.errors import ConfigError
from voice.events import Chunk
from voice.models.bundle import SHIPPED
from voice.models.wake import StreamingWakeDetector
from voice.pipeline.words import WakeSettings, sensitivity_of, threshold_of, wake_words
from voice.yaml12 import parse_yaml

PAGE = (Path(__file__).parent.parent.parent / "docs" / "wake-words.md").read_text(encoding="utf-8")
DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
SCALE = st.floats(0, 1)
THRESHOLD = st.floats(0.05, 0.99)


@given(THRESHOLD, SCALE, SCALE)
def test_a_higher_sensitivity_never_raises_the_threshold(threshold: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert 0 < threshold_of(threshold, high) <= threshold_of(threshold, low) < 1


@given(THRESHOLD, SCALE)
def test_half_is_the_makers_threshold_and_the_scale_can_be_read_back(threshold: float, sensitivity: float) -> None:
    assert threshold_of(threshold, 0.5) == pytest.approx(threshold)
    assert sensitivity_of(threshold, threshold_of(threshold, sensitivity)) == pytest.approx(sensitivity, abs=1e-6)


def test_each_word_has_its_own_rule() -> None:
    plain, tuned, theirs = wake_words(
        [
            WakeSettings(),
            WakeSettings(id="hey_luna", sensitivity=0.7, smoothing=3, refractory_ms=400, lang="en_GB"),
            WakeSettings(engine="porcupine", bundle="ok google", sensitivity=0.2),
        ],
        "default",
    )
    assert plain.bundle
    assert tuned.bundle
    before, after = plain.bundle.manifest.decision, tuned.bundle.manifest.decision
    assert (plain.id, plain.phrase, plain.sensitivity, plain.model_type) == ("computer", "computer", 0.5, "universal")
    assert (tuned.id, tuned.phrase, tuned.sensitivity) == ("hey_luna", "hey luna", 0.7)
    assert after.threshold == pytest.approx(threshold_of(before.threshold, 0.7))
    assert (after.smoothing_steps, after.refractory_ms) == (3, 400)
    assert (theirs.id, theirs.phrase, theirs.porcupine.sensitivity) == ("ok_google", "ok google", 0.2)
    assert theirs.porcupine.refractory_ms == 1500


def test_a_threshold_is_told_as_a_sensitivity() -> None:
    shipped, looser = wake_words([WakeSettings(id="a", threshold=0.9), WakeSettings(id="b", threshold=0.6)], "default")
    assert shipped.sensitivity == pytest.approx(0.5)
    assert 0.5 < looser.sensitivity < 1


def test_a_word_is_listened_for_where_it_is_wanted() -> None:
    words = [WakeSettings(), WakeSettings(id="luna", sites=("kitchen", "hall"))]
    assert [word.id for word in wake_words(words, "kitchen")] == ["computer", "luna"]
    assert [word.id for word in wake_words(words, "bath")] == ["computer"]
    with pytest.raises(ConfigError, match="no wake word is listened for at site 'bath'"):
        wake_words(words[1:], "bath")


def test_two_words_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="two wake words are called 'computer'"):
        wake_words([WakeSettings(), WakeSettings(engine="porcupine", bundle="computer")], "default")


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 0.5, "sensitivity": 0.5},
        {"engine": "porcupine", "bundle": "jarvis", "threshold": 0.5},
        {"engine": "porcupine", "bundle": "jarvis", "smoothing": 2},
        {"engine": "porcupine", "bundle": "jarvis", "verifier": {"first": 0.5}},
        {"sensitivity": 1.5},
        {"id": "a/b"},
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WakeSettings.model_validate(settings)


def test_a_model_of_the_users_own_is_personal_and_a_sensitivity_changes_what_is_heard(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.symlink_to(SHIPPED / "computer")
    [word] = wake_words([WakeSettings(bundle=str(own))], "default")
    assert word.model_type == "personal"
    audio = read_audio(DEMO / "wake.flac")
    crossed = []
    for sensitivity in (0.0, 0.5, 1.0):
        [word] = wake_words([WakeSettings(sensitivity=sensitivity)], "default")
        assert word.bundle
        [wake] = filter(None, [StreamingWakeDetector(word.bundle).process(Chunk(audio, 0))])
        crossed.append(wake.at)
    assert crossed == sorted(crossed, reverse=True)


def test_several_words_stand_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "assistant.yaml"
    path.write_text(
        "models:\n  wake:\n    - {bundle: computer, sensitivity: 0.6}\n"
        "    - {engine: porcupine, bundle: jarvis, skills: [lights]}\n"
    )
    words = load_config(path).models.wake
    assert [word.engine for word in words] == ["earshot", "porcupine"]
    assert words[1].skills == ("lights",)


def test_a_wake_is_told_at_the_sample_after_the_audio_that_decided() -> None:
    """So a word that is cut there is still heard, and one that is cut a step before isn't."""
    [word] = wake_words([WakeSettings()], "default")
    assert word.bundle
    audio = read_audio(DEMO / "wake.flac")
    [wake] = filter(None, [StreamingWakeDetector(word.bundle).process(Chunk(audio, 0))])
    assert StreamingWakeDetector(word.bundle).process(Chunk(audio[: wake.at], 0)) == wake
    assert StreamingWakeDetector(word.bundle).process(Chunk(audio[: wake.at - 1], 0)) is None
    sizes = itertools.cycle([320, 1280, 512, 7])
    detector, start, found = StreamingWakeDetector(word.bundle), 0, []
    while start < len(audio):
        size = next(sizes)
        found.append(detector.process(Chunk(audio[start : start + size], start)))
        start += size
    assert list(filter(None, found)) == [wake]


def test_the_page_names_every_setting_and_its_examples_hold() -> None:
    assert not [name for name in WakeSettings.model_fields if name != "engine" and f"`{name}`" not in PAGE]
    for sensitivity, threshold in ((0.25, "0.976"), (0.75, "0.67"), (1, "0.31")):
        assert f"{sensitivity:g} means {threshold}" in " ".join(PAGE.split())
        assert f"{threshold_of(0.9, sensitivity):.{len(threshold) - 2}f}" == threshold
    example = PAGE.split("with its own rule:", 1)[1].split("| key |", 1)[0]
    words = Config.model_validate(parse_yaml(textwrap.dedent(example), where="the page")).models.wake
    assert [word.engine for word in words] == ["earshot", "earshot", "porcupine"]
