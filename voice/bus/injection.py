"""Injection over Hermes: names that can be said from now on, one request after another."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from voice.bus.base import Bus
from voice.bus.topics import (
    ComponentLoaded,
    ErrorMessage,
    Injected,
    InjectionComplete,
    InjectionPerform,
    InjectionReset,
    InjectionResetComplete,
    InjectionStatus,
    InjectionStatusRequest,
    on,
    send,
)
from voice.errors import EarshotError

Names = Mapping[str, Sequence[str | tuple[str, Any]]]
"""List -> spoken forms, or pairs of spoken form and value."""


class Lists(Protocol):
    """What can be said and changes at run time. Called on a thread; each call waits for the one before."""

    def add(self, lists: Names) -> None:
        """Add names to those that lists have now.

        Raises:
            EarshotError: they can't be added; nothing has changed.
        """
        ...

    def add_to_first(self, lists: Names) -> None:
        """Add names to those that lists had at first.

        Raises:
            EarshotError: they can't be added; nothing has changed.
        """
        ...

    def forget(self) -> None:
        """Return all lists to what they were at first."""
        ...


class Injection:
    """Answers `hermes/injection/...`. A request with a fault is answered on `hermes/error/injection`.

    Operations of one request take effect in their order; one that fails ends the request, and those before it stay.

    Args:
        bus: Hermes.
        lists: what is changed.
        today: the time of day, for the status.
    """

    def __init__(self, bus: Bus, lists: Lists, today: Callable[[], datetime] = datetime.now) -> None:
        self._bus = bus
        self._lists = lists
        self._today = today
        self._turn = asyncio.Lock()
        self._running = self._completed = self._failed = 0
        self._last: str | None = None
        self._injected: Counter[str] = Counter()
        self._unsubscribe = (
            on(bus, InjectionPerform, self._perform),
            on(bus, InjectionReset, self._reset),
            on(bus, InjectionStatusRequest, self._status),
        )

    async def close(self) -> None:
        """Take no more requests."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def _perform(self, message: InjectionPerform) -> None:
        if await self._change(lambda: self._apply(message), message.id):
            await send(self._bus, InjectionComplete(request_id=message.id))

    def _apply(self, message: InjectionPerform) -> None:
        for kind, lists in message.operations:
            if kind == "addFromVanilla":
                self._lists.add_to_first(lists)
                for name in lists:
                    del self._injected[name]
            else:
                self._lists.add(lists)
            self._injected.update({name: len(names) for name, names in lists.items()})

    async def _reset(self, message: InjectionReset) -> None:
        if await self._change(self._lists.forget, message.request_id):
            self._injected.clear()
            await send(self._bus, InjectionResetComplete(request_id=message.request_id))

    async def _change(self, work: Callable[[], None], request_id: str | None) -> bool:
        """Change the lists on a thread; return whether that went well."""
        self._running += 1
        try:
            async with self._turn:
                await asyncio.to_thread(work)
        except EarshotError as error:
            self._failed += 1
            await send(self._bus, ErrorMessage(component="injection", error=str(error), context=request_id))
            return False
        finally:
            self._running -= 1
        self._completed += 1
        self._last = self._today().isoformat(timespec="seconds")
        for component in ("asr", "nlu"):
            await send(self._bus, ComponentLoaded(component=component, load_id=request_id))
        return True

    async def _status(self, _: InjectionStatusRequest) -> None:
        entities = [Injected(entity=name, count=n) for name, n in sorted(self._injected.items()) if n]
        status = InjectionStatus(
            running=self._running,
            completed=self._completed,
            failed=self._failed,
            last_injection_date=self._last,
            entities=entities,
        )
        await send(self._bus, status)
