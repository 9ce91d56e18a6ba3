"""Brokers that are down, die, refuse us, or carry nonsense: the loop goes on."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.bus.brokers import Mosquitto, free_port, needs_mosquitto
from tests.bus.inbox import Inbox, Switch
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


async def test_down_at_start_then_everything_arrives_in_order(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(20):
        local = Inbox(hub, "hermes/#")
        with caplog.at_level(logging.WARNING, "voice.bus.mqtt"):
            async with MqttLink(hub, quick(port, queue_limit=5)) as link:
                for number in range(8):
                    await hub.publish("hermes/x", bytes([number]))
                await local.until(b"\x07")
                await hub.drain()
                assert (link.connected, link.waiting, link.dropped) == (False, 5, 3)
                while not caplog.records:
                    await asyncio.sleep(0)
                async with (
                    EmbeddedBroker(BrokerSettings(port=port)) as broker,
                    MqttLink(other, quick(port, client_id="other")) as listener,
                ):
                    heard = Inbox(other, "hermes/#")
                    await link.wait_connected()
                    await listener.wait_connected()
                    await hub.publish("hermes/x", b"end")
                    await heard.until(b"end")
                    assert broker.port == port
    assert heard.payloads[-1] == b"end"
    assert heard.payloads[:-1] == [bytes([number]) for number in range(3, 8)][-len(heard.payloads) + 1 or 5 :]
    assert sum("can't be reached" in record.message for record in caplog.records) == 1, "said once"


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_killed_while_running_events_are_delivered_once_after_the_reconnect(
    tmp_path: Path, protocol: str
) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    settings = quick(broker.port, protocol=protocol)
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(30):
        local, heard = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        switch = Switch()
        async with MqttLink(hub, settings) as link:
            link.on_connection(switch.note)
            await link.wait_connected()
            await broker.kill()
            await switch.until([True, False])
            for number in range(10):
                await hub.publish("hermes/x", bytes([number]))
            await local.until(b"\x09")
            await hub.drain()
            assert link.waiting == 10
            # the listener must be there first: the link's own connection is held back by a second broker's absence
            async with MqttLink(other, settings.model_copy(update={"client_id": "other"})) as listener:
                await broker.start()
                await link.wait_connected()
                await listener.wait_connected()
                await hub.publish("hermes/x", b"from us")
                await heard.until(b"from us")
                await other.publish("hermes/y", b"from them")
                await local.until(b"from them")
            assert (link.sent, link.dropped, link.waiting) == (11, 0, 0)
    assert local.payloads == [*(bytes([number]) for number in range(10)), b"from us", b"from them"]
    assert switch.history == [True, False, True, False]
    await broker.kill()


@needs_mosquitto
async def test_a_reconnect_delivers_each_waiting_event_exactly_once(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(30):
        heard = Inbox(other, "hermes/#")
        link = MqttLink(hub, quick(broker.port))
        for number in range(10):  # they wait on the link, which is not yet entered
            await link._outgoing(message(number))
        async with MqttLink(other, quick(broker.port, client_id="other")) as listener:
            await listener.wait_connected()
            async with link:
                await link.wait_connected()
                await hub.publish("hermes/x", b"end")
                await heard.until(b"end")
    assert heard.payloads == [*(bytes([number]) for number in range(10)), b"end"]
    await broker.kill()


def message(number: int):
    from voice.bus.base import Message

    return Message("hermes/x", bytes([number]))


@needs_mosquitto
async def test_a_wrong_password_is_said_once_and_the_right_one_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Mosquitto(tmp_path, users={"earshot": "right"})
    await broker.start()
    settings = quick(broker.port, username="earshot")
    wrong, right = (BrokerSettings(**settings.model_dump() | {"password": password}) for password in ("wrong", "right"))
    async with LocalBus() as hub, asyncio.timeout(20):
        heard = Inbox(hub, "hermes/#")
        async with MqttLink(hub, wrong) as link:
            while not caplog.records:
                await asyncio.sleep(0)
            await hub.publish("hermes/x", b"local")
            await heard.until(b"local")
            assert not link.connected
        async with MqttLink(hub, right) as link:
            await link.wait_connected()
        with pytest.raises(BusError, match="[Nn]ot authori"):
            await anext(mqtt.watch(wrong, "#"))
    assert [record.message for record in caplog.records if "password is wrong" in record.message]
    await broker.kill()


@needs_mosquitto
async def test_the_last_will_is_seen_by_others(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    async with LocalBus() as hub, asyncio.timeout(20):
        async with MqttLink(hub, quick(broker.port)) as link:
            await link.wait_connected()
            states = mqtt.watch(quick(broker.port), "earshot/+/status")
            assert (await anext(states)).payload == b"online"
            # another client with our id: the broker throws us out without a goodbye
            async with LocalBus() as twin, MqttLink(twin, quick(broker.port, backoff_s=5.0)) as usurper:
                await usurper.wait_connected()
                assert (await anext(states)).payload in {b"offline", b"online"}
                while (await anext(states)).payload != b"offline":
                    pass
        await states.aclose()
    await broker.kill()


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


async def test_a_port_that_speaks_something_else_is_not_a_broker(caplog: pytest.LogCaptureFixture) -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server, LocalBus() as hub, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        async with MqttLink(hub, quick(port, timeout_s=0.2)) as link:
            while not caplog.records:
                await asyncio.sleep(0.01)
            assert not link.connected
