"""Voices: which are taken where what is installed; Piper by a program that writes what it was asked for."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kws_training import piper, synthesis
from kws_training.synthesis import HELD_OUT, Style, fluent_styles, synthesise, training_styles
from voice.errors import DataError
from voice.events import RATE

from .conftest import PIPER, piper_voice, program


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Return a function after which these programs, and no others, are on the path; each exits with 0."""

    def install(*names):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name in names:
            program(folder, name, "#!/bin/sh\nexit 0\n")
        monkeypatch.setenv("PATH", str(folder))
        synthesis._festival_voices.cache_clear()
        piper.program.cache_clear()
        return folder

    yield install
    synthesis._festival_voices.cache_clear()
    piper.program.cache_clear()


def engines_of(styles):
    return {style.voice.partition(":")[0] for style in styles}


def test_without_a_synthesiser_it_says_what_to_install(only):
    only()
    with pytest.raises(
        DataError, match="no speech synthesiser is installed: run `apt install espeak-ng flite festival`"
    ):
        training_styles(np.random.default_rng(0), 3)


def test_voices_of_what_is_installed_are_taken(only):
    only("espeak-ng")
    assert engines_of(training_styles(np.random.default_rng(0), 200)) == {"espeak-ng"}
    assert engines_of(fluent_styles(np.random.default_rng(0), 20)) == {"espeak-ng"}
    only("flite")
    assert engines_of(training_styles(np.random.default_rng(0), 200)) == {"espeak-ng", "flite"}


def test_without_espeak_the_recorded_voices_do_it_all(only):
    only("flite")
    assert engines_of(training_styles(np.random.default_rng(0), 50)) == {"flite"}
    assert {style.voice for style in fluent_styles(np.random.default_rng(0), 20)} == {"flite:awb"}


def test_festival_has_the_voices_that_it_lists_but_no_held_out_speaker(only):
    folder = only("text2wave")
    with pytest.raises(DataError, match="no voice for training"):
        training_styles(np.random.default_rng(0), 1)
    assert engines_of(training_styles(np.random.default_rng(0), 9, neural=["piper:a.onnx"])) == {"piper"}
    names = "(ked_diphone cmu_us_slt_arctic_hts rab_diphone el_diphone cmu_us_awb_cg kal_diphone)"
    program(folder, "festival", f"#!/bin/sh\necho '{names}'\n")
    synthesis._festival_voices.cache_clear()
    voices = {style.voice for style in training_styles(np.random.default_rng(0), 100)}
    assert voices == {"festival:rab_diphone", "festival:cmu_us_awb_cg", "festival:kal_diphone"}


def test_many_voices_rates_and_pitches_are_drawn_the_same_for_the_same_seed(only):
    only("espeak-ng", "flite", "pico2wave")
    styles = training_styles(np.random.default_rng(1), 3000)
    assert len({style.voice for style in styles}) > 400
    assert {"espeak-ng:en-us+croak", "espeak-ng:en-gb+whisper", "flite:awb", "pico:en-GB"} < {s.voice for s in styles}
    assert min(style.words_per_minute for style in styles) < 115
    assert max(style.words_per_minute for style in styles) > 210
    assert max(style.pitch for style in styles) - min(style.pitch for style in styles) > 85
    assert not {style.voice for style in styles} & set(HELD_OUT)
    assert styles == training_styles(np.random.default_rng(1), 3000)


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_every_variant_is_espeaks_own():
    """espeak-ng speaks with its plain voice where it doesn't know a variant, and says nothing."""
    done = synthesis.subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True)
    known = {line.split("!v/")[1].split("  ")[0].strip() for line in done.stdout.splitlines() if "!v/" in line}
    assert set(synthesis._VARIANTS) <= known


