"""Recognises our own messages when an MQTT 3.1.1 broker hands them back."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from voice.bus.base import Message

ECHO_S = 10.0
"""Seconds after which an echo is no longer expected."""

ECHO_LIMIT = 2000
"""Messages whose echo may be outstanding."""


class Echoes:
    """A bounded multiset of fingerprints, each with an expiry.

    The count makes it safe against twins: when another client publishes the very same message, two copies come back,
    one is ours and is swallowed, the other is delivered. MQTT 5 has the option noLocal instead (section 3.8.3.1).

    Args:
        clock: seconds, rising.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: OrderedDict[tuple[str, bytes], deque[float]] = OrderedDict()
        self._order: deque[tuple[float, tuple[str, bytes]]] = deque()

    def expect(self, message: Message) -> None:
        """Note a message that goes to the broker."""
        key, now = (message.topic, message.payload), self._clock()
        self._sent.setdefault(key, deque()).append(now)
        self._order.append((now, key))
        while self._order and (len(self._order) > ECHO_LIMIT or now - self._order[0][0] > ECHO_S):
            self._forget(*self._order.popleft())

    def is_ours(self, message: Message) -> bool:
        """Return whether the message is an echo that was due; it is due no more."""
        key, now = (message.topic, message.payload), self._clock()
        times = self._sent.get(key)
        while times:
            fresh = now - times.popleft() <= ECHO_S
            if not times:
                del self._sent[key]
            if fresh:
                return True
        return False

    def clear(self) -> None:
        """Expect nothing: the connection ended."""
        self._sent.clear()
        self._order.clear()

    def _forget(self, sent: float, key: tuple[str, bytes]) -> None:
        times = self._sent.get(key)
        if times and times[0] == sent:
            times.popleft()
            if not times:
                del self._sent[key]
