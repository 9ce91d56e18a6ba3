"""Clocks for deadlines and timers: the event loop's, and one that tests and file-driven runs advance by hand.

What decides from audio reads the sample clock (`voice.events`); a clock here only says when to give up or to ring.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

_T = TypeVar("_T")

Cancel = Callable[[], None]
"""Takes back what was scheduled; harmless when it has already happened."""


class Clock(Protocol):
    """Seconds that only go forward, callbacks after some of them, and the time of day."""

    def now(self) -> float:
        """Return seconds since an arbitrary start."""
        ...

    def today(self) -> datetime:
        """Return the local date and time."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        """Call `callback` on the event loop's thread in `seconds`."""
        ...


class LoopClock:
    """Real time, by the running event loop."""

    def now(self) -> float:
        """Return the loop's monotonic seconds."""
        return asyncio.get_running_loop().time()

    def today(self) -> datetime:
        """Return the local date and time."""
        return datetime.now()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        """Call `callback` in `seconds`."""
        handle = asyncio.get_running_loop().call_later(seconds, callback)
        return handle.cancel


class VirtualClock:
    """Time that stands still until someone advances it.

    Args:
        start: the time of day at which it begins.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 5, 9, 0)) -> None:
        self._start = start
        self._now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._pending: set[int] = set()

    def now(self) -> float:
        """Return the seconds advanced so far."""
        return self._now

    def today(self) -> datetime:
        """Return the start moved on by the seconds advanced."""
        return self._start + timedelta(seconds=self._now)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        """Call `callback` once the clock has been advanced by `seconds`."""
        number = next(self._order)
        heapq.heappush(self._due, (self._now + max(0.0, seconds), number, callback))
        self._pending.add(number)
        return lambda: self._pending.discard(number)

    async def advance(self, seconds: float, settle: Callable[[], Awaitable[None]] | None = None) -> None:
        """Move time on, calling what falls due at its own moment.

        Args:
            seconds: how far.
            settle: awaited after every callback, so that what it sets off happens at that moment too, for example
                `LocalBus.drain`; None yields to the event loop once.
        """
        target = self._now + seconds
        while self._due and self._due[0][0] <= target:
            at, number, callback = heapq.heappop(self._due)
            if number not in self._pending:  # taken back
                continue
            self._pending.discard(number)
            self._now = max(self._now, at)
            callback()
            await (settle() if settle else asyncio.sleep(0))
        self._now = target


async def sleep(clock: Clock, seconds: float) -> None:
    """Return after `seconds` of `clock`."""
    over = asyncio.Event()
    cancel = clock.call_later(seconds, over.set)
    try:
        await over.wait()
    finally:
        cancel()


async def within(clock: Clock, seconds: float, work: Awaitable[_T]) -> _T:
    """Return the result of `work`; after `seconds` of `clock` it is cancelled and left behind, even if it resists.

    Raises:
        TimeoutError: it took longer.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_retrieve)
    over = asyncio.Event()
    cancel = clock.call_later(seconds, over.set)
    task.add_done_callback(lambda _: over.set())
    try:
        await over.wait()
        if task.done():
            return task.result()
        raise TimeoutError(f"no answer in {seconds:g} s")
    finally:
        cancel()
        task.cancel()


def _retrieve(task: "asyncio.Future[_T]") -> None:
    if not task.cancelled():
        task.exception()
