"""The command line: what it says when the call is wrong."""

import json
import shutil
import sys

import numpy as np
import pytest
import soundfile

from asr_training.__main__ import main
from tests.asr_training.speech import transcribed
from voice.decoding.ngram import NGram, read_arrays
from voice.decoding.trie import Trie


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["asr-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_missing_data_folder_is_one_line(monkeypatch, capsys, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("seed: 1\n")
    code = call(monkeypatch, "prepare", "--data", tmp_path / "none", "--cache", tmp_path / "c", "--recipe", recipe)
    said = capsys.readouterr().err
    assert code == 1
    assert said.count("\n") == 1
    assert "no such folder" in said


def test_an_unknown_recipe_key_is_exit_2(monkeypatch, capsys, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("sed: 1\n")
    code = call(monkeypatch, "train", "--recipe", recipe, "--cache", tmp_path, "--run", tmp_path)
    assert code == 2
    assert "sed: unknown key" in capsys.readouterr().err


def test_single_words_become_a_corpus(monkeypatch, capsys, tmp_path):
    commands = tmp_path / "commands"
    (commands / "yes").mkdir(parents=True)
    for name in ("a_nohash_0.wav", "b_nohash_0.wav"):
        (commands / "yes" / name).touch()
    (commands / "validation_list.txt").write_text("yes/a_nohash_0.wav\n")
    (commands / "testing_list.txt").write_text("")
    assert call(monkeypatch, "words", "--data", commands, "--out", tmp_path / "words") == 0
    lines = (tmp_path / "words" / "manifest.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert "b_nohash_0.wav" in lines[0]
    assert call(monkeypatch, "words", "--data", tmp_path, "--out", tmp_path / "words") == 1


def test_a_full_disk_is_one_line(monkeypatch, capsys, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    texts = tmp_path / "texts.tsv"
    texts.write_text("slurp\tturn it on\n" * 3)
    assert call(monkeypatch, "lm", "--text", texts, "--out", blocked / "lm.bin") == 1
    assert "free disk space or choose another place" in capsys.readouterr().err
    if any(shutil.which(program) for program in ("espeak-ng", "flite", "festival")):
        assert call(monkeypatch, "synthesise", "--texts", texts, "--out", blocked / "out", "--clips", 1) == 1
        assert "free disk space or choose another folder" in capsys.readouterr().err


def test_a_language_model_is_made_from_texts_and_converted_from_arpa(monkeypatch, capsys, tmp_path):
    (tmp_path / "home.txt").write_text("turn on the light\nturn off the light\nturn it off\n" * 3)
    (tmp_path / "more.tsv").write_text("mine\tSet 2 timers.\n" * 3)
    texts = ("--text", tmp_path / "home.txt", "--text", tmp_path / "more.tsv")
    out, arpa = tmp_path / "lm" / "language.bin", tmp_path / "lm.arpa"
    assert call(monkeypatch, "lm", *texts, "--out", out, "--arpa", arpa) == 0
    assert "12 sentences" in capsys.readouterr().err
    model = NGram(read_arrays(out))
    assert "two" in model.words
    assert json.loads(out.with_suffix(".json").read_text())[0]["name"] == "home"
    assert call(monkeypatch, "lm", "--from-arpa", arpa, "--out", tmp_path / "again.bin") == 0
    again = NGram(read_arrays(tmp_path / "again.bin"))
    assert again.score(["turn", "it"]) == pytest.approx(model.score(["turn", "it"]), abs=0.02)


def test_a_language_model_needs_text(monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "lm", "--out", tmp_path / "x.bin") == 1
    assert "give --text or --data" in capsys.readouterr().err
    assert call(monkeypatch, "lm", "--text", tmp_path / "none.txt", "--out", tmp_path / "x.bin") == 1
    assert "none.txt" in capsys.readouterr().err


def test_a_corpus_in_a_standard_layout_gets_a_manifest(monkeypatch, capsys, tmp_path):
    soundfile.write(tmp_path / "84-1-0000.flac", np.zeros(16_000), 16_000)
    (tmp_path / "84-1.trans.txt").write_text("84-1-0000 HELLO THERE\n")
    layout = ("--layout", "librispeech", "--out", tmp_path / "made", "--licence", "CC BY 4.0")
    assert call(monkeypatch, "import", tmp_path, *layout) == 0
    assert "1 of 1 recordings" in capsys.readouterr().err
    (line,) = (tmp_path / "made" / "manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["audio"] == "../84-1-0000.flac"


def test_from_a_folder_of_recordings_to_a_cache_that_trusts_its_alignments(monkeypatch, capsys, tmp_path):
    """import, align, prepare and split, as the README has them."""
    folder = transcribed(tmp_path / "mine", "kitchen_light", "river", "bedroom", suffix="flac")
    (folder / "bedroom.txt").write_text("quite another sentence than this")
    (folder / "lost.txt").write_text("no recording")
    soundfile.write(folder / "untold.wav", np.zeros(8000), 16_000)
    recipe, corpus = tmp_path / "r.yaml", tmp_path / "corpora" / "mine"
    recipe.write_text("features: {window: 400, mels: 80, f_max: 7600.0}\nfilters: {alignment: 0.1}\n")
    assert call(monkeypatch, "import", folder, "--layout", "text-files", "--out", corpus, "--dev", 0.5) == 0
    assert call(monkeypatch, "align", tmp_path / "corpora", "--out", tmp_path / "aligned", "--no-textgrid") == 0
    prepare = ("prepare", "--data", tmp_path / "corpora", "--cache", tmp_path / "cache", "--recipe", recipe)
    assert call(monkeypatch, *prepare, "--alignments", tmp_path / "aligned") == 0
    said = capsys.readouterr().err
    assert f"{corpus}: 3 of 3 recordings" in said
    assert "1 x transcript without audio, the first lost" in said
    assert "1 x audio without transcript" in said
    assert "3 recordings aligned" in said
    assert "mine: 2 utterances" in said
    assert "1 whose alignment scores below 0.1" in said
    assert (tmp_path / "aligned" / "mine").is_dir()
    left_out = [json.loads(line)["name"] for line in (corpus / "left_out.jsonl").read_text().splitlines()]
    assert left_out[0] == "lost"
    story = transcribed(tmp_path / "long", "story")
    assert call(monkeypatch, "split", story, "--out", tmp_path / "pieces", "--longest", 9, "--by", "level") == 0
    assert call(monkeypatch, "split", story, "--out", tmp_path / "pieces", "--by", "magic") == 2
    assert "pieces of 1 recordings" in capsys.readouterr().err


def test_a_picture_of_a_recording(monkeypatch, capsys, tmp_path):
    folder = transcribed(tmp_path, "river")
    assert call(monkeypatch, "plot", folder / "river.wav", "--out", tmp_path / "plots") == 0
    assert "posteriors.png" in capsys.readouterr().err
    assert len(list((tmp_path / "plots").glob("*.png"))) == 5


def test_a_language_model_of_phones_and_one_of_order_four(monkeypatch, capsys, tmp_path):
    (tmp_path / "home.txt").write_text("turn on the light\nturn off the lights\nturn it off too\n" * 3)
    (tmp_path / "d.dict").write_text("turn T ER N\non AA N\nthe DH AH\nthe(2) DH IY\nlight L AY T\nit IH T\ntoo T UW\n")
    (tmp_path / "r.yaml").write_text("units: phones\n")
    call_lm = ("lm", "--text", tmp_path / "home.txt", "--out", tmp_path / "lm.bin", "--order", 4)
    assert call(monkeypatch, *call_lm, "--recipe", tmp_path / "r.yaml", "--lexicon", tmp_path / "d.dict") == 0
    assert "7 words can be recognised" in capsys.readouterr().err, (
        "lights is light and a plural; off is in no dictionary"
    )
    arrays = read_arrays(tmp_path / "lm.bin")
    model, trie = NGram(arrays), Trie.of(arrays)
    assert model.order == 4
    assert len(trie.spelling(model.index["lights"])) == 4
    assert call(monkeypatch, *call_lm, "--order", 5) == 2
    assert call(monkeypatch, "lm", "--text", tmp_path / "home.txt", "--out", tmp_path / "x.bin", "--min-count", 1) == 0
