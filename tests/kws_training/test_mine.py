"""Words are cut where they are said: frames by hand, synthetic speech, and a run that was interrupted."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from kws_training import __main__ as command
from kws_training.mine import MineSettings, mine, summary
from kws_training.synthesis import Style, synthesise
from kws_training.word_tokens import WordToken, one_second, word_tokens
from voice.errors import ConfigError, DataError
from voice.events import RATE
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.models.commands import CommandsCnn
from voice.text import Alphabet

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
ALPHABET = Alphabet(("<blank>", " ", "a", "b"), 0)


def spelled(text):
    return [(word, ALPHABET.encode(word)) for word in text.split()]


def peaks(labels, probability=0.9):
    """Log-probabilities whose best path is `labels`."""
    rows = np.full((len(labels), len(ALPHABET)), (1 - probability) / (len(ALPHABET) - 1), np.float32)
    rows[np.arange(len(labels)), labels] = probability
    return np.log(rows)


def test_a_word_reaches_half_way_to_the_spaces_beside_it():
    frames = [0, 0, 2, 0, 0, 1, 0, 0, 3, 2, 0, 1, 0, 0, 2, 0, 0]  # "a", "ba", "a"
    first, middle, last = word_tokens(peaks(frames), ALPHABET, spelled("a ba a"), {"a", "ba"}, stride=1.0)
    assert (middle.word, middle.start, middle.end) == ("ba", (5 + 8) / 2, (10 + 11) / 2)
    assert (first.start, first.end) == (0, (3 + 5) / 2)  # it begins two frames before its letter
    assert (last.start, last.end) == ((11 + 14) / 2, 17)
    assert middle.score == pytest.approx(0.9)


def test_without_spaces_a_word_reaches_half_way_to_the_sounds_beside_it():
    phones = Alphabet(("<blank>", "AH", "B", "S"), 0)
    frames = [0, 1, 0, 0, 2, 1, 0, 3, 0]  # "a", "b a", "s"
    transcript = [("a", [1]), ("ba", [2, 1]), ("s", [3])]
    found = word_tokens(peaks(frames), phones, transcript, {"ba"}, stride=1.0)
    assert [(token.word, token.start, token.end) for token in found] == [("ba", (1 + 4) / 2, (6 + 7) / 2)]


def test_a_word_that_the_audio_does_not_hold_scores_low():
    found = word_tokens(peaks([0, 2, 2, 2, 0]), ALPHABET, spelled("b"), {"b"}, stride=0.04)
    assert found[0].score < 0.1
    assert word_tokens(peaks([0, 2]), ALPHABET, spelled("a b a"), {"b"}, stride=0.04) == []
    assert word_tokens(peaks([0, 2]), ALPHABET, spelled("a"), set(), stride=0.04) == []


def test_the_word_is_in_the_middle_of_its_second():
    samples = np.ones(3 * RATE, np.float32)
    clip = one_second(samples, WordToken("a", 1.0, 1.4, 0.9))
    heard = np.flatnonzero(clip > 0.5)
    assert len(clip) == RATE
    assert (heard[0] + heard[-1]) / 2 == pytest.approx(RATE / 2, abs=2)
    assert len(heard) == pytest.approx(0.4 * RATE, abs=0.011 * RATE)
    assert one_second(samples, WordToken("a", 1.0, 1.4, 0.9), neighbours=True).all()
    at_the_start = one_second(samples, WordToken("a", 0.0, 0.3, 0.9), neighbours=True)
    assert not at_the_start[: round(0.35 * RATE)].any()
    assert at_the_start[round(0.35 * RATE) :].all()


@pytest.fixture(scope="module")
def recogniser():
    return CtcRecognizer(load_bundle("asr-en"))


@pytest.fixture
def corpus(tmp_path):
    """Sentences of two synthetic voices whose word "left" or "yes" lies at a known place."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    rows = []
    for speaker, pitch in (("sp_1", 40), ("sp_2", 60)):
        for n, parts in enumerate((("turn to the", "left", "at the river"), ("he answered", "yes", "and went home"))):
            said = [synthesise(part, Style("espeak-ng:en-us", 140, pitch)) for part in parts]
            name = f"{speaker}-{n}.wav"
            soundfile.write(folder / name, np.concatenate(said), RATE)
            loud = np.flatnonzero(np.abs(said[1]) > 0.05 * np.abs(said[1]).max())  # the voice pauses behind a word
            place = {"start": (len(said[0]) + loud[0]) / RATE, "end": (len(said[0]) + loud[-1]) / RATE}
            rows.append({"audio": name, "text": " ".join(parts).title() + ".", "speaker": speaker, **place})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def mined_rows(out):
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@needs_espeak
def test_words_are_found_where_they_are_said(corpus, recogniser, tmp_path):
    out, settings = tmp_path / "out", MineSettings(("left", "yes", "stop"), least_score=0.0)
    mined = mine([corpus], out, settings, recogniser, CommandsCnn(load_bundle("commands-en")))
    rows = mined_rows(out)
    assert [row["audio"] for row in rows] == [
        f"{word}/sp-{n}_nohash_0.wav" for word in ("left", "yes") for n in (1, 2)
    ]  # fmt: skip
    truth = {
        f"corpus/{row['audio']}": row for row in map(json.loads, (corpus / "manifest.jsonl").read_text().splitlines())
    }
    for row in rows:
        true = truth[row["source"]]
        assert (row["start"] + row["end"]) / 2 == pytest.approx((true["start"] + true["end"]) / 2, abs=0.2)
        samples, rate = soundfile.read(out / row["audio"])
        assert (len(samples), rate) == (RATE, RATE)
        assert row["heard"] in load_bundle("commands-en").manifest.labels
    table = {row["word"]: row for row in summary(mined, settings.words)}
    assert (table["left"]["clips"], table["left"]["speakers"], table["stop"]["clips"]) == (2, 2, 0)
    assert mined.hours == pytest.approx(sum(len(soundfile.read(p)[0]) for p in corpus.glob("*.wav")) / RATE / 3600)


