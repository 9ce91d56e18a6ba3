"""Brokers that are down, die, refuse us, or carry nonsense: the loop goes on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bus.brokers import MOSQUITTO, Mosquitto, Relay, needs_mosquitto
from tests.bus.inbox import Inbox, Log, Switch
from voice.bus import mqtt
from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import ErrorMessage, TtsSay, on, send
from voice.errors import BusError


def quick(port: int, **changes: object) -> BrokerSettings:
    """Settings that try again at once."""
    return BrokerSettings(
        embedded=False, port=port, client_id="earshot", backoff_s=0.02, backoff_limit_s=0.05, timeout_s=5
    ).model_copy(update=changes)


@pytest.fixture(params=["amqtt-3.1.1", "mosquitto-3.1.1", "mosquitto-5"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerSettings]:
    name, _, protocol = request.param.partition("-")
    if name == "amqtt":
        async with EmbeddedBroker(BrokerSettings(port=0)) as embedded:
            yield quick(embedded.port)
        return
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    process = Mosquitto(tmp_path)
    await process.start()
    yield quick(process.port, protocol=protocol)
    await process.kill()


def with_port(settings: BrokerSettings, port: int, **changes: object) -> BrokerSettings:
    return settings.model_copy(update={"port": port, **changes})


async def test_away_at_start_then_what_fits_the_queue_arrives_once_and_in_order(broker: BrokerSettings) -> None:
    log, relay = Log("voice.bus.mqtt"), Relay(broker.port)
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(20):
        local, heard = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        async with (
            MqttLink(other, with_port(broker, broker.port, client_id="other")) as listener,
            MqttLink(hub, with_port(broker, relay.port, queue_limit=5)) as link,
        ):
            await listener.wait_connected()
            for number in range(8):
                await hub.publish("hermes/x", bytes([number]))
            await hub.drain()
            assert len(local.messages) == 8, "the loop goes on"
            assert (link.connected, link.waiting, link.dropped) == (False, 5, 3)
            await log.until("can't be reached")
            await relay.join()
            await link.wait_connected()
            await heard.until(b"\x07")
            await other.publish("hermes/y", b"back")
            await local.until(b"back")
        await relay.cut()
    assert heard.payloads == [*(bytes([number]) for number in range(3, 8)), b"back"]
    assert local.payloads == [*(bytes([number]) for number in range(8)), b"back"]
    assert sum("can't be reached" in line for line in log.lines) == 1, "said once"


async def test_cut_while_running_events_are_delivered_once_after_the_reconnect(broker: BrokerSettings) -> None:
    relay, switch = Relay(broker.port), Switch()
    await relay.join()
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(20):
        local, heard = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        async with (
            MqttLink(other, with_port(broker, broker.port, client_id="other")) as listener,
            MqttLink(hub, with_port(broker, relay.port)) as link,
        ):
            link.on_connection(switch.note)
            await listener.wait_connected()
            await link.wait_connected()
            await hub.publish("hermes/x", b"before")
            await heard.until(b"before")
            await relay.cut()
            await switch.until([True, False])
            for number in range(10):
                await hub.publish("hermes/x", bytes([number]))
            await hub.drain()
            await relay.join()
            await heard.until(b"\x09")
            await other.publish("hermes/y", b"back")
            await local.until(b"back")
            assert (link.dropped, link.waiting) == (0, 0)
        await relay.cut()
    expected = [b"before", *(bytes([number]) for number in range(10)), b"back"]
    assert heard.payloads == expected
    assert local.payloads == expected, "no echo came twice, and the subscriptions are back"
    assert switch.history == [True, False, True, False]


@needs_mosquitto
async def test_a_broker_killed_and_started_again_finds_everyone_back(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    switch = Switch()
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(30):
        local, heard = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        async with (
            MqttLink(hub, quick(broker.port)) as link,
            MqttLink(other, quick(broker.port, client_id="other")) as listener,
        ):
            link.on_connection(switch.note)
            await link.wait_connected()
            await broker.kill()
            await switch.until([True, False])
            await hub.publish("hermes/x", b"while away")
            await local.until(b"while away")
            await broker.start()
            await switch.until([True, False, True])
            await listener.wait_connected()
            await hub.publish("hermes/x", b"from us")
            await heard.until(b"from us")
            await other.publish("hermes/y", b"from them")
            await local.until(b"from them")
    assert local.payloads == [b"while away", b"from us", b"from them"]
    await broker.kill()


@needs_mosquitto
async def test_a_wrong_password_is_said_once_and_the_right_one_works(
    tmp_path: Path,
) -> None:
    log = Log("voice.bus.mqtt")
    broker = Mosquitto(tmp_path, users={"earshot": "right"})
    await broker.start()
    settings = quick(broker.port, username="earshot")
    wrong, right = (BrokerSettings(**settings.model_dump() | {"password": password}) for password in ("wrong", "right"))
    async with LocalBus() as hub, asyncio.timeout(20):
        heard = Inbox(hub, "hermes/#")
        async with MqttLink(hub, wrong) as link:
            await log.until("password is wrong")
            await hub.publish("hermes/x", b"local")
            await heard.until(b"local")
            assert not link.connected
        async with MqttLink(hub, right) as link:
            await link.wait_connected()
        with pytest.raises(BusError, match="password is wrong"):
            await anext(mqtt.watch(wrong, "#"))
    assert sum("password is wrong" in line for line in log.lines) == 1
    await broker.kill()


_CLIENT = """
import asyncio, sys
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings

