"""`voice mqtt watch` and `voice mqtt protocol`."""

import asyncio
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.bus.brokers import Mosquitto, needs_mosquitto
from tests.bus.certificates import make_certificates
from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics.document import protocol
from voice.cli import mqtt
from voice.config import load_config
from voice.errors import BusError, ConfigError


def run(*arguments: str) -> Result:
    app = typer.Typer()
    mqtt.register(app)
    app.command("other")(lambda: None)  # as `voice` has other commands too
    return CliRunner().invoke(app, ["mqtt", *arguments])


@pytest.mark.parametrize(
    ("payload", "line", "record"),
    [
        (b'{"a": "\xc3\xa9"}', '{"a": "\u00e9"}', {"bytes": 11, "payload": {"a": "\u00e9"}}),
        (b"RIFF\xff\x00", "<6 bytes>", {"bytes": 6}),
        (b"plain", "plain", {"bytes": 5, "payload": "plain"}),
    ],
)
async def test_watch_prints_each_message(payload: bytes, line: str, record: dict) -> None:
    async with EmbeddedBroker(BrokerSettings(port=0)) as broker, LocalBus() as hub, asyncio.timeout(20):
        async with MqttLink(hub, broker.settings) as link:
            await link.wait_connected()
            await hub.publish("earshot/test", payload, retain=True)
        arguments = ("watch", "--broker", f"127.0.0.1:{broker.port}", "--filter", "earshot/test", "--count", "1")
        plain = await asyncio.to_thread(run, *arguments)
        as_json = await asyncio.to_thread(run, *arguments, "--json")
    assert plain.output.strip() == f"earshot/test  {line}"
    assert json.loads(as_json.output) == {"topic": "earshot/test", "retain": True, **record}


@needs_mosquitto
async def test_watch_takes_broker_tls_and_login_from_the_configuration(tmp_path: Path) -> None:
    keys = make_certificates(tmp_path)
    broker = Mosquitto(tmp_path, users={"ear": "secret"}, tls=keys)
    await broker.start()
    config = tmp_path / "assistant.yaml"
    config.write_text(
        f"broker: {{embedded: false, port: {broker.port}, tls: true, ca_file: {tmp_path / 'ca.pem'},"
        " username: ear, password: secret}\n"
    )
    settings = load_config(config).broker
    async with LocalBus() as hub, asyncio.timeout(20), MqttLink(hub, settings) as link:
        await link.wait_connected()
        await hub.publish("earshot/test", b"kept", retain=True)
        await link.flush()
        arguments = ("watch", "--config", str(config), "--filter", "earshot/test", "--count", "1")
        watched = await asyncio.to_thread(run, *arguments)
    await broker.kill()
    assert watched.output.strip() == "earshot/test  kept"


def test_watch_without_a_broker_is_one_line() -> None:
    result = run("watch", "--broker", "127.0.0.1:1")
    assert isinstance(result.exception, BusError)
    assert "127.0.0.1:1" in str(result.exception)
    assert isinstance(run("watch", "--broker", "a:b").exception, ConfigError)


def test_protocol_prints_the_document() -> None:
    assert run("protocol").output == protocol()