def test_piper_speaks_with_each_english_voice_of_a_folder(only, tmp_path):
    program(only(), "piper", PIPER)
    one = piper_voice(tmp_path / "voices", "en_US-one", language={"code": "en_US"}, num_speakers=1)
    two = piper_voice(tmp_path / "voices" / "gb", "two", espeak={"voice": "en-gb-x-rp"}, num_speakers=2)
    piper_voice(tmp_path / "voices", "de_DE-three", language={"code": "de_DE"}, num_speakers=1)
    voices = piper.piper_voices(tmp_path / "voices")
    assert sorted(voices) == sorted([f"piper:{one}", f"piper:{two}#0", f"piper:{two}#1"])
    assert piper.model_names(voices) == ["en_US-one", "two"]

    samples = synthesise("hey luna", Style(f"piper:{two}#1", words_per_minute=85))
    assert len(samples) / RATE == pytest.approx(0.1 * 2 * 2, abs=0.02)
    asked = json.loads((tmp_path / "voices" / "gb" / "two.onnx.asked").read_text())
    assert (asked["model"], asked["speaker"], asked["text"]) == (str(two), "1", "hey luna\n")
    assert (asked["noise_scale"], asked["noise_w"]) == ("0", "0")  # the same each time


def test_pipers_voices_take_their_share_of_the_styles(only):
    only("espeak-ng", "flite")
    styles = training_styles(np.random.default_rng(0), 1000, neural=["piper:a.onnx", "piper:b.onnx#3"])
    share = np.mean([style.voice.startswith("piper") for style in styles])
    assert 0.25 < share < 0.35
    assert {style.voice for style in styles if style.voice.startswith("piper")} == {"piper:a.onnx", "piper:b.onnx#3"}
    fluent = fluent_styles(np.random.default_rng(0), 50, ["piper:a.onnx"])
    assert {style.voice for style in fluent} == {"flite:awb", "piper:a.onnx"}


def test_what_is_wrong_with_piper_is_said_in_a_line(only, tmp_path, monkeypatch):
    monkeypatch.setattr(piper.sys, "executable", str(tmp_path / "python"))
    piper_voice(tmp_path / "voices", "en_US-one", num_speakers=1)
    folder = only()
    with pytest.raises(DataError, match="Piper isn't installed: pip install piper-tts"):
        piper.piper_voices(tmp_path / "voices")
    program(folder, "piper", "#!/bin/sh\necho 'Configure gaming mice'\n")  # Debian's package `piper`
    with pytest.raises(DataError, match="Piper isn't installed"):
        piper.piper_voices(tmp_path / "voices")
    program(folder, "piper", PIPER)
    with pytest.raises(DataError, match=r"holds no English Piper voice: put NAME\.onnx"):
        piper.piper_voices(tmp_path / "empty")
    (tmp_path / "voices" / "en_US-one.onnx.json").unlink()
    with pytest.raises(DataError, match=r"en_US-one\.onnx\.json can't be read"):
        piper.piper_voices(tmp_path / "voices")


def test_keyword_without_the_voices_that_it_is_promised_ends_at_once(only, kws_train, tmp_path):
    program(only(), "piper", PIPER)
    status, _, told = kws_train("keyword", "hey luna", "--piper", tmp_path)
    assert status == 1
    assert (
        told == f"kws-train: {tmp_path} holds no English Piper voice: put NAME.onnx and NAME.onnx.json of an English "
        "Piper voice there\n"
    )


def test_a_voice_that_fails_is_one_line(only, tmp_path):
    program(only(), "piper", "#!/bin/sh\necho --model\nexit 3\n")
    with pytest.raises(DataError, match=r"can't say 'hey'.*exit status 3.*: pip install piper-tts"):
        synthesise("hey", Style(f"piper:{piper_voice(tmp_path, 'en')}"))
    with pytest.raises(DataError, match=r"flite:kal can't say 'hey'.*: apt install flite"):
        synthesise("hey", Style("flite:kal"))


def test_the_documentation_tells_which_voices_there_are():
    text = (Path(__file__).parents[2] / "docs" / "wake-words.md").read_text(encoding="utf-8")
    section = " ".join(text.split("\n## Voices\n")[1].split("\n## ")[0].split())
    assert f"{len(synthesis._ACCENTS)} accents of English with {len(synthesis._VARIANTS)} variants" in section
    assert all(f"`{voice}`" in section for voice in HELD_OUT)
    assert f"the first {piper.MOST_SPEAKERS}." in section
