"""Publish a payload; hear payloads of one kind."""

import logging
from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol, Self, TypeVar
from weakref import WeakValueDictionary

from voice.bus.base import Bus, Message, Unsubscribe
from voice.bus.topics.sounding import ErrorMessage
from voice.errors import BusError

_log = logging.getLogger(__name__)

_answered: WeakValueDictionary[int, Message] = WeakValueDictionary()
"""Malformed messages on their way, by identity: several may hear one, and it is answered once."""


class Sendable(Protocol):
    """Anything with a topic and bytes."""

    def topic(self) -> str:
        """Return the topic."""
        ...

    def encode(self) -> bytes:
        """Return the payload."""
        ...


class _Parseable(Protocol):
    topic_filter: ClassVar[str]

    @classmethod
    def parse(cls, message: Message) -> Self: ...


_P = TypeVar("_P", bound=_Parseable)


async def send(bus: Bus, message: Sendable) -> None:
    """Publish a message on its topic."""
    await bus.publish(message.topic(), message.encode())


def on(bus: Bus, model: type[_P], handler: Callable[[_P], Awaitable[None]]) -> Unsubscribe:
    """Call `handler` with each well-formed message; a malformed one is answered on `hermes/error/<component>`."""

    async def receive(message: Message) -> None:
        try:
            parsed = model.parse(message)
        except BusError as error:
            if _answered.get(id(message)) is not message:
                _answered[id(message)] = message
                await _answer(bus, message, error)
            return
        await handler(parsed)

    return bus.subscribe(model.topic_filter, receive)


async def _answer(bus: Bus, message: Message, error: BusError) -> None:
    _log.warning("%s", error)
    component = message.topic.split("/")[1] if message.topic.count("/") else "bus"
    if component != "error":
        await send(bus, ErrorMessage(component=component, error=str(error), context=message.topic))
