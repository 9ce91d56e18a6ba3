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


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("lights", "L AY T S"),
        ("light's", "L AY T S"),
        ("houses", "HH AW S IH Z"),
        ("doors'", "D AO R Z"),
        ("lighted", "L AY T IH D"),
        ("stopped", "S T AA P T"),
        ("stopping", "S T AA P IH NG"),
        ("housing", "HH AW S IH NG"),
        ("doorlight", "D AO R L AY T"),
        ("baking", "B EY K IH NG"),
        ("globally", "G L OW B AH L IY"),
        ("happiest", "HH AE P IY AH S T"),
        ("unlighted", "AH N L AY T IH D"),
    ],
)
def test_an_unknown_word_is_said_as_its_parts_are(tmp_path, word, phones):
    path = tmp_path / "words.dict"
    words = ("light L AY1 T", "house HH AW1 S", "door D AO1 R", "stop S T AA1 P", "bake B EY1 K", "bak B AE1 K")
    path.write_text("\n".join((*words, "global G L OW1 B AH0 L", "happy HH AE1 P IY0")))
    assert Lexicon(path).said(word) == tuple(phones.split())


def test_nothing_is_made_up_of_less_than_words(lexicon):
    assert lexicon.said("onon") == ()
    assert lexicon.said("zzyzx") == ()
    assert lexicon.said("ons") == (), "of a word of two letters"
    assert lexicon.said("lightss") == (), "no plural"
