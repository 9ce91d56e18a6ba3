"""The in-process hub: everything local talks over it, and the MQTT link mirrors it to a broker."""

import asyncio
import contextlib
import logging
from collections import deque
from types import TracebackType
from typing import Self

from voice.bus.base import Handler, Message, Unsubscribe
from voice.errors import BusError

_log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000
"""Messages that a subscription may lag behind; then the oldest is dropped."""
QUEUE_BYTES = 64 * 2**20
"""Bytes of payload that it may lag behind; the last message always stays."""


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether an MQTT topic filter matches a topic (MQTT 5.0, section 4.7)."""
    if topic_filter.startswith(("#", "+")) and topic.startswith("$"):
        return False
    levels, wanted = topic.split("/"), topic_filter.split("/")
    for i, level in enumerate(wanted):
        if level == "#":
            return True
        if i >= len(levels) or level not in ("+", levels[i]):
            return False
    return len(levels) == len(wanted)


def check_topic(topic: str) -> None:
    """Refuse what MQTT can't carry as the topic of a message (MQTT 5.0, section 4.7.1 and 4.7.3).

    Raises:
        BusError: it is empty, longer than 65535 bytes, or holds a wildcard, NUL or half a surrogate pair.
    """
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= 65_535 or any(c in topic for c in "+#\0"):
        raise BusError(f"{topic[:80]!r} is no topic to publish on", fix="no wildcards; escape ids with safe_level")


class _Subscription:
    """A filter, its handler, and a bounded queue with a worker between them."""

    def __init__(self, topic_filter: str, handler: Handler) -> None:
        self.topic_filter = topic_filter
        self.dropped = 0
        self.failed = 0
        self._handler = handler
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._busy = False
        self._closed = False
        self.worker = asyncio.create_task(self._work(), name=f"bus {topic_filter}")

    @property
    def idle(self) -> bool:
        return not self._queue and not self._busy

    def takes(self, topic: str, skip: Handler | None) -> bool:
        return matches(self.topic_filter, topic) and (skip is None or self._handler != skip)

    def close(self) -> None:
        """End after the call that runs now: a handler may take back its own subscription."""
        self._closed = True
        self._queue.clear()
        self._bytes = 0
        self._filled.set()

    def offer(self, message: Message) -> None:
        self._bytes += len(message.payload)
        while self._queue and (len(self._queue) >= QUEUE_LIMIT or self._bytes > QUEUE_BYTES):
            self._bytes -= len(self._queue.popleft().payload)
            self.dropped += 1
            if self.dropped == 1:
                _log.warning("subscriber of %s is slow: the oldest messages are dropped", self.topic_filter)
        self._queue.append(message)
        self._filled.set()

    async def _work(self) -> None:
        while not self._closed:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                self._busy = True
                message = self._queue.popleft()
                self._bytes -= len(message.payload)
                await self._deliver(message)
                self._busy = False

    async def _deliver(self, message: Message) -> None:
        try:
            await self._handler(message)
        except Exception:  # noqa: BLE001 - a subscriber's fault must not silence the bus
            self.failed += 1
            _log.exception("handler of %s failed on %s", self.topic_filter, message.topic)


class LocalBus:
    """The hub. Use as an async context manager; leaving it ends the workers."""

    def __init__(self) -> None:
        self._subscriptions: list[_Subscription] = []
        self._workers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        workers = tuple(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._subscriptions.clear()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, skip: Handler | None = None) -> None:
        """Queue a message for every subscription that matches; returns at once.

        Args:
            topic: a topic without wildcards.
            payload: any bytes.
            retain: asks a broker to keep it for later subscribers; the hub itself keeps nothing.
            skip: a handler that doesn't get it, because it brought it.

        Raises:
            BusError: the topic can't be published on.
        """
        check_topic(topic)
        message = Message(topic, payload, retain)
        for subscription in self._subscriptions:
            if subscription.takes(topic, skip):
                subscription.offer(message)

    def subscribe(self, topic_filter: str, handler: Handler) -> Unsubscribe:
        """Call `handler` for each matching message, in order; needs a running event loop."""
        subscription = _Subscription(topic_filter, handler)
        self._subscriptions.append(subscription)
        self._workers.add(subscription.worker)
        subscription.worker.add_done_callback(self._workers.discard)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscriptions.remove(subscription)
                subscription.close()

        return unsubscribe

    @property
    def dropped(self) -> int:
        """Messages dropped for slow subscribers so far."""
        return sum(subscription.dropped for subscription in self._subscriptions)

    @property
    def failed(self) -> int:
        """Calls of a handler that ended in an exception so far."""
        return sum(subscription.failed for subscription in self._subscriptions)

    async def drain(self) -> None:
        """Return when every subscription has handled all it was given, and what that led to."""
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            quiet = quiet + 1 if all(subscription.idle for subscription in self._subscriptions) else 0
