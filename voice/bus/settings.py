"""Where the broker is and how we talk to it."""

import os
import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from voice.bus.topics import safe_level
from voice.errors import ConfigError

PASSWORD_VARIABLE = "EARSHOT_MQTT_PASSWORD"  # noqa: S105 - the name of a variable, not a password


class BrokerSettings(BaseModel):
    """The MQTT broker: our own on loopback, or one that exists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    embedded: bool = Field(True, description="start our own broker on loopback; false: use the one at host and port")
    host: str = Field(
        "127.0.0.1", min_length=1, description="name or address of the broker; the embedded one: loopback"
    )
    port: int = Field(1883, ge=0, le=65535, description="TCP port; 0: any free one, embedded only")
    protocol: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version; the embedded broker speaks 3.1.1")
    client_id: str = Field("", max_length=64, description="id at the broker, unique there; empty: earshot-<host name>")
    username: str | None = Field(None, description="user at the broker")
    password: SecretStr | None = Field(None, description=f"its password; better in {PASSWORD_VARIABLE} or a file")
    password_file: Path | None = Field(None, description="file whose first line is the password")
    tls: bool = Field(False, description="encrypt the connection")
    ca_file: Path | None = Field(None, description="certificate authority in PEM form; none: the system's")
    insecure: bool = Field(False, description="take any certificate; for tests only")
    qos: int = Field(1, ge=0, le=2, description="quality of service of what we send and ask for")
    keepalive_s: int = Field(30, ge=5, le=3600, description="seconds of silence before the broker is asked if it lives")
    timeout_s: float = Field(10, gt=0, le=60, description="seconds to wait for an answer of the broker")
    backoff_s: float = Field(0.5, gt=0, description="upper bound of the first pause before a reconnect; then doubled")
    backoff_limit_s: float = Field(30, gt=0, description="upper bound of every pause before a reconnect, seconds")
    queue_limit: int = Field(
        1000, ge=1, description="messages kept while the broker is away; then the oldest is dropped"
    )
    send: tuple[str, ...] = Field(("hermes/#", "rhasspy/#", "earshot/#"), description="topics that go to the broker")
    receive: tuple[str, ...] = Field(
        ("hermes/#", "rhasspy/#", "earshot/skill/#", "earshot/hotword/#"),
        description="topics that come from the broker",
    )

    @property
    def name(self) -> str:
        """The client id, also a level of the status topic."""
        return safe_level(self.client_id or f"earshot-{socket.gethostname()}")

    @property
    def status_topic(self) -> str:
        """Where `online` and, by the last will, `offline` are retained."""
        return f"earshot/{self.name}/status"

    @property
    def address(self) -> str:
        """HOST:PORT for messages."""
        return f"{self.host}:{self.port}"

    def at(self, broker: str) -> Self:
        """Return these settings for `embedded` or HOST[:PORT], as on the command line.

        Raises:
            ConfigError: it is neither.
        """
        if broker == "embedded":
            return self.model_copy(update={"embedded": True, "host": "127.0.0.1"})
        host, port = _split(broker)
        default = 8883 if self.tls else 1883
        return self.model_copy(update={"embedded": False, "host": host, "port": default if port is None else port})

    def secret(self) -> str | None:
        """Return the password: of the settings, else of the file, else of the environment.

        Raises:
            ConfigError: the file can't be read.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return os.environ.get(PASSWORD_VARIABLE)
        try:
            return next(iter(self.password_file.read_text(encoding="utf-8").splitlines()), "")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise ConfigError(f"broker.password_file {self.password_file}: {reason}", fix="check the path") from error


def _split(broker: str) -> tuple[str, int | None]:
    """Split HOST, HOST:PORT, [IPV6] or [IPV6]:PORT."""
    host, port = broker, ""
    if broker.startswith("["):
        host, _, rest = broker[1:].partition("]")
        port = rest.removeprefix(":")
    elif broker.count(":") == 1:
        host, _, port = broker.partition(":")
    if not host or any(c.isspace() or c == "/" for c in host):
        raise ConfigError(f"--broker {broker!r} names no host", fix="say embedded, HOST or HOST:PORT")
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError(f"--broker {broker!r}: {port!r} is no port", fix="say HOST:PORT with a port of 1 to 65535")
    return host, int(port)
