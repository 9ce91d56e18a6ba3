"""What a running skill can do to the world; whoever runs it provides it."""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from voice.clock import Cancel
from voice.skill.handler import Call
from voice.skill.schedule import Schedule
from voice.skill.storage import Home

if TYPE_CHECKING:
    from voice.skill.skill import Skill


class Schedules(Protocol):
    """What a skill has to do later."""

    @property
    def entries(self) -> tuple[Schedule, ...]:
        """What is open, the next one first."""
        ...

    def add(self, entry: Schedule) -> None:
        """Add one, or replace the one of its key."""
        ...

    def remove(self, key: str) -> bool:
        """Take one back; return whether there was one."""
        ...


class Stage(Protocol):
    """What the host does for its skills, from any thread."""

    def publish(self, skill: "Skill", topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish a message."""
        ...

    def say(self, text: str, site: str) -> None:
        """Speak outside a session."""
        ...

    def after(self, seconds: float, callback: Call, skill: "Skill", site: str) -> Cancel:
        """Call back later; a text that it returns is spoken at `site`."""
        ...

    def today(self) -> datetime:
        """Return the local date and time."""
        ...

    def home(self, skill: "Skill") -> Home:
        """Return where a skill keeps things."""
        ...

    def schedules(self, skill: "Skill") -> Schedules:
        """Return what a skill has to do later."""
        ...

    def fault(self, skill: "Skill", text: str) -> None:
        """Tell of something that went wrong while nobody asked."""
        ...

    def relist(self, skill: "Skill", name: str) -> None:
        """Let a list that has changed be heard."""
        ...
