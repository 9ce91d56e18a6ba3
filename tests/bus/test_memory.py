"""The hub: filters, order, slow and faulty subscribers."""

import asyncio
import time

import pytest

from voice.bus import memory
from voice.bus.base import Message
from voice.bus.memory import LocalBus, matches
from voice.errors import BusError


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("hermes/#", "hermes", True),
        ("hermes/#", "hermes/a/b", True),
        ("hermes/+/b", "hermes/a/b", True),
        ("hermes/+", "hermes/a/b", False),
        ("hermes/+", "hermes", False),
        ("+/+", "/a", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("a/b", "a/b/c", False),
    ],
)
def test_filters(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


class Notes:
    """Collects the payloads it hears."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def note(self, message: Message) -> None:
        self.heard.append(message.payload)


async def test_messages_arrive_in_order_and_not_after_unsubscribing() -> None:
    notes = Notes()
    async with LocalBus() as bus:
        unsubscribe = bus.subscribe("a/+", notes.note)
        for number in range(5):
            await bus.publish("a/b", bytes([number]))
        await bus.drain()
        unsubscribe()
        unsubscribe()
        await bus.publish("a/b", b"late")
        await bus.drain()
    assert notes.heard == [bytes([number]) for number in range(5)]


async def test_a_slow_subscriber_delays_only_itself_and_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "QUEUE_LIMIT", 3)
    gate, slow, quick = asyncio.Event(), Notes(), Notes()

    async def wait(message: Message) -> None:
        await gate.wait()
        await slow.note(message)

    async with LocalBus() as bus:
        bus.subscribe("#", wait)
        bus.subscribe("#", quick.note)
        for number in range(6):
            await bus.publish("t", bytes([number]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert len(quick.heard) == 6
        gate.set()
        await bus.drain()
        assert bus.dropped == 2
    assert slow.heard == [bytes([number]) for number in (0, 3, 4, 5)]


async def test_a_handler_that_raises_is_counted_and_goes_on() -> None:
    notes = Notes()

    async def fail_once(message: Message) -> None:
        if message.payload == b"bad":
            raise RuntimeError(message.topic)
        await notes.note(message)

    async with LocalBus() as bus:
        bus.subscribe("#", fail_once)
        await bus.publish("t", b"bad")
        await bus.publish("t", b"good")
        await bus.drain()
        assert bus.failed == 1
    assert notes.heard == [b"good"]


async def test_a_handler_may_take_back_its_own_subscription_and_finish() -> None:
    notes = Notes()
    async with LocalBus() as bus:

        async def once(message: Message) -> None:
            unsubscribe()
            await asyncio.sleep(0)
            await notes.note(message)

        unsubscribe = bus.subscribe("#", once)
        await bus.publish("t", b"1")
        await bus.publish("t", b"2")
        await bus.drain()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert notes.heard == [b"1"]


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a\0", "x" * 65_536, "\ud800"])
async def test_a_topic_that_mqtt_cannot_carry_is_refused(topic: str) -> None:
    async with LocalBus() as bus:
        with pytest.raises(BusError):
            await bus.publish(topic, b"")


async def test_publish_to_deliver_takes_well_under_a_millisecond() -> None:
    notes, n = Notes(), 500
    async with LocalBus() as bus:
        bus.subscribe("hermes/+/x", notes.note)
        started = time.process_time()
        for _ in range(n):
            await bus.publish("hermes/a/x", b"{}")
            await bus.drain()
        assert (time.process_time() - started) / n < 0.001
    assert len(notes.heard) == n
