"""How any word is said: dictionary, rules, letters, and the model."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decoding.pronounced import regular_words, write_pronunciations
from voice.decoding.ngram import read_arrays, write_arrays
from voice.decoding.phones import PHONES
from voice.decoding.pronounce import MAX_PRONUNCIATIONS, Pronunciations
from voice.errors import BundleError

HELD_OUT = frozenset({"shen", "kit", "box", "meep", "dack", "feex"})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pronunciations(tmp_path_factory.mktemp("lexicon") / "lexicon.bin", HELD_OUT)


@pytest.fixture(scope="module")
def said(path: Path) -> Pronunciations:
    return Pronunciations(path)


def usual(said: Pronunciations, word: str) -> str:
    return " ".join(said.ways(word)[0])


def test_words_of_the_dictionary_are_said_as_it_has_them(said: Pronunciations) -> None:
    words = {word: ways for word, ways in regular_words().items() if word not in HELD_OUT}
    assert len(said) == len(words)
    assert {word: list(said.ways(word)) for word in words} == words
    assert said.known("") == said.known("zzz") == said.known("aa") == said.known("toma") == []


def test_words_made_of_known_ones_are_said_by_rule(said: Pronunciations) -> None:
    assert usual(said, "lights") == "L AY T S"
    assert usual(said, "houses") == "HH AW S IH Z"
    assert usual(said, "lighthouse") == "L AY T HH AW S"
    assert [way[-2:] for way in said.ways("tomatoes")[:2]] == [("OW", "Z")] * 2
    assert usual(said, "shenit's") == f"{usual(said, 'shenit')} S"
    assert usual(said, "lights'") == "L AY T S"


def test_words_that_no_one_can_say_are_spelt(said: Pronunciations) -> None:
    assert usual(said, "bbc") == "B IY B IY S IY"
    assert usual(said, "w") == "D AH B AH L Y UW"
    assert usual(said, "tv's") == "T IY V IY Z"
    assert usual(said, "bs") == "B IY EH S"
    assert said.ways("a") == (("AH",), ("EY",)), "as the dictionary has it"


@pytest.mark.parametrize("word", sorted(HELD_OUT))
def test_the_model_has_learnt_how_letters_are_said(said: Pronunciations, word: str) -> None:
    assert said.known(word) == []
    assert said.ways(word)[0] == regular_words()[word][0]


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=40))
def test_every_word_is_said_in_known_phones(said: Pronunciations, word: str) -> None:
    ways = said.ways(word)
    assert 1 <= len(ways) <= MAX_PRONUNCIATIONS
    assert len(set(ways)) == len(ways)
    assert all(way and set(way) <= set(PHONES) for way in ways)


@pytest.mark.parametrize("word", ["re" * 3000 + "'s" * 3000, "light" * 500, "x" * 5000, "'", "''s", "s'", "'s's"])
def test_odd_words_are_said_too(said: Pronunciations, word: str) -> None:
    assert all(said.ways(word))


@given(st.text(max_size=12))
def test_what_is_no_word_is_said_somehow(said: Pronunciations, word: str) -> None:
    assert all(said.ways(word))


def test_many_words_at_once_are_said_as_each_alone(path: Path, said: Pronunciations) -> None:
    words = ["sheenick", "sheenick's", "sheenicks'", "lights", "bbc", "x", "shen", "tomato's", "q" * 70, "''s", "s's's"]
    together = Pronunciations(path)
    together.prepare(words)
    assert {word[:64] for word in words} == together._said.keys(), "nothing is left to find"
    assert [together.ways(word) for word in words] == [said.ways(word) for word in words]


def test_the_same_file_says_the_same(path: Path, said: Pronunciations) -> None:
    again = Pronunciations(path)
    for word in ("sheepdom", "tolilen", "x'ees"):
        assert again.ways(word) == said.ways(word)


def test_a_broken_file_is_said_in_a_line(path: Path, tmp_path: Path) -> None:
    whole, arrays = path.read_bytes(), read_arrays(path)
    broken = tmp_path / "broken.bin"
    for data, said in (
        (b"", "not a file of pronunciations"),
        (b"junk" + whole, "not a file of pronunciations"),
        (whole[:5000], "cut short"),
        (whole[:30] + b"\n" + whole[31:], "broken.bin"),
    ):
        broken.write_bytes(data)
        with pytest.raises(BundleError, match=said) as error:
            Pronunciations(broken)
        assert "\n" not in str(error.value)
    for change, said in (
        ({"entry_at": arrays["entry_at"][:-1]}, "whose index differs"),
        ({"graph1_score": np.zeros(3, np.float16)}, "graphones and scores differ"),
        ({"graphones": np.frombuffer(b"\xff\n", np.uint8)}, "pronunciations without"),
        ({"graphones": _swapped(arrays["graphones"])}, "graphones are in disorder"),
        ({"entries": None}, "without 'entries'"),
    ):
        write_arrays(broken, {name: value for name, value in {**arrays, **change}.items() if value is not None})
        with pytest.raises(BundleError, match=said):
            Pronunciations(broken)
    with pytest.raises(BundleError, match=r"missing\.bin: No such file"):
        Pronunciations(tmp_path / "missing.bin")


def _swapped(graphones: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the same lines with the first letter's last."""
    lines = graphones.tobytes().split(b"\n")[:-1]
    return np.frombuffer(b"\n".join([*lines[:3], *lines[4:], lines[3], b""]), np.uint8)
