"""Processes for skills, one of them always warm: a skill that crashed comes back without waiting for an interpreter."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from voice.errors import SkillError
from voice.skill.wire import MAX_LINE

_KEPT_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ", "XDG_STATE_HOME")


@dataclass(frozen=True, eq=False)
class Spawned:
    """A process that waits to be told which skill it is."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def kill(self) -> None:
        """End it and what it started."""
        self.writer.close()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Return the exit status when it has ended, and let go of what it was connected by."""
        status = await self.process.wait()
        transport = getattr(self.process, "_transport", None)  # a descendant may hold the pipe open
        if transport is not None:
            transport.close()
        return status


async def spawn() -> Spawned:
    """Start a process."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "voice.skill.child",
            str(theirs.fileno()),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
            limit=MAX_LINE,
        )
    reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE)
    return Spawned(process, reader, writer)


class Spares:
    """Hands out processes and keeps one warm, once `warm` was called. It ends them all when it closes."""

    def __init__(self) -> None:
        self._made: set[asyncio.Task[Spawned]] = set()
        self._spare: asyncio.Task[Spawned] | None = None
        self._warm = self._closed = False

    def warm(self) -> None:
        """Begin to keep one."""
        self._warm = True
        if self._spare is None:
            self._spare = self._make()

    async def take(self) -> Spawned:
        """Return a process; the spare one where there is one that lives.

        Raises:
            SkillError: it is over.
        """
        if self._closed:
            raise SkillError("no more processes", fix="the assistant is closing")
        taken, self._spare = self._spare or self._make(), None
        if self._warm:
            self.warm()
        spawned = await asyncio.shield(taken)
        return spawned if spawned.process.returncode is None else await asyncio.shield(self._make())

    async def close(self) -> None:
        """End them all."""
        self._warm, self._spare, self._closed = False, None, True
        for made in await asyncio.gather(*self._made, return_exceptions=True):
            if isinstance(made, Spawned):
                made.kill()
                await made.wait()
        self._made.clear()

    def _make(self) -> "asyncio.Task[Spawned]":
        self._made = {task for task in self._made if not _has_ended(task)}
        task = asyncio.create_task(spawn(), name="process for a skill")
        self._made.add(task)
        return task


def _has_ended(task: "asyncio.Task[Spawned]") -> bool:
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or task.result().process.returncode is not None


def _environment() -> dict[str, str]:
    """Return the environment of a skill: no secrets, and the package that runs now."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    package = str(Path(__file__).parent.parent.parent)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**kept, **threads, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
