"""TLS and a password, on a real mosquitto, set as a user sets them: in the configuration file."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bus.brokers import Mosquitto, needs_mosquitto
from tests.bus.certificates import make_certificates, needs_openssl
from tests.bus.inbox import Inbox, Log, Pauses
from voice.bus import mqtt
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import PASSWORD_VARIABLE, BrokerSettings
from voice.bus.trouble import explain
from voice.config import load_config
from voice.errors import BusError

pytestmark = [needs_mosquitto, needs_openssl]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def broker(tmp_path: Path, certificates: Path) -> AsyncIterator[Mosquitto]:
    process = Mosquitto(tmp_path, users={"earshot": "right"}, tls=certificates)
    await process.start()
    yield process
    await process.kill()


@pytest.fixture
async def plain_broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    process = Mosquitto(tmp_path)
    await process.start()
    yield process
    await process.kill()


def configured(folder: Path, port: int, **keys: object) -> BrokerSettings:
    """Write the section `broker` of a configuration file, with a short patience, and read it."""
    keys = {"embedded": False, "port": port, "timeout_s": 0.5, "backoff_s": 0.02, "username": "earshot"} | keys
    path = folder / "assistant.yaml"
    path.write_text("broker:\n" + "".join(f"  {key}: {str(value).lower()}\n" for key, value in keys.items()))
    return load_config(path).broker


@pytest.mark.parametrize("protocol", ["'3.1.1'", "'5'"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_messages_go_both_ways_encrypted(
    broker: Mosquitto, certificates: Path, tmp_path: Path, protocol: str, host: str
) -> None:
    (tmp_path / "secret").write_text("right\n")
    keys = {"tls": True, "ca_file": certificates / "ca.pem", "password_file": tmp_path / "secret", "timeout_s": 5}
    settings = configured(tmp_path, broker.port, protocol=protocol, host=host, **keys)
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(20):
        here, there = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        async with (
            MqttLink(hub, settings.model_copy(update={"client_id": "one"})) as link,
            MqttLink(other, settings.model_copy(update={"client_id": "two"})) as far,
        ):
            await link.wait_connected()
            await far.wait_connected()
            await hub.publish("hermes/x", b"there")
            await there.until(b"there")
            await other.publish("hermes/y", b"and back")
            await here.until(b"and back")
        states = mqtt.watch(settings, "earshot/one/status")
        assert (await anext(states)).payload == b"offline"
        await states.aclose()


WRONG = [
    ({"tls": True, "ca_file": "other.pem"}, "shows a certificate that we don't trust", "broker.ca_file"),
    ({"tls": True}, "shows a certificate that we don't trust", "broker.ca_file"),
    ({"tls": True, "ca_file": "ca.pem", "username": "stranger"}, "refuses us", "broker.password_file"),
    ({"tls": True, "ca_file": "ca.pem", "secret": "wrong"}, "refuses us", "broker.password_file"),
    ({}, "does not answer as a broker does", "broker.tls"),
]


@pytest.mark.parametrize(("keys", "line", "fix"), WRONG)
async def test_what_is_set_wrong_is_one_line_and_it_goes_on_trying(
    broker: Mosquitto,
    certificates: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: dict[str, object],
    line: str,
    fix: str,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, str(keys.get("secret", "right")))
    keys = {key: certificates / str(value) if key == "ca_file" else value for key, value in keys.items()}
    settings = configured(tmp_path, broker.port, **{key: value for key, value in keys.items() if key != "secret"})
    await says_once_and_goes_on(settings, line, fix)
    with pytest.raises(BusError, match=line) as caught:
        await anext(mqtt.watch(settings, "#"))
    assert fix in str(caught.value)


async def test_tls_on_a_port_without_it_is_one_line(
    plain_broker: Mosquitto, certificates: Path, tmp_path: Path
) -> None:
    settings = configured(tmp_path, plain_broker.port, tls=True, ca_file=certificates / "ca.pem")
    await says_once_and_goes_on(settings, "does not speak TLS on this port", "broker.tls to false")


async def says_once_and_goes_on(settings: BrokerSettings, line: str, fix: str) -> None:
    log, pauses = Log("voice.bus.mqtt"), Pauses()
    everything = Log("")
    async with LocalBus() as hub, asyncio.timeout(30):
        heard = Inbox(hub, "hermes/#")
        async with MqttLink(hub, settings, jitter=pauses) as link:
            await hub.publish("hermes/x", b"local")
            await heard.until(b"local")
            await pauses.until(4)
            assert not link.connected
    (said,) = log.lines
    assert line in said
    assert "the loop goes on" in said
    assert fix in said
    assert everything.lines == [said], "the client library adds nothing"


async def test_a_certificate_for_another_name_is_said(broker: Mosquitto, certificates: Path, tmp_path: Path) -> None:
    other = ssl.SSLCertVerificationError(1, "x")
    other.verify_code, other.verify_message = 62, "Hostname mismatch, certificate is not valid for 'pi'."
    what, fix = explain(other, tls=True)
    assert "not valid for 'pi'" in what
    assert "broker.host" in fix


async def test_any_certificate_will_do_where_that_is_asked_for(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "right")
    log = Log("voice.bus.tls")
    settings = configured(tmp_path, broker.port, tls=True, insecure=True, timeout_s=5)
    async with LocalBus() as hub, MqttLink(hub, settings) as link, asyncio.timeout(20):
        await link.wait_connected()
    assert any("anyone can pose" in line for line in log.lines)
