"""Phones of phrases; the synthesisers that are asked for unknown words are the machine's own."""

import shutil

import pytest

from kws_training import pronounce
from kws_training.pronounce import Pronouncer, from_ipa, installed_pronouncer
from tests.decoding.pronounced import write_pronunciations
from voice.decoding.phones import PHONES, installed_dictionary
from voice.decoding.pronounce import Pronunciations
from voice.errors import ConfigError, DataError

WORDS = {
    "hey": [("HH", "EY")],
    "luna": [("L", "UW", "N", "AH")],
    "tomato": [tuple("T AH M EY T OW".split()), tuple("T AH M AA T OW".split())],
    "four": [("F", "AO", "R")],
}


def spaced(phones):
    return " ".join(phones)


@pytest.fixture
def pronouncer():
    return Pronouncer(WORDS)


def without(monkeypatch, *programs):
    found = shutil.which
    monkeypatch.setattr(pronounce.shutil, "which", lambda name: None if name in programs else found(name))
    pronounce._guess.cache_clear()


def test_words_of_the_dictionary_need_no_synthesiser(pronouncer, monkeypatch):
    without(monkeypatch, "espeak-ng", "flite")
    said = pronouncer.pronounce("Hey,  Luna!")
    assert (said.text, spaced(said.phones), said.guessed) == ("hey luna", "HH EY L UW N AH", ())
    assert said.n_syllables == 3


def test_a_word_may_be_said_in_several_ways(pronouncer):
    assert [spaced(phones) for phones in pronouncer.pronounce("hey tomato").variants] == [
        "HH EY T AH M EY T OW",
        "HH EY T AH M AA T OW",
    ]
    assert len(pronouncer.pronounce("tomato " * 8).variants) == 16


def test_without_a_synthesiser_a_model_says_what_is_in_no_dictionary(monkeypatch, tmp_path):
    without(monkeypatch, "espeak-ng", "flite")
    any_word = Pronunciations(write_pronunciations(tmp_path / "lexicon.bin"))
    said = Pronouncer(WORDS, any_word).pronounce("hey sheeben")
    assert said.guessed == ("sheeben",)
    assert said.said[1] == any_word.ways("sheeben")
    assert spaced(said.phones).startswith("HH EY SH IY B")
    with pytest.raises(ConfigError, match="'bbc' can't be said"):
        Pronouncer(WORDS, any_word).pronounce("hey bbc")


def test_numbers_are_words(pronouncer):
    assert pronouncer.pronounce("tomato 4").words == ("tomato", "four")


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("word", "phones"), [("snowboy", "S N OW B OY"), ("nabu", "N AA B UW"), ("athena", "AE TH IY N AH")]
)
def test_unknown_words_are_said_as_espeak_says_them(pronouncer, monkeypatch, word, phones):
    without(monkeypatch, "flite")
    said = pronouncer.pronounce(f"hey {word}")
    assert (spaced(said.phones), said.guessed) == (f"HH EY {phones}", (word,))


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_unknown_words_are_said_as_flite_says_them_where_there_is_no_espeak(pronouncer, monkeypatch):
    without(monkeypatch, "espeak-ng")
    assert spaced(pronouncer.pronounce("snowboy").phones) == "S N OW B OY"


def test_an_unknown_word_without_a_synthesiser_says_what_to_install(pronouncer, monkeypatch):
    without(monkeypatch, "espeak-ng", "flite")
    with pytest.raises(DataError, match=r"'snowboy' is in no dictionary.*: `apt install espeak-ng flite festival`"):
        pronouncer.pronounce("hey snowboy")


@pytest.mark.parametrize(
    ("phrase", "error"),
    [
        ("", "nothing to say"),
        ("?!", "nothing to say"),
        ("你好", "nothing to say"),
        ("hey 你好", r"aren't English \(你 好\): write it as it sounds"),
        ("smørrebrød", r"aren't English \(ø\)"),
        ("hey " * 30, "a phrase of 120 characters: 100 at most"),
        ("hey xqzt", "'xqzt' can't be said.*letters apart"),
    ],
)
def test_what_can_not_be_said_is_an_error_of_one_line(pronouncer, phrase, error):
    with pytest.raises(ConfigError, match=error) as raised:
        pronouncer.pronounce(phrase)
    assert "\n" not in str(raised.value)


def test_ipa_becomes_arpabet_whatever_its_stress():
    assert spaced(from_ipa("dʒˈɑːɹvɪs")) == "JH AA R V IH S"
    assert spaced(from_ipa("ˌaʊɚ fˈaɪɚ bˈʌʔn̩ wˈɔːɾɚ")) == "AW ER F AY ER B AH T AH N W AO T ER"
    assert {phone for phones in pronounce._OF_IPA.values() for phone in phones.split()} == set(PHONES)


@pytest.mark.skipif(not installed_dictionary(), reason="pocketsphinx is not installed")
def test_the_installed_dictionary_knows_english():
    pronouncer = installed_pronouncer()
    assert spaced(pronouncer.pronounce("hey luna").phones) == "HH EY L UW N AH"
    assert spaced(pronouncer.pronounce("athena").phones) == "AH TH IY N AH"


def test_a_machine_without_a_dictionary_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pronounce, "installed_dictionary", lambda: None)
    installed_pronouncer.cache_clear()
    with pytest.raises(DataError, match=r"no pronunciation dictionary: pip install 'earshot\[train\]'"):
        installed_pronouncer()