@needs_espeak
def test_an_interrupted_run_goes_on_to_the_same_clips(corpus, recogniser, tmp_path):
    settings = MineSettings(("left", "yes"), least_score=0.0)
    mine([corpus], tmp_path / "whole", settings, recogniser)
    mine([corpus], tmp_path / "cut", settings, recogniser)
    sources = tmp_path / "cut" / "sources.jsonl"
    lines = sources.read_text().splitlines(keepends=True)
    sources.write_text("".join(lines[:2]) + lines[2][:20])  # the power failed in the middle of a line
    (tmp_path / "cut" / "manifest.jsonl").unlink()
    before = (tmp_path / "cut" / "left" / "sp-1_nohash_0.wav").stat().st_mtime_ns
    mine([corpus], tmp_path / "cut", settings, recogniser)
    assert mined_rows(tmp_path / "cut") == mined_rows(tmp_path / "whole")
    assert sources.read_text() == (tmp_path / "whole" / "sources.jsonl").read_text()
    assert (tmp_path / "cut" / "left" / "sp-1_nohash_0.wav").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="begun with another least_score"):
        mine([corpus], tmp_path / "cut", MineSettings(("left", "yes"), least_score=0.4), recogniser)


@needs_espeak
def test_filters(corpus, recogniser, tmp_path):
    none = mine([corpus], tmp_path / "a", MineSettings(("left",), least_score=1.0), recogniser)
    assert none.rows == []
    one = mine([corpus], tmp_path / "b", MineSettings(("left",), least_score=0.0, at_most=1), recogniser)
    assert len(one.rows) == 1
    with pytest.raises(DataError, match="split test"):
        mine([corpus], tmp_path / "c", MineSettings(("left",), split="test"), recogniser)


@needs_espeak
def test_an_unreadable_recording_is_told(corpus, tmp_path, monkeypatch, capsys):
    (corpus / "sp_1-0.wav").write_bytes(b"no audio")
    arguments = ["--words", "left", "--manifest", str(corpus / "manifest.jsonl"), "--least-score", "0", "--json"]
    monkeypatch.setattr("sys.argv", ["kws-train", "mine", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "sp_1-0.wav" in said.err
    figures = json.loads(said.out)
    assert figures["words"][0]["clips"] == 1
    assert len(figures["unreadable"]) == 1


@pytest.mark.parametrize("word", ["Yes", "turn on", "", "5"])
def test_what_is_no_word_is_refused(word, recogniser, tmp_path):
    with pytest.raises(ConfigError, match="no word in small letters"):
        mine([tmp_path], tmp_path / "out", MineSettings((word,)), recogniser)


def test_a_manifest_that_is_none(recogniser, tmp_path):
    with pytest.raises(DataError, match=r"manifest\.jsonl"):
        mine([tmp_path], tmp_path / "out", MineSettings(("yes",)), recogniser)
    (tmp_path / "manifest.jsonl").write_text('{"text": "yes"}\n')
    with pytest.raises(DataError, match="without `audio`"):
        mine([tmp_path], tmp_path / "out", MineSettings(("yes",)), recogniser)
    with pytest.raises(ConfigError, match="two manifests"):
        mine([tmp_path, tmp_path / "manifest.jsonl"], tmp_path / "out", MineSettings(("yes",)), recogniser)
