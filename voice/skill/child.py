"""A skill's own process: `python -m voice.skill.child DESCRIPTOR`. It loads one skill, then does as its host says.

Calls come one after the other and run on the main thread; what a thread of the skill publishes goes out in between.
"""

import asyncio
import inspect
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from voice.clock import Cancel
from voice.errors import EarshotError, SkillError
from voice.skill import wire
from voice.skill.handler import Call, checked
from voice.skill.limits import confine, limit
from voice.skill.loader import declared, files_of, load_target
from voice.skill.options import load_options
from voice.skill.replies import Context, Reply
from voice.skill.schedule import Schedule
from voice.skill.skill import Skill
from voice.skill.slots import Takes
from voice.skill.stage import Schedules
from voice.skill.storage import Home

_MEMORY = "out of memory: raise skills.memory_mb, or mend a leak"


class ChildStage:
    """The stage of a skill in its own process: everything is a line to the host.

    Args:
        send: writes a message.
        state: folder of what the skill keeps.
    """

    def __init__(self, send: Callable[[BaseModel], None], state: Path | None) -> None:
        self.send = send
        self.ahead = timedelta()
        """How far the host's clock is ahead of this machine's."""
        self.later: dict[int, Call] = {}
        self.table = _Mirror(send)
        self._home = Home(state)
        self._numbers = 0

    def publish(self, skill: Skill, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish a message."""
        self.send(wire.Published(topic=topic, payload=payload.decode("latin-1"), retain=retain))

    def say(self, text: str, site: str) -> None:
        """Speak outside a session."""
        self.send(wire.Spoken(text=text, site=site))

    def after(self, seconds: float, callback: Call, skill: Skill, site: str) -> Cancel:
        """Call back later."""
        self._numbers += 1
        number = self._numbers
        self.later[number] = callback
        self.send(wire.Later(id=number, seconds=seconds, site=site))

        def cancel() -> None:
            if self.later.pop(number, None):
                self.send(wire.Cancelled(id=number))

        return cancel

    def today(self) -> datetime:
        """Return the host's date and time."""
        return datetime.now() + self.ahead

    def home(self, skill: Skill) -> Home:
        """Return where the skill keeps things."""
        return self._home

    def schedules(self, skill: Skill) -> Schedules:
        """Return what the skill has to do later."""
        return self.table

    def fault(self, skill: Skill, text: str) -> None:
        """Leave a line in the host's log."""
        print(text, file=sys.stderr)

    def relist(self, skill: Skill, name: str) -> None:
        """Let a list that has changed be heard."""
        values = wire.Values.of(skill.lists[name])
        if values is not None:
            self.send(wire.Relisted(name=name, values=values))


class _Mirror:
    """The schedules as the host keeps them."""

    def __init__(self, send: Callable[[BaseModel], None]) -> None:
        self.open: dict[str, Schedule] = {}
        self._send = send

    @property
    def entries(self) -> tuple[Schedule, ...]:
        return tuple(sorted(self.open.values(), key=lambda entry: entry.due.timestamp()))

    def add(self, entry: Schedule) -> None:
        self._send(wire.Scheduled(entry=entry))
        self.open[entry.key] = entry

    def remove(self, key: str) -> bool:
        if self.open.pop(key, None) is None:
            return False
        self._send(wire.Unscheduled(key=key))
        return True


class Child:
    """One skill, and the functions of it that the host can call.

    Args:
        skill: it.
        stage: what it acts on.
    """

    def __init__(self, skill: Skill, stage: ChildStage) -> None:
        self._skill = skill
        self._stage = stage
        self._loop = asyncio.Runner()
        skill.bind(stage)

    def begin(self, message: wire.Begin) -> None:
        """Start the skill and say how that went."""
        self._stage.ahead = message.now - datetime.now()
        self._stage.table.open = {entry.key: entry for entry in message.schedules}

        def start() -> None:
            for function in self._skill.starts:
                self._run(function, {})

        self._answer(message.id, start)

    def call(self, message: wire.CallPart) -> None:
        """Call a function and say what came of it."""
        self._stage.ahead = message.now - datetime.now()
        context = Context(message.site, message.text, message.confidence, message.session)
        if message.part == "due" and message.given.get("key") in self._stage.table.open:
            self._fire(str(message.given["key"]), message.now)

        def work() -> Reply:
            function, takes = self._part(message.part, message.which)
            return self._run(function, takes.bind(message.given, context) if takes else {})

        self._answer(message.id, work)

    def _fire(self, key: str, now: datetime) -> None:
        following = self._stage.table.open[key].after(now)
        if following:
            self._stage.table.open[key] = following
        else:
            del self._stage.table.open[key]

    def _part(self, part: str, which: str) -> tuple[Callable[..., Any], Takes | None]:
        skill = self._skill
        match part:
            case "handler":
                return skill.handlers[int(which)].call, skill.handlers[int(which)].parameters
            case "not_recognized" if skill.not_recognized:
                return skill.not_recognized.call, skill.not_recognized.parameters
            case "fallback":
                return skill.fallbacks[int(which)].call, skill.fallbacks[int(which)].parameters
            case "message":
                return skill.subscriptions[int(which)].call, skill.subscriptions[int(which)].parameters
            case "due":
                return skill.due[which].call, skill.due[which].parameters
            case "repeat":
                return skill.repeats[int(which)][1], None
        callback = self._stage.later.pop(int(which), None)
        return callback or (lambda: None), None

    def _run(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        if inspect.iscoroutinefunction(function):
            return self._loop.run(function(**arguments))
        return function(**arguments)

    def _answer(self, number: int, work: Callable[[], Any]) -> None:
        try:
            answer: BaseModel = wire.Answered.of(number, checked(work()))
            self._stage.send(answer)
        except MemoryError:
            self._stage.send(wire.Raised(id=number, error=_MEMORY, fatal=True))
            os._exit(wire.OUT_OF_MEMORY)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - the skill boundary
            self._stage.send(wire.Raised(id=number, error=line_of_error(error)))


def card_of(skill: Skill, files: Sequence[Path]) -> wire.Card:
    """Return what the host has to know of a skill."""
    handlers, lists, rules = skill.translated()
    return wire.Card(
        name=skill.name,
        description=skill.description,
        publishes=[*skill.publishes],
        needs=[*skill.needs],
        language=skill.language,
        handlers=[
            wire.CardHandler(
                intent=handler.intent,
                is_answer=handler.is_answer,
                templates=[(template, {**fixed}) for template, fixed in handler.templates.items()],
                dangerous=handler.policy.dangerous,
                min_confidence=handler.policy.min_confidence,
                slots={n: wire.Values.of(handler.parameters.spoken(n)) for n in sorted(handler.parameters.names)},
            )
            for handler in handlers
        ],
        lists={name: found for name, values in lists.items() if (found := wire.Values.of(values))},
        rules=rules,
        not_recognized=skill.not_recognized is not None,
        starts=len(skill.starts),
        fallbacks=[fallback.priority for fallback in skill.fallbacks],
        subscriptions=[subscription.pattern for subscription in skill.subscriptions],
        due=[*skill.due],
        repeats=[period_s for period_s, _ in skill.repeats],
        files=[str(file) for file in files],
    )


def line_of_error(error: BaseException) -> str:
    """Return an error in one line."""
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return str(SkillError("called exit", fix="return instead"))
    text = (str(error).strip().splitlines() or [""])[0]
    return text if isinstance(error, EarshotError) and text else f"{type(error).__name__}: {text}"


def _load(message: wire.Load, send: Callable[[BaseModel], None]) -> Child:
    state = Path(message.state) if message.state else None
    limit(message.memory_mb)
    said = declared(message.target)
    confine(said.needs, state)
    skill = load_target(message.target)
    if (skill.name, tuple(skill.needs)) != (said.name, said.needs):
        raise SkillError(f"{message.target}: the skill is not the one it says", fix="define one skill in its file")
    stage = ChildStage(send, state)
    skill.speak(message.language)
    if skill.model is not None:
        skill.settings = load_options(skill.name, skill.model, message.settings, stage.home(skill)).value
    child = Child(skill, stage)
    send(card_of(skill, files_of(message.target, skill)))
    return child


def main(descriptor: int) -> None:
    """Serve the host at the other end of a socket until it hangs up."""
    lock = threading.Lock()
    with socket.socket(fileno=descriptor) as channel, channel.makefile("rb") as lines:

        def send(message: BaseModel) -> None:
            line = wire.line_of(message)
            if len(line) > wire.MAX_LINE:
                raise SkillError(f"{len(line)} bytes at once", fix=f"say and publish at most {wire.MAX_LINE}")
            with lock:
                channel.sendall(line)

        child: Child | None = None
        for line in lines:
            message = wire.from_host.validate_json(line)
            if isinstance(message, wire.Load):
                try:
                    child = _load(message, send)
                except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - the skill boundary
                    send(wire.Failed(error=line_of_error(error)))
                    return
            elif child is not None and isinstance(message, wire.Begin):
                child.begin(message)
            elif child is not None and isinstance(message, wire.CallPart):
                child.call(message)


if __name__ == "__main__":
    main(int(sys.argv[1]))
