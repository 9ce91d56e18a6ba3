"""YAML where labels stay labels: `yes`, `no`, `on` and `off` are words."""

from pathlib import Path

import pytest

from voice.errors import ConfigError
from voice.yaml12 import parse_yaml, read_yaml


def test_command_labels_stay_strings() -> None:
    assert parse_yaml("[yes, no, on, off, y, n, Yes, OFF]", where="here") == "yes no on off y n Yes OFF".split()


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True), ("null", None)])
def test_booleans_are_true_and_false(text: str, value: bool | None) -> None:
    assert parse_yaml(text, where="here") is value


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("1.5", 1.5), ("-3", -3), ("1e-3", 0.001), ("010", 10), ("0x1F", 31)]
)
def test_numbers(text: str, value: object) -> None:
    assert parse_yaml(text, where="here") == value


@pytest.mark.parametrize("text", ["1:30", "2024-01-01", "1_000", "12h", "+"])
def test_what_yaml_1_1_would_have_turned_into_numbers_stays_text(text: str) -> None:
    assert parse_yaml(text, where="here") == text


def test_keys_stay_strings() -> None:
    assert parse_yaml("on: 1\noff: 2", where="here") == {"on": 1, "off": 2}


def test_a_key_that_stands_twice_is_named_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"assistant\.yaml line \d: key 'wake' stands twice"):
        parse_yaml("wake: 1\nwake: 2", where="assistant.yaml")


def test_anchors_merge() -> None:
    text = "base: &base {a: 1, b: 2}\nmore:\n  <<: *base\n  b: 3"
    assert parse_yaml(text, where="here")["more"] == {"a": 1, "b": 3}


def test_an_empty_document_is_none() -> None:
    assert parse_yaml("# nothing", where="here") is None


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\t- x", "!!python/object:os.system {}"])
def test_malformed_yaml_is_one_line_with_file_and_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, where="file.yaml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("file.yaml line ")


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"binary\.yaml"):
        read_yaml(tmp_path / "binary.yaml")
