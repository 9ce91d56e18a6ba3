"""Pronunciation dictionaries."""

from pathlib import Path

import pytest

from voice.decoding.phones import PHONES, VOWELS, read_dictionary
from voice.errors import DataError


def test_a_dictionary_gives_every_pronunciation_the_usual_one_first(tmp_path: Path) -> None:
    path = tmp_path / "words.dict"
    path.write_text(";;; comment\nTOMATO  T AH0 M EY1 T OW2\ntomato(2) T AH M AA T OW # British\n# nothing\n\n")
    assert read_dictionary(path) == {"tomato": [tuple("T AH M EY T OW".split()), tuple("T AH M AA T OW".split())]}


def test_arpabet_is_listed_once_in_order() -> None:
    assert len(PHONES) == 39
    assert list(PHONES) == sorted(set(PHONES))
    assert set(PHONES) > VOWELS


def test_what_is_no_dictionary_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.dict: No such file"):
        read_dictionary(tmp_path / "missing.dict")
    (tmp_path / "ipa.dict").write_text("light l ei t\n")
    with pytest.raises(DataError, match=r"ipa\.dict: unknown phone 'EI'"):
        read_dictionary(tmp_path / "ipa.dict")
    (tmp_path / "latin.dict").write_bytes(b"caf\xe9 K AE F EY\n")
    with pytest.raises(DataError, match=r"latin\.dict: .*codec"):
        read_dictionary(tmp_path / "latin.dict")
