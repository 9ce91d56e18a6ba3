"""`python -m benchmarks.wake_word` on a data pack of three recordings."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import wake_new_phrase, wake_word
from kws_training.corpora import ASR_FOLDERS
from voice import demo
from voice.audio.files import read_audio
from voice.events import RATE

SAID = Path(demo.__file__).parent


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A data pack: the word once, a story as running speech, a noise."""
    monkeypatch.setenv("EARSHOT_WAKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EARSHOT_DATA", raising=False)
    monkeypatch.delenv("EARSHOT_MORE", raising=False)
    noise = np.random.default_rng(0).normal(0, 0.05, 10 * RATE).astype(np.float32)
    contents = {folder: [] for folder in ASR_FOLDERS} | {
        "common_voice": [("story.wav", read_audio(SAID / "story.flac"), {"split": "test", "text": "a story"})],
        "wake": [("computer/wake.wav", read_audio(SAID / "wake.flac"), {"speaker": "a", "language": "en"})],
        "noise": [("noise.wav", noise, {"kind": "noise"})],
    }
    for folder, clips in contents.items():
        rows = []
        for name, samples, facts in clips:
            (tmp_path / "data" / folder / name).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "data" / folder / name, samples, RATE)
            rows.append({"audio": name, **facts})
        (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "data" / folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    return tmp_path / "data"


def run(monkeypatch, program, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, arguments)])
    return program.main()


def test_a_bundle_is_measured_and_the_table_written(pack, monkeypatch, capsys, tmp_path):
    out = tmp_path / "table.md"
    options = ("--data", pack, "--bundle", "computer", "--split", "all", "--quick", "--markdown", out)
    status = run(monkeypatch, wake_word, *options)
    told = capsys.readouterr().out
    assert "earshot, computer: 1 recordings" in told
    assert "missed, clean: 0.0 %" in told
    assert "MISSED" not in told.split("noise, 10 dB")[0]
    assert status == (1 if "MISSED" in told else 0)
    assert "| computer (1) | earshot | 0.0 % [0.0, 79.3] |" in out.read_text(encoding="utf-8")


def test_without_data_it_says_what_to_name(monkeypatch, capsys, pack):
    assert run(monkeypatch, wake_word, "--quick") == 2
    assert "EARSHOT_DATA" in capsys.readouterr().err
    assert run(monkeypatch, wake_new_phrase) == 2


def test_a_bundle_that_is_not_there_ends_with_a_line(pack, monkeypatch, capsys):
    assert run(monkeypatch, wake_word, "--data", pack, "--bundle", "nonsense", "--quick") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_kind_of_new_phrase_that_there_is_not_is_named(pack, monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, wake_new_phrase, "--data", pack, "--work", tmp_path, "--kinds", "text,tempalte") == 2
    assert "no kind 'tempalte': one of text, takes, template, head, once" in capsys.readouterr().err


def test_new_phrases_need_stores_to_train_on(pack, monkeypatch, capsys):
    assert run(monkeypatch, wake_new_phrase, "--data", pack) == 0
    assert "--work" in capsys.readouterr().out
