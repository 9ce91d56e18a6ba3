"""One file with every default, and one line for a mistake in a configuration."""

from pathlib import Path

import pytest

from voice.config import Config, dump_config, load_config
from voice.errors import ConfigError

SHIPPED = Path(__file__).parent.parent / "config" / "assistant.yaml"


def written(folder: Path, text: str) -> Path:
    """Return the path of a configuration file with `text`."""
    path = folder / "assistant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_is_what_voice_config_prints() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text == dump_config(Config()), "make it again: voice config > config/assistant.yaml"
    assert load_config(SHIPPED) == Config()


def test_every_setting_says_what_it_means() -> None:
    assert "# None" not in dump_config(Config())


def test_what_is_printed_can_be_read_back(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, dump_config(Config()))) == Config()


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}"])
def test_an_empty_file_is_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_config(written(tmp_path, text)) == Config()


def test_one_key_changes_one_setting(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "broker: {port: 1884}"))
    assert config.broker.port == 1884
    assert config.model_copy(update={"broker": Config().broker}) == Config()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("brokr: {}", "brokr"),
        ("broker: {prot: 1}", "broker.prot"),
        ("broker: {port: many}", "broker.port"),
        ("models: {wake: []}", "models.wake"),
        ("models: {wake: [{threshold: 2}]}", "models.wake.0.threshold"),
        ("- a list", "not a mapping"),
        ("broker: {port: 1883", "line 1"),
        ("broker: {}\nbroker: {}", "'broker' stands twice"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_password_is_not_printed(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "broker: {username: me, password: tulip}"))
    assert "tulip" not in dump_config(config)
