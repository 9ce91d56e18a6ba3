"""Porcupine 1.9.5 for real, from a folder beside the environment (`make test`; EARSHOT_PORCUPINE names another)."""

import importlib
import itertools
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voice.audio.files import read_audio
from voice.errors import BundleError, ConfigError, EarshotError
from voice.events import RATE, Chunk, Samples, Wake
from voice.models.porcupine import KEY_VARIABLE, PorcupineDetector, PorcupineSettings, PorcupineWord, porcupine_version

FOLDER = Path(os.environ.get("EARSHOT_PORCUPINE") or Path(sys.prefix, "porcupine"))
needs_porcupine = pytest.mark.skipif(
    not (FOLDER / "pvporcupine").is_dir(), reason="pvporcupine 1.9.5 is not installed: run `make test`"
)
DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
COMPUTER, JARVIS = PorcupineWord("computer", "computer"), PorcupineWord("jarvis", "my-jarvis")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the real package be imported, as a user's is."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    sys.modules.pop("pvporcupine", None)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A package with the interface of version 2 and later, that lets nobody in."""

    class PorcupineError(Exception):
        """As there."""

    class PorcupineActivationRefusedError(PorcupineError):
        """As there."""

    def create(access_key: str, model_path: str | None, keyword_paths: list[str], sensitivities: list[float]) -> None:
        raise PorcupineActivationRefusedError(f"Initialization failed:\n  [0] {access_key}")

    module = types.ModuleType("pvporcupine")
    module.__dict__.update(create=create, KEYWORD_PATHS={"computer": "c.ppn"}, PorcupineError=PorcupineError)
    monkeypatch.setitem(sys.modules, "pvporcupine", module)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return module


def wakes(detector: PorcupineDetector, audio: Samples, cuts: list[int], start: int = 0) -> list[Wake]:
    edges = [0, *sorted(cuts), len(audio)]
    found = [detector.process(Chunk(audio[a:b], start + a)) for a, b in itertools.pairwise(edges)]
    return [wake for wake in found if wake]


def every(n: int, length: int) -> list[int]:
    return list(range(n, length, n))


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_it_hears_its_keywords_and_nothing_in_other_speech() -> None:
    detector = PorcupineDetector([COMPUTER, JARVIS])
    word, story = read_audio(DEMO / "wake.flac"), read_audio(DEMO / "story.flac")
    [wake] = wakes(detector, word, every(1280, len(word)))
    assert wake.model_id == "computer"
    assert wake.at % 512 == 0
    assert abs(wake.at / RATE - 1.0) < 0.3
    assert not wakes(detector, story, every(1280, len(story)))
    assert porcupine_version() == "1.9.5"


@needs_porcupine
@pytest.mark.usefixtures("package")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 24_000), max_size=30), start=st.sampled_from([0, 7, 100_000]))
def test_chunking_never_changes_a_detection(cuts: list[int], start: int) -> None:
    word = read_audio(DEMO / "wake.flac")[:24_000]
    whole = wakes(PorcupineDetector([COMPUTER]), word, every(512, len(word)), start)
    assert len(whole) == 1
    assert wakes(PorcupineDetector([COMPUTER]), word, cuts, start) == whole
    assert (whole[0].at - start) % 512 == 0


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_a_wake_is_told_at_the_sample_after_the_audio_that_decided() -> None:
    word = read_audio(DEMO / "wake.flac")
    [wake] = wakes(PorcupineDetector([COMPUTER]), word, every(1280, len(word)))
    assert wakes(PorcupineDetector([COMPUTER]), word[: wake.at], []) == [wake]
    assert wakes(PorcupineDetector([COMPUTER]), word[: wake.at - 1], []) == []


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_a_jump_of_the_clock_forgets_half_a_word_and_the_refractory_time() -> None:
    detector = PorcupineDetector([COMPUTER])
    word = read_audio(DEMO / "wake.flac")
    [wake] = wakes(detector, word, every(1280, len(word)))
    middle = wake.at - RATE // 3
    assert not wakes(detector, word[:middle], every(1280, middle), 10**6)
    assert not wakes(detector, word[middle:], every(1280, len(word) - middle), 2 * 10**6)
    assert len(wakes(detector, word, every(1280, len(word)), 3 * 10**6)) == 1


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_the_refractory_time_holds_a_second_word_back() -> None:
    word = read_audio(DEMO / "wake.flac")
    pause = np.zeros(2 * RATE, np.float32)
    twice = np.concatenate([word, pause, word, pause])
    apart = len(twice) * 500 // RATE
    patient = PorcupineWord("computer", "computer", refractory_ms=2 * apart)
    assert len(wakes(PorcupineDetector([patient]), twice, every(1280, len(twice)))) == 1
    quick = PorcupineWord("computer", "computer", refractory_ms=apart // 2)
    assert len(wakes(PorcupineDetector([quick]), twice, every(1280, len(twice)))) == 2


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_a_sensitivity_of_nothing_hears_less() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, RATE * 3).astype(np.float32)
    word = noise.copy()
    clean = read_audio(DEMO / "wake.flac")
    word[: len(clean)] += clean
    counts = [
        len(wakes(PorcupineDetector([PorcupineWord("computer", "c", value)]), word, every(512, len(word))))
        for value in (0.0, 1.0)
    ]
    assert counts[0] <= counts[1] == 1


@needs_porcupine
@pytest.mark.usefixtures("package")
def test_a_keyword_file_is_taken_and_one_of_another_platform_is_named(tmp_path: Path) -> None:
    files = FOLDER / "pvporcupine" / "resources" / "keyword_files"
    package = importlib.import_module("pvporcupine")
    own, other = Path(package.KEYWORD_PATHS["computer"]), files / "windows" / "jarvis_windows.ppn"
    word = read_audio(DEMO / "wake.flac")
    assert len(wakes(PorcupineDetector([PorcupineWord(str(own), "own")]), word, every(512, len(word)))) == 1
    with pytest.raises(BundleError, match=r"jarvis_windows\.ppn: .*another platform"):
        PorcupineDetector([PorcupineWord(str(other), "jarvis")])
    with pytest.raises(BundleError, match="no such file"):
        PorcupineDetector([PorcupineWord(str(tmp_path / "mine.ppn"), "mine")])
    with pytest.raises(ConfigError, match=r"no keyword 'luna'.*computer, "):
        PorcupineDetector([PorcupineWord("luna", "luna")])


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pvporcupine", None)
    with pytest.raises(ConfigError, match=r"pip install .earshot\[porcupine\]"):
        PorcupineDetector([COMPUTER])


def one_line(error: EarshotError) -> str:
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.usefixtures("newer")
def test_a_newer_version_wants_a_key_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as missing:
        PorcupineDetector([COMPUTER])
    assert KEY_VARIABLE in one_line(missing.value)
    monkeypatch.setenv(KEY_VARIABLE, "from-the-environment")
    with pytest.raises(ConfigError) as refused:
        PorcupineDetector([COMPUTER])
    assert "is refused" in one_line(refused.value)
    assert "from-the-environment" in str(refused.value)
    file = tmp_path / "key"
    file.write_text("from-a-file\nand a note\n")
    with pytest.raises(ConfigError, match="from-a-file"):
        PorcupineDetector([COMPUTER], PorcupineSettings(access_key_file=str(file)))
    with pytest.raises(ConfigError, match="can't be read"):
        PorcupineDetector([COMPUTER], PorcupineSettings(access_key_file=str(tmp_path / "none")))
