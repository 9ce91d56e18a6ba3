"""Where the broker is, as the command line and the config say it."""

from pathlib import Path

import pytest

from voice.bus.settings import PASSWORD_VARIABLE, BrokerSettings
from voice.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("pi", "pi", 1883),
        ("pi:1884", "pi", 1884),
        ("10.0.0.2:1", "10.0.0.2", 1),
        ("::1", "::1", 1883),
        ("[::1]:1900", "::1", 1900),
    ],
)
def test_a_broker_is_named_host_and_port(text: str, host: str, port: int) -> None:
    settings = BrokerSettings().at(text)
    assert (settings.embedded, settings.host, settings.port) == (False, host, port)


def test_tls_has_its_own_port() -> None:
    assert BrokerSettings(tls=True).at("pi").port == 8883


@pytest.mark.parametrize("text", ["", ":1883", "a b", "pi:x", "pi:0", "pi:70000", "mqtt://pi"])
def test_nonsense_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="--broker"):
        BrokerSettings().at(text)


def test_the_password_comes_from_the_settings_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("from file\n", encoding="utf-8")
    monkeypatch.setenv(PASSWORD_VARIABLE, "from environment")
    assert BrokerSettings(password="given", password_file=file).secret() == "given"
    assert BrokerSettings(password_file=file).secret() == "from file"
    assert BrokerSettings().secret() == "from environment"
    with pytest.raises(ConfigError, match="password_file"):
        BrokerSettings(password_file=tmp_path / "none").secret()


def test_the_password_is_not_printed() -> None:
    assert "given" not in repr(BrokerSettings(password="given"))
