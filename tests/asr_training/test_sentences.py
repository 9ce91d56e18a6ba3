"""Assistant sentences and synthetic voices."""

import numpy as np
import pytest

from asr_training.sentences import command, mixture, read_sentences, with_wake_word
from asr_training.synthesise import HELD_OUT, Utterance, _draw, distort
from voice.errors import DataError
from voice.text import Alphabet, normalise


def test_commands_are_normalised_and_varied():
    rng = np.random.default_rng(1)
    made = {command(rng) for _ in range(500)}
    assert len(made) > 250
    assert all(text == normalise(text) for text in made)
    assert all(Alphabet().encode(text) for text in made)


def test_lines_are_read_by_source(tmp_path):
    path = tmp_path / "texts.tsv"
    path.write_text("a\tWhat's the TIME?\na\tone\nb\tset 5 timers\n")
    assert read_sentences(path) == {"a": ["what's the time"], "b": ["set five timers"]}


def test_a_line_without_tabulator_is_named(tmp_path):
    path = tmp_path / "texts.tsv"
    path.write_text("a\tgood line\nbad line\n")
    with pytest.raises(DataError, match="line 2"):
        read_sentences(path)


def test_sources_without_sentences_are_an_error():
    with pytest.raises(DataError, match="no sentences"):
        next(mixture({}, {"a": 1.0}, np.random.default_rng(1)))


def test_half_the_sentences_begin_with_the_wake_word():
    rng = np.random.default_rng(1)
    starts = [with_wake_word("stop", rng).startswith("computer ") for _ in range(400)]
    assert 0.4 < np.mean(starts) < 0.6


def test_held_out_voices_are_never_drawn():
    rng = np.random.default_rng(1)
    engines = [("espeak-ng", 0.6), ("flite", 0.3), ("festival", 0.1)]
    voices = {_draw("stop", engines, rng).voice for _ in range(2000)}
    assert not voices & HELD_OUT
    assert len(voices) > 60


def test_a_pause_follows_the_wake_word_where_asked():
    assert Utterance("computer stop", "flite:kal", 1, 0, pause=True).spoken == "computer, stop"
    assert Utterance("computer stop", "flite:kal", 1, 0).spoken == "computer stop"


def test_distortion_keeps_full_scale_and_adds_silence():
    rng = np.random.default_rng(1)
    clip = 0.5 * np.sin(np.arange(8000) / 5).astype(np.float32)
    for _ in range(20):
        altered = distort(clip, rng)
        assert len(altered) > len(clip)
        assert np.abs(altered).max() <= 1
        assert np.all(np.isfinite(altered))
