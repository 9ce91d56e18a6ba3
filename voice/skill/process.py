"""A skill in a process of its own, supervised: it may crash, hang, leak, flood or talk nonsense, and comes back."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from voice.clock import Cancel
from voice.errors import EarshotError, SkillError
from voice.skill import wire
from voice.skill.loader import declared
from voice.skill.replies import Context, Reply
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill
from voice.skill.spare import Spares, Spawned

_log = logging.getLogger(__name__)

LINES_PER_S = 1000
"""Lines of a process; more is a flood, and it is ended."""
STEADY_S = 60.0
"""Who has run for so long is no longer thought to be crashing again and again."""
_BACKOFF_S, _BACKOFF_LIMIT_S = 0.5, 60.0
_OUTPUT = 500  # characters of a line that a skill prints, for the log


class SkillProcess:
    """Runs one skill and gives it its limits. Needs a running event loop.

    Args:
        target: the skill's file, folder or `module:attribute`.
        settings: limits, and the skills' own settings.
        state: folder of what skills keep; None keeps it in memory.
        spares: where processes come from.
    """

    def __init__(self, target: str, settings: SkillSettings, state: Path | None, spares: Spares) -> None:
        self.target = target
        self.restarts = 0
        """How often it came back."""
        self.pid = 0
        self._settings = settings
        self._state = state
        self._spares = spares
        self._skill: Skill | None = None
        self._spawned: Spawned | None = None
        self._calls: dict[int, asyncio.Future[Reply]] = {}
        self._timers: dict[int, Cancel] = {}
        self._numbers = 0
        self._ready = asyncio.Event()
        self._closing = False
        self._ended_for = ""
        self._crashes = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> wire.Card:
        """Start it and return what the skill says of itself.

        Raises:
            SkillError: it can't be loaded.
        """
        return await self._spawn(declared(self.target).name)

    def play(self, skill: Skill) -> None:
        """Be this skill, whose functions call `call`."""
        self._skill = skill
        self._supervise()

    async def close(self) -> None:
        """End it."""
        self._closing = True
        self._kill("")
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._spawned:
            await self._spawned.wait()

    # ---- calls -------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Let the skill start. Raises what its start raises."""
        if self._skill is None:
            raise SkillError(f"{self.target} is no skill yet", fix="call play first")
        stage = self._skill.stage
        entries = stage.schedules(self._skill).entries
        number, answer = self._expect()
        self._send(wire.Begin(id=number, now=stage.today(), schedules=entries))
        try:
            await answer
        except asyncio.CancelledError:
            self._kill("it did not start in time")
            raise
        finally:
            self._calls.pop(number, None)
            if self._spawned and not self._spawned.writer.is_closing():
                self._ready.set()

    async def call(self, part: str, which: str, given: Mapping[str, Any], context: Context) -> Reply:
        """Return what a function of the skill answers; while it is being restarted, that is waited for.

        Raises:
            SkillError: it raised, or its process ended.
        """
        await self._ready.wait()
        if self._skill is None:
            raise SkillError(f"{self.target} is no skill yet", fix="call play first")
        number, answer = self._expect()
        now = self._skill.stage.today()
        turn = {"site": context.site, "text": context.text, "confidence": context.confidence}
        self._send(
            wire.CallPart(id=number, now=now, part=part, which=which, given=given, session=context.session, **turn)
        )
        try:
            return await answer
        except asyncio.CancelledError:
            if not self._closing and (answer.cancelled() or not answer.done()):
                self._kill("it did not answer in time")
            raise
        finally:
            self._calls.pop(number, None)

    def _expect(self) -> tuple[int, asyncio.Future[Reply]]:
        self._numbers += 1
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._calls[self._numbers] = answer
        return self._numbers, answer

    def _send(self, message: BaseModel) -> None:
        if self._spawned and not self._spawned.writer.is_closing():
            self._spawned.writer.write(wire.line_of(message))

    # ---- the process -------------------------------------------------------------------------------------------

    async def _spawn(self, name: str) -> wire.Card:
        self._ended_for = ""
        self._spawned = spawned = await self._spares.take()
        self.pid, self._reader = spawned.process.pid, spawned.reader
        if spawned.process.stdout:
            self._spin(self._echo(spawned.process.stdout))
        self._send(
            wire.Load(
                target=self.target,
                language=self._settings.language,
                settings=self._settings.settings.get(name, {}),
                state=str(self._state / name) if self._state else None,
                memory_mb=self._settings.memory_mb,
            )
        )
        try:
            async with asyncio.timeout(self._settings.loading_s):
                line = await spawned.reader.readline()
            first = wire.from_skill.validate_json(line) if line else wire.Failed(error="its process ended")
        except TimeoutError:
            first = wire.Failed(error=f"it was not loaded in {self._settings.loading_s:g} s")
        except (ValidationError, ValueError, OSError):
            first = wire.Failed(error="its process sent nonsense")
        if isinstance(first, wire.Card):
            return first
        self._kill("")
        error = first.error if isinstance(first, wire.Failed) else "its process sent nonsense"
        raise SkillError(error if self.target in error else f"{self.target}: {error}")

    def _supervise(self) -> None:
        self._spin(self._serve(self._reader, time.monotonic()))

    async def _serve(self, reader: asyncio.StreamReader, started: float) -> None:
        """Do as the process asks until it ends, then bring it back."""
        await self._listen(reader)
        self._ready.clear()
        self._kill("")
        status = await self._spawned.wait() if self._spawned else 0
        reason = self._ended_for or _reason(status)
        self._fail(reason)
        if self._closing or self._skill is None:
            return
        _log.error("skill %s: its process ended: %s; it is started again", self._skill.name, reason)
        with contextlib.suppress(SkillError):  # it may have left the stage meanwhile
            self._skill.stage.fault(self._skill, f"its process ended: {reason}; it is started again")
        self._crashes = self._crashes + 1 if time.monotonic() - started < STEADY_S else 1
        await self._restart()

    async def _restart(self) -> None:
        """Start it again: at once after the first crash, then after longer and longer waits."""
        while not self._closing and self._skill is not None:
            if self._crashes > 1:
                await asyncio.sleep(min(_BACKOFF_LIMIT_S, _BACKOFF_S * 2.0 ** (self._crashes - 2)))
            try:
                await self._spawn(self._skill.name)
            except SkillError as error:
                self._crashes += 1
                _log.error("%s", error)
                continue
            self.restarts += 1
            self._supervise()
            with contextlib.suppress(SkillError, TimeoutError):
                async with asyncio.timeout(self._settings.deadline_s):
                    await self.begin()
            return

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        second, lines = time.monotonic(), 0
        while True:
            try:
                line = await reader.readline()
            except OSError:  # it ended with something of ours unread
                return
            except ValueError:  # longer than the limit
                self._kill("it sent nonsense")
                return
            if not line:
                return
            now = time.monotonic()
            second, lines = (now, 1) if now - second > 1 else (second, lines + 1)
            if lines > LINES_PER_S:
                self._kill(f"it sent more than {LINES_PER_S} messages in a second")
                return
            try:
                self._take(wire.from_skill.validate_json(line))
            except ValidationError:
                self._kill("it sent nonsense")
                return
            except EarshotError as error:
                self._kill(str(error))
                return
            await asyncio.sleep(0)  # readline does not yield while lines are there

    def _take(self, message: BaseModel) -> None:
        skill = self._skill
        match message:
            case wire.Answered():
                self._settle(message.id, lambda answer: answer.set_result(message.reply()))
            case wire.Raised():
                if message.fatal:
                    self._ready.clear()
                self._settle(message.id, lambda answer: answer.set_exception(SkillError(message.error)))
            case _ if skill is None:
                return
            case wire.Published():
                skill.publish(message.topic, message.payload.encode("latin-1", "replace"), retain=message.retain)
            case wire.Spoken():
                skill.say(message.text, message.site)
            case wire.Later():
                self._timers[message.id] = skill.after(message.seconds, self._later(message.id), message.site)
            case wire.Cancelled():
                if cancel := self._timers.pop(message.id, None):
                    cancel()
            case wire.Scheduled():
                skill.stage.schedules(skill).add(message.entry)
            case wire.Unscheduled():
                skill.unschedule(message.key)
            case wire.Relisted():
                skill.lists[message.name] = message.values.plain()
                skill.stage.relist(skill, message.name)

    def _later(self, number: int) -> Callable[[], Any]:
        async def ring() -> Reply:
            self._timers.pop(number, None)
            return await self.call("later", str(number), {}, Context())

        return ring

    def _settle(self, number: int, settle: Callable[[asyncio.Future[Reply]], None]) -> None:
        answer = self._calls.pop(number, None)
        if answer is not None and not answer.done():
            settle(answer)

    def _fail(self, reason: str) -> None:
        """End what waits for the process."""
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(SkillError(f"the skill's process ended: {reason}"))
                answer.exception()  # a call that was given up has nobody to take it
        self._calls.clear()
        for cancel in self._timers.values():
            cancel()
        self._timers.clear()

    def _kill(self, reason: str) -> None:
        self._ended_for = self._ended_for or reason
        self._ready.clear()
        if self._spawned:
            self._spawned.kill()

    async def _echo(self, output: asyncio.StreamReader) -> None:
        """Log what the skill prints, so many lines a second."""
        while True:
            try:
                line = await output.readline()
            except ValueError:
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()[:_OUTPUT]
            _log.info("%s: %s", self._skill.name if self._skill else self.target, text)
            await asyncio.sleep(0.01)

    def _spin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _reason(status: int) -> str:
    if status < 0:
        return f"signal {-status} ({signal.strsignal(-status)})"
    return "out of memory" if status == wire.OUT_OF_MEMORY else f"exit status {status}"
