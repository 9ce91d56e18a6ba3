"""Every transcribed utterance of a split is measured, however long or fast."""

import json

import pytest

from asr_training.evaluate import _of_split, with_split
from voice.errors import DataError


def _corpus(folder, *entries):
    folder.mkdir(parents=True)
    base = {"audio": "a.flac", "corpus": folder.name}
    (folder / "manifest.jsonl").write_text("".join(json.dumps({**base, **entry}) + "\n" for entry in entries))


def test_the_filters_of_training_do_not_flatter_the_figures(tmp_path):
    long, fast = (
        {"text": "a", "duration": 99, "split": "dev"},
        {"text": "far too fast", "duration": 0.1, "split": "dev"},
    )
    _corpus(tmp_path / "one", long, fast, {"text": None, "duration": 1, "split": "dev"})
    assert [utterance.text for _, utterance in _of_split(tmp_path, "dev")] == ["a", "far too fast"]


def test_only_corpora_with_the_split_are_measured(tmp_path):
    _corpus(tmp_path / "one", {"text": "a", "duration": 1, "split": "dev"})
    _corpus(tmp_path / "two", {"text": "a", "duration": 1})
    assert with_split(tmp_path, "dev") == [tmp_path / "one"]
    with pytest.raises(DataError, match="'test'"):
        with_split(tmp_path, "test")
