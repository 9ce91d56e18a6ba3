"""Brokers that are down, die, refuse us, or carry nonsense: the loop goes on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.bus.brokers import MOSQUITTO, Mosquitto, Relay, needs_mosquitto
from tests.bus.inbox import Inbox, Log, Pauses, Switch
from voice.bus import mqtt
from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import MAX_AUDIO, ErrorMessage, PlayBytes, TtsSay, on, send, write_frame
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
            await listener.wait_connected()
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
async def test_killed_while_running_what_fits_the_queue_is_delivered_once_after_the_restart(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    relay, switch = Relay(broker.port), Switch()
    await relay.join()
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(30):
        local, heard = Inbox(hub, "hermes/#"), Inbox(other, "hermes/#")
        async with (
            MqttLink(hub, quick(relay.port, queue_limit=5)) as link,
            MqttLink(other, quick(broker.port, client_id="other")) as listener,
        ):
            link.on_connection(switch.note)
            await listener.wait_connected()
            await link.wait_connected()
            await hub.publish("hermes/x", b"before")
            await heard.until(b"before")
            await broker.kill()
            await switch.until([True, False])
            for number in range(8):
                await hub.publish("hermes/x", bytes([number]))
            await hub.drain()
            assert (link.waiting, link.dropped) == (5, 3)
            await relay.cut()  # so that the listener is back first: MQTT keeps nothing for who is not there
            await broker.start()
            await listener.wait_connected()
            await relay.join()
            await switch.until([True, False, True])
            await hub.publish("hermes/x", b"after")
            await heard.until(b"after")
        await relay.cut()
    assert heard.payloads == [b"before", *(bytes([number]) for number in range(3, 8)), b"after"]
    assert local.payloads == [b"before", *(bytes([number]) for number in range(8)), b"after"]
    await broker.kill()


@needs_mosquitto
async def test_a_broker_that_hangs_is_left_and_found_again(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    log, switch = Log("voice.bus.mqtt"), Switch()
    async with LocalBus() as hub, asyncio.timeout(30):
        heard = Inbox(hub, "hermes/#")
        async with MqttLink(hub, quick(broker.port, timeout_s=0.3)) as link:
            link.on_connection(switch.note)
            await link.wait_connected()
            broker.freeze()
            await hub.publish("hermes/x", b"meanwhile")
            await heard.until(b"meanwhile")
            await switch.until([True, False])
            await log.until("is lost")
            broker.thaw()
            await switch.until([True, False, True])
            await send_and_hear_back(broker.port, heard)
            assert link.dropped == 0
    assert heard.payloads == [b"meanwhile", b"from outside"], "no echo of the first connection came late"
    await broker.kill()


async def send_and_hear_back(port: int, heard: Inbox) -> None:
    """Publish from another client, and wait until `heard` has it."""
    async with LocalBus() as other, MqttLink(other, quick(port, client_id="other")) as link:
        await link.wait_connected()
        await other.publish("hermes/x", b"from outside")
        await heard.until(b"from outside")


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_a_message_that_the_broker_does_not_take_stands_in_nobodys_way(tmp_path: Path, protocol: str) -> None:
    broker = Mosquitto(tmp_path, "max_packet_size 5000")
    await broker.start()
    log = Log("voice.bus.mqtt")
    async with LocalBus() as hub, LocalBus() as other, asyncio.timeout(30):
        heard = Inbox(other, "hermes/#")
        async with (
            MqttLink(hub, quick(broker.port, protocol=protocol)) as link,
            MqttLink(other, quick(broker.port, client_id="other")) as listener,
        ):
            await link.wait_connected()
            await listener.wait_connected()
            for payload in (b"before", b"x" * 10_000, b"after"):
                await hub.publish("hermes/x", payload)
            await heard.until(b"after")
    assert (link.dropped, link.waiting) == (1, 0)
    assert heard.payloads == [b"before", b"after"]
    assert sum("10000 bytes on hermes/x: dropped" in line for line in log.lines) == 1
    await broker.kill()


async def test_pauses_double_up_to_their_limit_and_start_again_after_a_connection(broker: BrokerSettings) -> None:
    relay, pauses, switch = Relay(broker.port), Pauses(), Switch()
    settings = with_port(broker, relay.port, backoff_s=0.5, backoff_limit_s=3)
    async with LocalBus() as hub, asyncio.timeout(20), MqttLink(hub, settings, jitter=pauses) as link:
        link.on_connection(switch.note)
        await pauses.until(6)
        await relay.join()
        await switch.until([True])
        assert pauses.drawn[:6] == [(0, 0.5), (0, 1), (0, 2), (0, 3), (0, 3), (0, 3)], "full jitter, doubled bounds"
        before = len(pauses.drawn)
        await relay.cut()
        await switch.until([True, False])
        await pauses.until(before + 2)
        assert pauses.drawn[before : before + 2] == [(0, 0.5), (0, 1)]


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


TOO_LARGE = 10 * 2**20
MALFORMED = [
    b'{"text": "cut',
    b"RIFF\xff\xfe",
    b'{"text": [1]}',
    b'{"text": null}',
    b'{"text": "x", "volume": "loud"}',
    b'{"text": "x", "siteId": {}}',
    b"[]",
    b"5",
    b"[" * 100_000,
    b'{"text": "' + b"x" * 20_000 + b'"}',
    b'{"text": "' + b"x" * TOO_LARGE + b'"}',
    b"\0" * TOO_LARGE,
]


async def test_malformed_hermes_json_from_the_bus_is_answered_on_the_bus(broker: BrokerSettings) -> None:
    async with LocalBus() as hub, LocalBus() as stranger, asyncio.timeout(30):
        said, switch = list[str](), Switch()

        async def say(request: TtsSay) -> None:
            said.append(request.text)

        on(hub, TtsSay, say)
        errors, ours = Inbox(stranger, "hermes/error/#"), Inbox(hub, "hermes/tts/say")
        async with (
            MqttLink(hub, broker) as link,
            MqttLink(stranger, with_port(broker, broker.port, client_id="stranger")) as other,
        ):
            link.on_connection(switch.note)
            await link.wait_connected()
            await other.wait_connected()
            for payload in MALFORMED:
                await stranger.publish("hermes/tts/say", payload)
            await send(stranger, TtsSay(text="still here"))
            await ours.until(TtsSay(text="still here").encode())
            await hub.drain()
            await send(hub, ErrorMessage(component="tts", error="end"))
            await errors.until(ErrorMessage(component="tts", error="end").encode())
        assert said == ["still here"]
        assert len(errors.messages) == len(MALFORMED) + 1
        assert {error.topic for error in errors.messages} == {"hermes/error/tts"}
        assert max(len(error.payload) for error in errors.messages) < 500, "the answer doesn't repeat the payload"
        assert switch.history == [True, False], "not lost before the end"


async def test_a_sound_that_is_none_or_too_large_is_answered_on_the_bus(broker: BrokerSettings) -> None:
    topic, wav = "hermes/audioServer/default/playBytes/1", write_frame(np.zeros(2_500_000, np.float32))
    wrong = [b"", b'{"text": "x"}', b"\xff" * TOO_LARGE, wav[:8], wav + bytes(MAX_AUDIO)]
    async with LocalBus() as hub, LocalBus() as stranger, asyncio.timeout(30):
        played: list[int] = []

        async def play(request: PlayBytes) -> None:
            played.append(len(request.wav))

        on(hub, PlayBytes, play)
        errors = Inbox(stranger, "hermes/error/#")
        async with (
            MqttLink(hub, broker) as link,
            MqttLink(stranger, with_port(broker, broker.port, client_id="stranger")) as other,
        ):
            await link.wait_connected()
            await other.wait_connected()
            for payload in (*wrong, wav):
                await stranger.publish(topic, payload)
            ours = Inbox(hub, topic)
            await ours.until(wav)
            await hub.drain()
            await send(hub, ErrorMessage(component="audioServer", error="end"))
            await errors.until(ErrorMessage(component="audioServer", error="end").encode())
        assert played == [len(wav)], "5 MB, and right"
        assert len(errors.messages) == len(wrong) + 1


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
