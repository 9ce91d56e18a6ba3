"""Transcript text: what training, scoring and run time agree on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.errors import ConfigError
from voice.text import ENGLISH_CHARACTERS, Alphabet, edit_distance, foreign_letters, normalise, number_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Turn ON the light!", "turn on the light"),
        ("It\u2019s  5 o'clock.", "it's five o'clock"),
        ("Caf\u00e9 na\u00efve", "cafe naive"),
        ("50% of R&B", "fifty percent of r and b"),
        ("1,250 metres", "one thousand two hundred fifty metres"),
        ("on the 21st, at 7:30", "on the twenty first at seven thirty"),
        ("the 12th, 5th, 100th and 1,000th", "the twelfth fifth one hundredth and one thousandth"),
        ("at 7:05 or 11:00", "at seven oh five or eleven o'clock"),
        ("3.14 and -5 and 10-20", "three point one four and minus five and ten twenty"),
        (
            "$1, \u00a33.50, \u20ac1,200.01",
            "one dollar three pounds and fifty pence one thousand two hundred euros and one cent",
        ),
        ("agent 007", "agent zero zero seven"),
        ("Mr. and Mrs Smith's Dr.", "mister and missus smith's doctor"),
        ("Stra\u00dfe, \u0152uvre, Troms\u00f8", "strasse oeuvre tromso"),
        ("'quoted' - text", "'quoted' text"),
        ("' ' '", ""),
        ("\u5317\u4eac", ""),
        ("", ""),
    ],
)
def test_normalise(written: str, spoken: str) -> None:
    assert normalise(written) == spoken


def test_letters_of_other_scripts_are_found():
    assert foreign_letters("Caf\u00e9, Stra\u00dfe 5") == set()
    assert foreign_letters("\u5317\u4eac in May") == {"\u5317", "\u4eac"}
    assert foreign_letters("\u043a\u043e\u0442") == {"\u043a", "\u043e", "\u0442"}


GERMAN = (" ", *"abcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00fc\u00df")


def test_another_alphabet_keeps_its_letters_and_spells_no_numbers():
    assert (
        normalise("Stra\u00dfe, \u00dcber A\u0308pfel & Caf\u00e9!", GERMAN) == "stra\u00dfe \u00fcber \u00e4pfel cafe"
    )
    assert foreign_letters("\u00dcber \u0141\u00f3d\u017a", GERMAN) == set()
    assert foreign_letters("um 7 \u5317", GERMAN) == {"7", "\u5317"}
    assert normalise("um 7", GERMAN) == "um"


@given(st.text())
def test_another_alphabets_text_stays_as_it_is(text):
    once = normalise(text, GERMAN)
    assert set(once) <= set(GERMAN)
    assert normalise(once, GERMAN) == once


@given(st.text() | st.text(alphabet="0123456789.,:-$\u00a3stndrhm ' "))
def test_normalised_text_has_only_labels_and_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert set(once) <= set(ENGLISH_CHARACTERS)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (21, "twenty one"),
        (40, "forty"),
        (100, "one hundred"),
        (125, "one hundred twenty five"),
        (1_000, "one thousand"),
        (2_024, "two thousand twenty four"),
        (1_000_001, "one million one"),
        (-7, "minus seven"),
        (10**12, "one " + " ".join(["zero"] * 12)),
    ],
)
def test_number_words(number: int, words: str) -> None:
    assert number_words(number) == words


@given(st.integers(0, 10**13))
def test_number_words_need_no_other_label(number: int) -> None:
    assert normalise(number_words(number)) == number_words(number)


@given(st.text(alphabet=ENGLISH_CHARACTERS[1:]))
def test_decode_undoes_encode(text: str) -> None:
    alphabet = Alphabet()
    assert alphabet.decode(alphabet.encode(text)) == text


def test_blanks_are_left_out_and_repeats_kept() -> None:
    assert Alphabet(("_", "a", "b")).decode([0, 1, 1, 0, 2]) == "aab"


def test_a_character_without_label_is_named() -> None:
    with pytest.raises(ConfigError, match="no label for"):
        Alphabet().encode("caf\u00e9")


def test_an_alphabet_is_checked() -> None:
    with pytest.raises(ConfigError, match="stands twice"):
        Alphabet(("_", "a", "a"))
    with pytest.raises(ConfigError, match="blank index 5"):
        Alphabet(("_", "a"), blank=5)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "distance"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)],
)
def test_edit_distance(reference: str, hypothesis: str, distance: int) -> None:
    assert edit_distance(reference, hypothesis) == distance


@given(st.text(max_size=8), st.text(max_size=8))
def test_edit_distance_is_a_metric(left: str, right: str) -> None:
    distance = edit_distance(left, right)
    assert distance == edit_distance(right, left)
    assert (distance == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance <= max(len(left), len(right))
