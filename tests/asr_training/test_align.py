"""Forced alignment of recordings, with the shipped recogniser."""

import json
import sys

import numpy as np
import pytest
import soundfile

from asr_training.__main__ import main
from asr_training.align import Aligner, AlignSettings, align_all, summary
from asr_training.long_audio import log_probs_of
from asr_training.prepare import read_audio
from asr_training.transcribed import recordings
from tests.asr_training.speech import FOLDER, TEXTS, transcribed
from tests.asr_training.test_textgrid import read
from voice.errors import ConfigError, DataError
from voice.events import Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.text import normalise

SAID = CtcRecognizer(load_bundle("asr-en")).speller


@pytest.fixture(scope="module")
def aligner():
    return Aligner(AlignSettings())


def test_a_folder_becomes_textgrids_json_and_a_list(tmp_path):
    folder = transcribed(tmp_path / "in", "kitchen_light", "river")
    rows = align_all(recordings(folder), tmp_path / "out", AlignSettings())
    assert [row["name"] for row in rows] == ["kitchen_light", "river"]
    for row in rows:
        assert row["score"] > 0.2
        found = json.loads((tmp_path / "out" / f"{row['name']}.json").read_text())
        words = normalise(TEXTS[row["name"]]).split()
        assert [word["text"] for word in found["words"]] == words
        assert [span["text"] for span in found["phones"]] == [phone for word in words for phone in SAID.ways(word)[0]]
        tiers = read((tmp_path / "out" / f"{row['name']}.TextGrid").read_text())
        assert [text for _, _, text in tiers["words"] if text] == words
        assert tiers["phones"][-1][1] == tiers["words"][-1][1] == pytest.approx(found["seconds"], abs=1e-3)
    assert len((tmp_path / "out" / "alignment.jsonl").read_text().splitlines()) == 2


def test_a_word_is_found_where_it_was_put(tmp_path, aligner):
    """A second of silence before the recording moves every word by a second."""
    samples = read_audio(FOLDER / "kitchen_light.flac", 16_000)
    later = np.concatenate([np.zeros(16_000, np.float32), samples])
    text = TEXTS["kitchen_light"]
    first, second = (aligner.align(log_probs_of(aligner.recogniser, x), text) for x in (samples, later))
    for a, b in zip(first.words[1:], second.words[1:], strict=True):
        assert b.start - a.start == pytest.approx(1.0, abs=0.1)


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    folder = transcribed(tmp_path / "in", "kitchen_light", "river", "bedroom")
    whole = align_all(recordings(folder), tmp_path / "whole", AlignSettings())
    out = tmp_path / "out"
    align_all(recordings(folder)[:2], out, AlignSettings())
    with (out / "alignment.jsonl").open("a") as log:
        log.write('{"audio": "../in/bed')
    (out / "bedroom.json").unlink(missing_ok=True)
    (out / "kitchen_light.json").unlink()
    resumed = align_all(recordings(folder), out, AlignSettings())
    assert [row["score"] for row in resumed] == [row["score"] for row in whole]
    assert (out / "river.json").is_file()
    assert not (out / "kitchen_light.json").exists(), "it was not aligned again"
    (folder / "river.txt").write_text("something else")
    changed = align_all(recordings(folder), out, AlignSettings())
    assert changed[2]["text"] == "something else"
    assert changed[2]["score"] < 0.2 < whole[2]["score"]


def test_several_processes_find_the_same(tmp_path):
    folder = transcribed(tmp_path / "in", "kitchen_light", "river")
    one = align_all(recordings(folder), tmp_path / "one", AlignSettings())
    two = align_all(recordings(folder), tmp_path / "two", AlignSettings(), jobs=2)
    assert one == two


def test_what_cannot_be_aligned_is_said_and_the_rest_goes_on(tmp_path):
    folder = transcribed(tmp_path / "in", "kitchen_light", "river", "bedroom")
    soundfile.write(folder / "tiny.wav", np.zeros(1600), 16_000)
    (folder / "tiny.txt").write_text("a tenth of a second")
    (folder / "broken.wav").write_bytes(b"RIFF nonsense")
    (folder / "broken.txt").write_text("hello")
    (folder / "river.txt").write_text("\u5317\u4eac")
    (folder / "bedroom.txt").write_text("?!")
    rows = align_all(recordings(folder), tmp_path / "out", AlignSettings())
    said = []
    summary(rows, said.append)
    assert {row["name"]: row.get("reason") for row in rows} == {
        "bedroom": "no words in the transcript",
        "broken": "unreadable audio",
        "kitchen_light": None,
        "river": "letters outside the alphabet: \u4eac \u5317",
        "tiny": "too short for its transcript",
    }
    assert said[0].startswith("1 recordings aligned")
    assert "1 not aligned: unreadable audio" in said


