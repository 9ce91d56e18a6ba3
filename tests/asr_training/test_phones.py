"""Pronunciations."""

import pytest

from asr_training.phones import PHONES, Lexicon
from voice.errors import DataError


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text("# comment\nlight L AY1 T\nlight(2) L IH1 T\non AA1 N # preposition\n")
    return Lexicon(path)


def test_a_text_is_spelt_in_phones_without_stress(lexicon):
    labels = lexicon.labels("light on")
    assert [PHONES[label - 1] for label in labels] == ["L", "AY", "T", "AA", "N"]


def test_a_text_with_an_unknown_word_has_none(lexicon):
    assert lexicon.labels("light off") == []


def test_bad_dictionaries_are_named(tmp_path):
    with pytest.raises(DataError, match=r"missing\.dict"):
        Lexicon(tmp_path / "missing.dict")
    bad = tmp_path / "bad.dict"
    bad.write_text("light L EI T\n")
    with pytest.raises(DataError, match="unknown phone"):
        Lexicon(bad)
