"""The command line: what it says when the call is wrong."""

import sys

import pytest

from asr_training.__main__ import main


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
    texts.write_text("slurp\tturn it on\n")
    assert call(monkeypatch, "synthesise", "--texts", texts, "--out", blocked / "out", "--clips", 1) == 1
    assert "free disk space or choose another folder" in capsys.readouterr().err
