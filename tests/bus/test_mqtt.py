"""The link to a broker, on the embedded amqtt and on a real mosquitto."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bus.brokers import MOSQUITTO, Mosquitto
from tests.bus.inbox import Inbox, Log
from voice.bus import mqtt
from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.errors import BusError, ConfigError


@pytest.fixture(params=["amqtt-3.1.1", "mosquitto-3.1.1", "mosquitto-5"])
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerSettings]:
    name, _, protocol = request.param.partition("-")
    if name == "amqtt":
        async with EmbeddedBroker(BrokerSettings(port=0)) as broker:
            yield broker.settings
        return
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    process = Mosquitto(tmp_path)
    await process.start()
    yield BrokerSettings(embedded=False, port=process.port, protocol=protocol)
    await process.kill()


def client(settings: BrokerSettings, name: str, **changes: object) -> BrokerSettings:
    return settings.model_copy(update={"client_id": name, **changes})


async def test_two_hubs_hear_each_other_and_themselves_once_and_in_order(settings: BrokerSettings) -> None:
    async with LocalBus() as one, LocalBus() as two, asyncio.timeout(20):
        mine, theirs = Inbox(one, "hermes/#"), Inbox(two, "hermes/#")
        async with MqttLink(one, client(settings, "one")) as a, MqttLink(two, client(settings, "two")) as b:
            await a.wait_connected()
            await b.wait_connected()
            sent = [b"same", b"same", b"", b"\xff\x00", b"last"]
            for payload in sent:
                await one.publish("hermes/x", payload)
            await theirs.until(b"last")
            await two.publish("hermes/y", b"same")
            await two.publish("hermes/y", b"end")
            await mine.until(b"end")
            await theirs.until(b"end")
    assert theirs.payloads == [*sent, b"same", b"end"]
    assert mine.payloads == [*sent, b"same", b"end"]


async def test_what_a_skill_declares_is_mirrored_too_and_the_rest_is_not(settings: BrokerSettings) -> None:
    async with LocalBus() as one, LocalBus() as two, asyncio.timeout(20):
        heard = Inbox(two, "#")
        async with MqttLink(one, client(settings, "one")) as a, MqttLink(two, client(settings, "two")) as b:
            a.share("home/#")
            b.share("home/#")
            await a.wait_connected()
            await b.wait_connected()
            await one.publish("private/x", b"secret")
            await one.publish("home/light", b"on", retain=True)
            await heard.until(b"on")
        late = Inbox(two, "home/light")
        async with MqttLink(two, client(settings, "three")) as c:
            await c.wait_connected()
            c.share("home/#")  # after the connect
            await late.until(b"on")
    assert late.messages[0].retain
    assert b"secret" not in heard.payloads


async def test_topics_that_are_mirrored_already_are_not_heard_twice(settings: BrokerSettings) -> None:
    async with LocalBus() as one, asyncio.timeout(20):
        heard = Inbox(one, "#")
        async with MqttLink(one, client(settings, "one")) as a:
            for topic_filter in ("hermes/tts/say", "home/lamp/+", "home/#", "home/lamp/set"):
                a.share(topic_filter)
            await a.wait_connected()
            await one.publish("hermes/tts/say", b"say")
            await one.publish("home/lamp/set", b"on")
            await a.flush()
            await one.publish("hermes/x", b"end")
            await heard.until(b"end")
            await a.flush()
    assert heard.payloads == [b"say", b"on", b"end"]


async def test_an_old_retained_event_is_not_an_event(settings: BrokerSettings) -> None:
    async with LocalBus() as one, LocalBus() as two, asyncio.timeout(20):
        async with MqttLink(one, client(settings, "one")) as a:
            await a.wait_connected()
            await one.publish("hermes/intent/Old", b"old", retain=True)
        heard = Inbox(two, "#")
        async with MqttLink(two, client(settings, "two")) as b, MqttLink(one, client(settings, "one")) as a:
            await a.wait_connected()
            await b.wait_connected()
            await one.publish("hermes/intent/New", b"new")
            await heard.until(b"new")
    assert heard.payloads == [b"new"]


async def test_online_and_a_tidy_offline_are_retained(settings: BrokerSettings) -> None:
    async with LocalBus() as hub, asyncio.timeout(20):
        async with MqttLink(hub, client(settings, "one")) as link:
            await link.wait_connected()
            states = mqtt.watch(settings, "earshot/+/status")
            first = await anext(states)
            assert (first.topic, first.payload, first.retain) == ("earshot/one/status", b"online", True)
        assert (await anext(states)).payload == b"offline"
        await states.aclose()


async def test_what_waits_at_the_end_still_goes_out(settings: BrokerSettings) -> None:
    async with LocalBus() as hub, asyncio.timeout(20):
        async with MqttLink(hub, client(settings, "one")) as link:
            await link.wait_connected()
            for number in range(20):
                await hub.publish("hermes/x", bytes([number]))
        assert (link.sent, link.waiting, link.dropped) == (20, 0, 0)


async def test_what_comes_faster_than_the_hub_takes_it_is_bounded_and_counted() -> None:
    log = Log("voice.bus.mqtt")
    async with LocalBus() as hub:
        link = MqttLink(hub, BrokerSettings(queue_limit=2))
        incoming = link._client()._queue
        for number in range(5):
            incoming.put_nowait(number)
        assert [incoming.get_nowait() for _ in range(2)] == [3, 4]
    assert link.lost == 3
    assert sum("faster than we read" in line for line in log.lines) == 1


async def test_a_malformed_filter_of_the_watcher_is_one_line(settings: BrokerSettings) -> None:
    with pytest.raises(ConfigError, match="--filter"):
        await anext(mqtt.watch(settings, "a/#/b"))


async def test_a_missing_certificate_authority_is_one_line(tmp_path: Path) -> None:
    async with LocalBus() as hub:
        with pytest.raises(BusError, match="ca_file"):
            MqttLink(hub, BrokerSettings(tls=True, ca_file=tmp_path / "none.pem"))
