"""What a bus is: publish bytes on a topic, hear the topics that a filter matches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Message:
    """A payload on a topic."""

    topic: str
    payload: bytes
    retain: bool = False


Handler = Callable[[Message], Awaitable[None]]
"""Called once for each message, in order, one at a time for each subscription."""

Unsubscribe = Callable[[], None]


class Bus(Protocol):
    """Publish and subscribe. Every subscription has its own bounded queue: a slow handler delays only itself."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to every matching subscription. Never blocks on a slow subscriber or a dead broker."""
        ...

    def subscribe(self, topic_filter: str, handler: Handler) -> Unsubscribe:
        """Call `handler` for each message whose topic matches (MQTT wildcards `+` and `#`)."""
        ...
