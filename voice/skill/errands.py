"""What skills do when nobody has asked: timers, schedules, what comes again and again, messages of their topics."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from voice.bus.base import Bus, Message, Unsubscribe
from voice.bus.topics import NotificationInit, StartSession, send
from voice.clock import Cancel, Clock
from voice.errors import SkillError
from voice.skill.handler import Call
from voice.skill.listening import Subscription
from voice.skill.replies import Context
from voice.skill.schedule import Schedule, Timetable
from voice.skill.stage import Schedules
from voice.skill.storage import Home

if TYPE_CHECKING:
    from voice.skill.skill import Skill

MESSAGES_PER_S, BURST = 50.0, 500.0
"""What a skill may publish for long, and at once; more is its fault, not the loop's load."""
MAX_TEXT = 10_000  # characters
_BATCH = 20  # messages that go out before the loop looks at anything else
_MAX_DELAY_S = 10**8  # three years


class Perform(Protocol):
    """Calls a skill's function on its behalf and speaks what it returns."""

    async def __call__(self, skill: "Skill", call: Call, arguments: Callable[[], Mapping[str, Any]], site: str) -> None:
        """Return when it is done; faults are reported."""
        ...


class Errands:
    """The part of the skills' stage that doesn't answer intents. Needs a running event loop.

    Args:
        bus: where messages go.
        clock: for timers and schedules.
        perform: calls a skill's function.
        state: the folder of what skills keep; None keeps it in memory.
    """

    def __init__(self, bus: Bus, clock: Clock, perform: Perform, state: Path | None) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        """What is going on."""
        self._bus = bus
        self._clock = clock
        self._perform = perform
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._timers: dict[Cancel, str] = {}
        self._timetables: dict[str, Timetable] = {}
        self._homes: dict[str, Home] = {}
        self._subscribed: dict[str, list[Unsubscribe]] = {}
        self._buckets: dict[str, _Bucket] = {}
        self._outbox: deque[Message] = deque()
        self._lock = threading.Lock()

    def start(self, skill: "Skill") -> None:
        """Begin a skill's errands."""
        self._buckets.setdefault(skill.name, _Bucket())
        table = Timetable(self.home(skill), self._clock, lambda entry: self._ring(skill, entry), self.on_loop)
        self._timetables[skill.name] = table
        self._subscribed[skill.name] = [self._hear(skill, subscription) for subscription in skill.subscriptions]
        for period_s, call in skill.repeats:
            self._repeat(skill, period_s, call)
        table.start()

    def stop(self, skill: "Skill") -> None:
        """End a skill's errands; what it has scheduled stays on disk."""
        for unsubscribe in self._subscribed.pop(skill.name, ()):
            unsubscribe()
        if table := self._timetables.pop(skill.name, None):
            table.stop()
        for cancel in [cancel for cancel, owner in self._timers.items() if owner == skill.name]:
            cancel()

    # ---- callable from any thread ------------------------------------------------------------------------------

    def publish(self, skill: "Skill", topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish a message.

        Raises:
            SkillError: it publishes too fast.
        """
        self._buckets[skill.name].take(skill.name)
        with self._lock:
            self._outbox.append(Message(topic, payload, retain))
            if len(self._outbox) > 1:  # what empties it is on its way
                return
        self.on_loop(lambda: self.spawn(self._empty()))

    def say(self, text: str, site: str) -> None:
        """Open a session that speaks `text`."""
        session = StartSession(init=NotificationInit(text=speakable(text)), site_id=site)
        self.on_loop(lambda: self.spawn(send(self._bus, session)))

    def today(self) -> datetime:
        """Return the local date and time."""
        return self._clock.today()

    def home(self, skill: "Skill") -> Home:
        """Return where a skill keeps things."""
        folder = self._state / skill.name if self._state else None
        return self._homes.setdefault(skill.name, Home(folder))

    def schedules(self, skill: "Skill") -> Schedules:
        """Return what a skill has to do later."""
        return self._timetables[skill.name]

    def after(self, seconds: float, callback: Call, skill: "Skill", site: str) -> Cancel:
        """Call back later; a text that it returns is spoken at `site`.

        Raises:
            SkillError: the time can't be waited for.
        """
        if not 0 <= seconds < _MAX_DELAY_S:
            raise SkillError(f"skill.after({seconds!r}, ...)", fix=f"give seconds, 0 to {_MAX_DELAY_S}")
        scheduled: list[Cancel] = []

        def ring() -> None:
            self._timers.pop(cancel, None)
            self.spawn(self._perform(skill, callback, dict, site))

        def cancel() -> None:
            self._timers.pop(cancel, None)
            for take_back in scheduled:
                take_back()

        def schedule() -> None:
            scheduled.append(self._clock.call_later(seconds, ring))
            self._timers[cancel] = skill.name

        self.on_loop(schedule)
        return lambda: self.on_loop(cancel)

    # ---- the event loop ----------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on by itself."""
        task = self._loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_loop(self, work: Callable[[], None]) -> None:
        """Call a function on the event loop's thread: now, where this is it."""
        if threading.get_ident() == self._thread:
            work()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    async def _empty(self) -> None:
        """Publish what is waiting, in order, without keeping the loop from anything else."""
        while True:
            with self._lock:
                if not self._outbox:
                    return
                batch = tuple(self._outbox)[:_BATCH]
            for message in batch:
                await self._bus.publish(message.topic, message.payload, retain=message.retain)
            with self._lock:
                for _ in batch:
                    self._outbox.popleft()
            await asyncio.sleep(0)

    def _ring(self, skill: "Skill", entry: Schedule) -> None:
        handler = skill.due.get(entry.call)
        if handler is None:  # an older version of the skill made it
            return
        given = {"due": entry.due, "key": entry.key, **entry.data}
        context = Context(entry.site)
        self.spawn(self._perform(skill, handler.call, lambda: handler.parameters.bind(given, context), entry.site))

    def _repeat(self, skill: "Skill", period_s: float, call: Call) -> None:
        def again() -> None:
            self._timers.pop(cancel, None)
            self._repeat(skill, period_s, call)
            self.spawn(self._perform(skill, call, dict, "default"))

        take_back = self._clock.call_later(period_s, again)

        def cancel() -> None:
            self._timers.pop(cancel, None)
            take_back()

        self._timers[cancel] = skill.name

    def _hear(self, skill: "Skill", subscription: Subscription) -> Unsubscribe:
        async def heard(message: Message) -> None:
            given = subscription.given(message.topic, message.payload)
            await self._perform(
                skill, subscription.call, lambda: subscription.parameters.bind(given, Context()), "default"
            )

        return self._bus.subscribe(subscription.topic_filter, heard)


class _Bucket:
    """A token bucket: so many messages at once, so many for long."""

    def __init__(self) -> None:
        self._level = BURST
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, skill: str) -> None:
        with self._lock:
            now = time.monotonic()
            self._level = min(BURST, self._level + (now - self._at) * MESSAGES_PER_S)
            self._at = now
            if self._level < 1:
                raise SkillError(
                    f"{skill} floods the bus", fix=f"publish at most {MESSAGES_PER_S:g} messages a second for long"
                )
            self._level -= 1


def speakable(text: str) -> str:
    """Return what Hermes carries of a text: no more than the limit, and no halves of surrogate pairs."""
    return text[:MAX_TEXT].encode(errors="replace").decode()
