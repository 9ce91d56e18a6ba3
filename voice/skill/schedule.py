"""What a skill has to do later: kept on disk, so that a timer rings after a restart too."""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from voice.clock import Cancel, Clock
from voice.errors import SkillError
from voice.skill.storage import Home

_log = logging.getLogger(__name__)

Repeat = Literal["hourly", "daily", "weekdays", "weekends", "weekly"]
"""When a schedule comes again, by the local calendar: at the same time of day, whatever daylight saving does."""

MAX_SCHEDULES = 200
"""What one skill may have open."""
_LONGEST_S = 3600.0
"""Waits are cut into pieces of an hour: the time of day may be put right in between."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One thing to do."""

    key: str
    """Its name within the skill; a new one of the same name replaces it."""
    call: str
    """Name of the function, which `skill.on_due` decorates."""
    due: datetime
    """Local date and time."""
    site: str = "default"
    """Where a text that the function returns is spoken."""
    repeat: Repeat | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """The function's arguments."""

    def after(self, now: datetime) -> "Schedule | None":
        """Return the next time after `now`; None where it doesn't come again."""
        if self.repeat is None:
            return None
        step = {"hourly": _HOUR, "weekly": 7 * _DAY}.get(self.repeat, _DAY)
        due = self.due + step * max(1, (now - self.due) // step)
        while due <= now or not _falls_on(due, self.repeat):
            due += step
        return replace(self, due=due)


def _falls_on(due: datetime, repeat: Repeat) -> bool:
    weekend = due.weekday() >= 5
    return weekend if repeat == "weekends" else not weekend if repeat == "weekdays" else True


def later(now: datetime, seconds: float) -> datetime:
    """Return the local time in `seconds`, also across a change of daylight saving."""
    return datetime.fromtimestamp(now.timestamp() + seconds)


_KEPT = TypeAdapter(list[Schedule])


def new_schedule(
    call: str, due: datetime, key: str | None, site: str, repeat: Any, data: Mapping[str, Any]
) -> Schedule:
    """Return a schedule.

    Raises:
        SkillError: it is not one that can be kept.
    """
    entry = {"key": key or secrets.token_hex(4), "call": call, "due": due, "site": site, "repeat": repeat, "data": data}
    try:
        return TypeAdapter(Schedule).validate_python(entry)
    except ValidationError as error:
        detail = error.errors()[0]
        what = ".".join(map(str, detail["loc"]))
        raise SkillError(f"a schedule's {what}={detail['input']!r:.60}", fix=detail["msg"]) from error


class Timetable:
    """The schedules of one skill.

    Args:
        home: where they are kept.
        clock: what says when.
        ring: called on the event loop with what is due.
        on_loop: calls a function on the event loop's thread.
    """

    def __init__(
        self,
        home: Home,
        clock: Clock,
        ring: Callable[[Schedule], None],
        on_loop: Callable[[Callable[[], None]], None],
    ) -> None:
        self._home = home
        self._clock = clock
        self._ring = ring
        self._on_loop = on_loop
        self._lock = threading.Lock()
        self._cancel: Cancel | None = None
        self._open: dict[str, Schedule] = {}
        try:
            kept = _KEPT.validate_python(home.read("schedules") or [])
        except ValidationError:
            kept = []
        self._open = {entry.key: entry for entry in kept}

    @property
    def entries(self) -> tuple[Schedule, ...]:
        """What is open, the next one first."""
        return tuple(sorted(self._open.values(), key=lambda entry: entry.due.timestamp()))

    def start(self) -> None:
        """Begin to wait; what fell due while nobody waited is due now."""
        self._on_loop(self._arm)

    def stop(self) -> None:
        """Wait no longer; what is open stays on disk."""
        if self._cancel:
            self._cancel()
        self._cancel = None

    def add(self, entry: Schedule) -> None:
        """Add one; it is on disk when this returns.

        Raises:
            SkillError: there are too many, or it can't be kept.
        """
        with self._lock:
            if entry.key not in self._open and len(self._open) >= MAX_SCHEDULES:
                raise SkillError(f"{MAX_SCHEDULES} schedules are open", fix="take some back with skill.unschedule")
            self._keep({**self._open, entry.key: entry})
        self._on_loop(self._arm)

    def remove(self, key: str) -> bool:
        """Take one back; return whether there was one."""
        with self._lock:
            if key not in self._open:
                return False
            self._keep({name: entry for name, entry in self._open.items() if name != key})
        self._on_loop(self._arm)
        return True

    def _keep(self, entries: dict[str, Schedule]) -> None:
        kept = [{**asdict(entry), "due": entry.due.isoformat()} for entry in entries.values()]
        self._home.write("schedules", kept)
        self._open = entries

    def _arm(self) -> None:
        if self._cancel:
            self._cancel()
        self._cancel = None
        if entries := self.entries:
            wait = entries[0].due.timestamp() - self._clock.today().timestamp()
            self._cancel = self._clock.call_later(min(max(0.0, wait), _LONGEST_S), self._wake)

    def _wake(self) -> None:
        now = self._clock.today()
        due = [entry for entry in self.entries if entry.due.timestamp() <= now.timestamp()]
        if due:
            self._take(due, now)
        for entry in due:
            self._ring(entry)
        self._arm()

    def _take(self, due: Sequence[Schedule], now: datetime) -> None:
        """Replace what is due by what follows it. A full disk must not keep an alarm from ringing."""
        with self._lock:
            following = {entry.key: entry.after(now) for entry in due}
            left = {key: entry for key, entry in self._open.items() if key not in following}
            left |= {key: entry for key, entry in following.items() if entry}
            try:
                self._keep(left)
            except SkillError as error:
                _log.error("%s", error)
                self._open = left
