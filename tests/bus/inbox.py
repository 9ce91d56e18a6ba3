"""A subscriber that a test can wait on."""

import asyncio
import logging
import random
from collections.abc import Callable

from voice.bus.base import Bus, Message


class Inbox:
    """Collects the messages of a filter."""

    def __init__(self, bus: Bus, topic_filter: str) -> None:
        self.messages: list[Message] = []
        self._changed = asyncio.Condition()
        bus.subscribe(topic_filter, self._note)

    async def _note(self, message: Message) -> None:
        async with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    @property
    def payloads(self) -> list[bytes]:
        """What arrived so far."""
        return [message.payload for message in self.messages]

    async def until(self, payload: bytes) -> None:
        """Return when this payload has arrived."""
        await self._until(lambda: payload in self.payloads)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(holds)


class Switch:
    """Follows a link's connection."""

    def __init__(self) -> None:
        self.history: list[bool] = []
        self._changed = asyncio.Event()

    def note(self, connected: bool) -> None:
        """Be the listener of `on_connection`."""
        self.history.append(connected)
        self._changed.set()

    async def until(self, history: list[bool]) -> None:
        """Return when the connection has gone through these states."""
        async with asyncio.timeout(10):
            while self.history != history:
                self._changed.clear()
                await self._changed.wait()


class Log(logging.Handler):
    """Collects the lines of a logger, and can be waited on."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._written = asyncio.Event()
        logger = logging.getLogger(name)
        for earlier in [handler for handler in logger.handlers if isinstance(handler, Log)]:
            logger.removeHandler(earlier)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._written.set()

    async def until(self, text: str) -> None:
        """Return when a line holds this text."""
        async with asyncio.timeout(10):
            while not any(text in line for line in self.lines):
                self._written.clear()
                await self._written.wait()


class Pauses(random.Random):
    """A link's jitter: notes between which bounds each pause is drawn, and makes it none."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[tuple[float, float]] = []
        self._drew = asyncio.Event()

    def uniform(self, a: float, b: float) -> float:
        """Be drawn from."""
        self.drawn.append((a, b))
        self._drew.set()
        return 0.0

    async def until(self, count: int) -> None:
        """Return when this many pauses were made."""
        async with asyncio.timeout(20):
            while len(self.drawn) < count:
                self._drew.clear()
                await self._drew.wait()