async def main():
    async with LocalBus() as hub, MqttLink(hub, BrokerSettings(port=int(sys.argv[1]), client_id="victim")):
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_last_will_of_a_killed_process_is_seen_by_others(broker: BrokerSettings) -> None:
    states = mqtt.watch(broker, "earshot/+/status")
    async with asyncio.timeout(30):
        victim = await asyncio.create_subprocess_exec(sys.executable, "-c", _CLIENT, str(broker.port))
        online = await anext(states)
        victim.kill()
        await victim.wait()
        offline = await anext(states)
    await states.aclose()
    assert (online.topic, online.payload) == ("earshot/victim/status", b"online")
    assert (offline.topic, offline.payload) == ("earshot/victim/status", b"offline")


async def test_malformed_hermes_json_from_the_bus_is_answered_on_the_bus() -> None:
    async with (
        EmbeddedBroker(BrokerSettings(port=0)) as broker,
        LocalBus() as hub,
        LocalBus() as stranger,
        asyncio.timeout(20),
    ):
        said: list[str] = []

        async def say(request: TtsSay) -> None:
            said.append(request.text)

        on(hub, TtsSay, say)
        errors, ours = Inbox(stranger, "hermes/error/#"), Inbox(hub, "hermes/tts/say")
        async with (
            MqttLink(hub, quick(broker.port)) as link,
            MqttLink(stranger, quick(broker.port, client_id="stranger")) as other,
        ):
            await link.wait_connected()
            await other.wait_connected()
            for payload in (b'{"text": "cut', b"RIFF\xff\xfe", b'{"text": [1]}', b"[]"):
                await stranger.publish("hermes/tts/say", payload)
            await send(stranger, TtsSay(text="still here"))
            await ours.until(TtsSay(text="still here").encode())
            await hub.drain()
            await send(hub, ErrorMessage(component="tts", error="end"))
            await errors.until(ErrorMessage(component="tts", error="end").encode())
        assert said == ["still here"]
        assert len(errors.messages) == 5
        assert {error.topic for error in errors.messages} == {"hermes/error/tts"}


async def test_a_port_that_speaks_something_else_is_not_a_broker() -> None:
    log = Log("voice.bus.mqtt")

    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server, LocalBus() as hub, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        async with MqttLink(hub, quick(port, timeout_s=0.2)) as link:
            await log.until("does not answer as a broker does")
            assert not link.connected
