"""The table of bundles: size, memory, speed and error rate side by side."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_training import footprint as measuring
from asr_training.benchmark import benchmark, markdown, write_tables
from voice.errors import DataError
from voice.models.bundle import load_bundle


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "data" / "noise_with_words"
    folder.mkdir(parents=True)
    soundfile.write(folder / "a.wav", 0.05 * np.random.default_rng(1).standard_normal(40_000), 16_000)
    line = {"audio": "a.wav", "text": "turn on the light", "duration": 2.5, "corpus": "c", "split": "dev"}
    (folder / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    return folder.parent


def test_every_bundle_and_decoder_has_a_row_with_what_it_costs(corpus, tmp_path):
    said = []
    rows = benchmark([load_bundle("asr-en")], [corpus], ["dev"], limit=None, peer=None, say=said.append)
    assert [row["system"] for row in rows] == ["words", "lexicon"]
    for row in rows:
        assert row["parameters"] == load_bundle("asr-en").manifest.training.parameters
        assert 20 < row["rss_mib"] < 2000
        assert 0 < row["network_real_time_factor"] < row["real_time_factor"]
        assert row["wer"] >= 0
    table = write_tables(tmp_path / "out", rows).read_text()
    assert table.count("| asr-en |") == 2
    assert "noise_with_words, split dev, 1 utterances" in table
    assert len((tmp_path / "out" / "benchmark.csv").read_text().splitlines()) == 3
    assert markdown(rows) in table
    (tmp_path / "blocked").touch()
    with pytest.raises(DataError, match="choose another folder"):
        write_tables(tmp_path / "blocked", rows)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs /proc")
def test_the_memory_is_that_of_the_other_process_and_not_of_this_one(corpus):
    large = np.ones(300 << 17)  # 300 MiB here
    found = measuring.footprint("asr-en", corpus / "noise_with_words" / "a.wav")
    assert large.sum() > 0
    assert 30 < found["rss_mib"] < 250


def test_a_process_that_fails_is_one_line(tmp_path):
    with pytest.raises(DataError, match="nosuch"):
        measuring.footprint("nosuch", tmp_path / "a.wav")