def test_another_bundle_does_not_go_on_with_a_folder(tmp_path):
    folder = transcribed(tmp_path / "in", "kitchen_light")
    align_all(recordings(folder), tmp_path / "out", AlignSettings())
    (tmp_path / "out" / "bundle.txt").write_text("other 123\n")
    with pytest.raises(ConfigError, match="another bundle"):
        align_all(recordings(folder), tmp_path / "out", AlignSettings())


def test_a_full_disk_is_one_line(tmp_path):
    folder = transcribed(tmp_path / "in", "kitchen_light")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kitchen_light.json").symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device: free disk space and run it again"):
        align_all(recordings(folder), tmp_path / "out", AlignSettings())


def test_a_long_recording_is_heard_in_windows(aligner):
    samples = read_audio(FOLDER / "story.flac", 16_000)
    assert len(samples) > 30 * 16_000
    recogniser = aligner.recogniser
    whole, parts = recogniser.log_probs(Segment(samples, 0)), log_probs_of(recogniser, samples)
    assert parts.shape == whole.shape
    assert (parts.argmax(1) == whole.argmax(1)).mean() > 0.9
    found = aligner.align(parts, TEXTS["story"])
    assert len(found.words) == len(normalise(TEXTS["story"]).split())
    assert found.score > 0.2


class TestSources:
    def test_one_recording_and_its_text(self, tmp_path):
        folder = transcribed(tmp_path, "river")
        (given,) = recordings(folder / "river.wav", text="other words")
        (beside,) = recordings(folder / "river.wav")
        assert (given.text, beside.text, beside.name) == ("other words", TEXTS["river"], "river")

    def test_a_recording_without_a_text_says_what_to_do(self, tmp_path):
        (transcribed(tmp_path, "river") / "river.txt").unlink()
        with pytest.raises(DataError, match=r"river\.wav: no transcript: give --text, or write river\.txt"):
            recordings(tmp_path / "river.wav")

    def test_manifests_of_several_corpora(self, corpus):
        found = recordings(corpus)
        assert len(found) == 24
        assert found[0].name == "tones/0"

    def test_lines_of_json(self, tmp_path):
        folder = transcribed(tmp_path, "river")
        (folder / "list.jsonl").write_text(json.dumps({"key": "/gone/river.wav", "text": "one", "duration": 4}))
        (found,) = recordings(folder / "list.jsonl")
        assert (found.audio, found.text) == (folder / "river.wav", "one")

    def test_a_name_never_leaves_the_output_folder(self, tmp_path):
        folder = transcribed(tmp_path / "audio", "river")
        (tmp_path / "list").mkdir()
        line = {"audio": "../audio/river.wav", "text": "one", "duration": 4, "corpus": "c"}
        (tmp_path / "list" / "manifest.jsonl").write_text(json.dumps(line))
        (found,) = recordings(tmp_path / "list")
        assert found.name == "list/audio/river"
        assert found.audio.resolve() == folder / "river.wav"


def test_the_command_line(monkeypatch, capsys, tmp_path):
    arguments = ["align", FOLDER / "river.flac", "--text", TEXTS["river"], "--out", tmp_path, "--no-json"]
    monkeypatch.setattr(sys, "argv", ["asr-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "1 recordings aligned" in capsys.readouterr().err
    assert (tmp_path / "river.TextGrid").is_file()
    assert not (tmp_path / "river.json").exists()


def test_sixty_seconds_are_aligned_from_beginning_to_end(aligner):
    samples = np.tile(read_audio(FOLDER / "story.flac", 16_000), 2)
    found = aligner.align(log_probs_of(aligner.recogniser, samples), f"{TEXTS['story']} {TEXTS['story']}")
    half = len(found.words) // 2
    for first, second in zip(found.words[:half], found.words[half:], strict=True):
        assert second.text == first.text
        assert second.start - first.start == pytest.approx(len(samples) / 32_000, abs=0.25)
