"""What is said of a phrase before training."""

import shutil

import pytest

from kws_training import phrase_checks, written_speech
from kws_training.phrase_checks import RunningSpeech, check_phrase
from kws_training.pronounce import Pronouncer, installed_pronouncer
from voice.decoding.phones import installed_dictionary
from voice.errors import DataError

WORDS = {
    word: [tuple(phones.split())]
    for word, phones in {
        "stop": "S T AA P",
        "pub": "P AH B",
        "dust": "D AH S T",
        "op": "AA P",
        "hello": "HH AH L OW",
        "please": "P L IY Z",
        "computer": "K AH M P Y UW T ER",
        "computers": "K AH M P Y UW T ER Z",
        "commuter": "K AH M Y UW T ER",
        "hey": "HH EY",
    }.items()
}


@pytest.fixture
def pronouncer():
    return Pronouncer(WORDS)


def codes(report):
    return [warning.code for warning in report.warnings]


def test_occurrences_are_counted_inside_words_and_across_them_but_not_across_unknown_ones(pronouncer):
    texts = ["Please stop, stop!", "dust op", "dust gazpacho op", "computers please", "the commuter"]
    speech = RunningSpeech(texts, pronouncer, hours=2.0)
    said, alike = speech.rates(pronouncer.pronounce("stop"))
    assert (said.n, said.per_hour) == (3, 1.5)  # twice as a word, once as du-st op
    assert said.low < 1.5 < said.high
    assert alike.n >= said.n
    assert speech.rates(pronouncer.pronounce("computer"))[0].n == 1  # in "computers"


def test_hours_follow_from_the_number_of_words(pronouncer):
    assert RunningSpeech(["please stop"] * 4_500, pronouncer).hours == 1.0


def test_a_short_common_word_is_warned_of_with_the_rate_to_expect(pronouncer):
    speech = RunningSpeech(["please stop"] * 30, pronouncer, hours=10.0)
    report = check_phrase(pronouncer.pronounce("Stop"), speech)
    assert codes(report) == ["one-syllable", "common"]
    assert report.expected_per_hour == 3.0
    assert "has one syllable, 4 phones; running speech holds it 3 times an hour (30 in 10 h" in report.warnings[0].text
    assert "expect some 3 false accepts an hour" in report.warnings[0].text
    assert "say more, as in 'hey stop'" in report.warnings[0].text


def test_a_word_of_few_phones_is_short_though_it_is_rare(pronouncer):
    report = check_phrase(pronouncer.pronounce("hello"), RunningSpeech(["please stop"], pronouncer, hours=10.0))
    assert codes(report) == ["short"]
    assert "has only 4 phones" in report.warnings[0].text


def test_a_phrase_that_is_too_long_is_warned_of(pronouncer):
    assert codes(check_phrase(pronouncer.pronounce("please hey stop computer hello"))) == ["long"]


def test_a_good_phrase_gives_no_warning(pronouncer):
    speech = RunningSpeech(["please stop"] * 30, pronouncer, hours=10.0)
    report = check_phrase(pronouncer.pronounce("hey computer"), speech)
    assert (report.warnings, report.expected_per_hour) == ((), 0.0)


@pytest.mark.skipif(not installed_dictionary(), reason="pocketsphinx is not installed")
def test_without_transcripts_the_text_of_the_language_model_is_searched(pronouncer):
    """4.9 times an hour in 15.7 h of the data pack's transcripts."""
    report = check_phrase(pronouncer.pronounce("stop"))
    assert report.alike is None
    assert 2.5 < report.expected_per_hour < 10
    assert codes(report) == ["one-syllable", "common"]
    assert "expect some 5.5 false accepts an hour while people talk" in report.warnings[0].text
    assert codes(check_phrase(pronouncer.pronounce("hey computer"))) == []


def test_sounds_are_found_inside_words_and_across_two(pronouncer, monkeypatch):
    monkeypatch.setattr(
        written_speech, "shipped_rates", lambda: {"stop": 4e5, "dust": 3e5, "op": 2e5, "computers": 1e5}
    )
    pairs = [("dust", "op", 0.25), ("stop", "op", 0.5), ("op", "dust", 0.25)]
    monkeypatch.setattr(written_speech, "shipped_pairs", lambda: pairs)
    text = written_speech.WrittenSpeech(pronouncer)
    assert text.times_an_hour(pronouncer.pronounce("stop").variants, 0.1) == pytest.approx(9000 * (0.4 + 0.25))
    assert text.times_an_hour(pronouncer.pronounce("computer").variants, 0.1) == pytest.approx(900)


def test_without_any_dictionary_there_is_no_estimate(pronouncer, monkeypatch):
    def none():
        raise DataError("there is no pronunciation dictionary")

    monkeypatch.setattr(phrase_checks, "written_speech", none)
    report = check_phrase(pronouncer.pronounce("stop"))
    assert report.expected_per_hour is None
    assert report.warnings[0].text == "'stop' has one syllable, 4 phones: say more, as in 'hey stop'"


@pytest.mark.skipif(
    not installed_dictionary() or not shutil.which("espeak-ng"), reason="pocketsphinx or espeak-ng is not installed"
)
def test_a_guessed_pronunciation_is_said():
    pronouncer = installed_pronouncer()
    report = check_phrase(pronouncer.pronounce("hey zabu"))
    assert codes(report) == ["guessed"]
    assert "'zabu' is in no dictionary and taken as Z-" in report.warnings[0].text
