"""Transcripts by the recogniser itself, for self-training: real recordings through the shipped bundle."""

import json
import sys

import pytest
import soundfile

from asr_training import label
from asr_training.__main__ import main
from asr_training.label import HEARD, LabelSettings, label_all, objection
from asr_training.layouts import audio_files
from asr_training.manifest import read_manifest
from tests.asr_training.speech import TEXTS, transcribed
from voice.errors import ConfigError, DataError
from voice.text import edit_distance, normalise

NAMES = ("kitchen_light", "river", "bedroom")


@pytest.fixture
def folder(tmp_path):
    folder = transcribed(tmp_path / "in", *NAMES)
    (folder / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "silence.wav", [0.0] * 16_000, 16_000)
    return folder


def test_sure_transcripts_become_a_corpus(folder, tmp_path):
    rows, reasons = label_all(audio_files(folder), tmp_path / "out", LabelSettings("own", "CC0 1.0", least=0.3))
    assert reasons["unreadable audio"] == 1
    assert len(rows) + sum(reasons.values()) == len(NAMES) + 2
    lines = read_manifest(tmp_path / "out")
    assert lines
    for line in lines:
        assert (line.corpus, line.licence, line.split) == ("own", "CC0 1.0", "train")
        audio = (tmp_path / "out" / line.audio).resolve()
        right = normalise(TEXTS[audio.stem]).split()
        assert edit_distance(right, line.text.split()) <= len(right) / 2
        assert line.duration == pytest.approx(soundfile.info(audio).duration, abs=1e-2)


def test_another_threshold_needs_no_recogniser(folder, tmp_path, monkeypatch):
    found, out = audio_files(folder), tmp_path / "out"
    first, _ = label_all(found, out, LabelSettings("own", least=0.0))
    monkeypatch.setattr(label, "_hear", lambda *_, **__: pytest.fail("heard again"))
    edge = max(row["confidence"] for row in first)
    again, reasons = label_all(found, out, LabelSettings("own", least=edge))
    assert 1 <= len(again) < len(first)
    assert reasons[f"less sure than {edge:g}"] == len(first) - len(again)


def test_an_interrupted_run_goes_on(folder, tmp_path):
    found, settings = audio_files(folder), LabelSettings("own", least=0.0)
    label_all(found, tmp_path / "out", settings)
    whole = (tmp_path / "out" / HEARD).read_text()
    (tmp_path / "out" / HEARD).write_text(whole[: whole.index("\n") + 20])
    label_all(found, tmp_path / "out", settings)
    assert (tmp_path / "out" / HEARD).read_text() == whole


def test_another_bundles_folder_is_refused(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / HEARD).write_text(json.dumps({"audio": "x", "model": "other"}) + "\n")
    with pytest.raises(ConfigError, match="another bundle"):
        label_all(audio_files(folder), tmp_path / "out", LabelSettings("own"))


def test_nothing_sure_says_what_to_do(folder, tmp_path):
    with pytest.raises(DataError, match="sure of none of 1 recordings") as error:
        label_all([folder / "silence.wav"], tmp_path / "out", LabelSettings("own"))
    assert "--least" in error.value.fix


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"seconds": 3, "text": "turn it off", "confidence": 0.8}, ""),
        ({"seconds": 3, "text": "turn it off", "confidence": 0.79}, "less sure than 0.8"),
        ({"seconds": 3, "text": "turn off", "confidence": 1.0}, "of fewer than 3 words"),
        ({"seconds": 18, "text": "turn it off", "confidence": 1.0}, "longer than 17 s"),
        ({"reason": "unreadable audio"}, "unreadable audio"),
    ],
)
def test_why_a_recording_goes(row, reason):
    assert objection(row, LabelSettings("own")) == reason


def test_the_command_leaves_transcribed_recordings_out(folder, tmp_path, monkeypatch, capsys):
    known = tmp_path / "known"
    known.mkdir()
    line = {"audio": "../in/river.wav", "text": "x", "duration": 2.0, "corpus": "known"}
    (known / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "skip.txt").write_text("owner/name\tbedroom\tfor a reason\n")
    arguments = ["label", folder, "--out", tmp_path / "out", "--least", "0.3", "--without", known]
    arguments += ["--skip", tmp_path / "skip.txt", "--repository", "owner/name"]
    monkeypatch.setattr(sys, "argv", ["asr-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert "1 of 3 recordings" in capsys.readouterr().err
    assert [row.audio for row in read_manifest(tmp_path / "out")] == ["../in/kitchen_light.wav"]
