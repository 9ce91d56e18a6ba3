"""All skills of an assistant: built-in ones in its own process, others each in theirs; taken anew when they change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from voice.errors import EarshotError, SkillError
from voice.nlu.templates import compile_grammar
from voice.skill.host import SkillHost
from voice.skill.loader import Source, clash_of, declared, in_folders, load_target, sources
from voice.skill.options import load_options
from voice.skill.process import SkillProcess
from voice.skill.proxy import proxy_of
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill
from voice.skill.spare import Spares
from voice.skill.storage import Home

_log = logging.getLogger(__name__)

LOOK_S = 0.25
"""How often the files are looked at."""

Prints = tuple[tuple[str, int, int], ...]
"""Path, time of change and size of each file of a skill."""

Learn = Callable[[Sequence[Skill]], Awaitable[None]]
"""Compiles the sentences of skills beside, then lets speech be understood by them."""


@dataclass(eq=False)
class _Member:
    source: Source
    skill: Skill | None = None
    process: SkillProcess | None = None
    files: tuple[str, ...] = ()
    prints: Prints = field(default=())


class Crew:
    """Loads the skills that the settings ask for, and keeps them. Use as an async context manager.

    Args:
        settings: which skills, and how they run.
        state: folder of what skills keep; None keeps it in memory.
    """

    def __init__(self, settings: SkillSettings, state: Path | None = None) -> None:
        self.errors: list[SkillError] = []
        """What could not be loaded."""
        self._settings = settings
        self._state = state
        self._spares = Spares()
        self._members: list[_Member] = []
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        found, self.errors = sources(self._settings)
        members = [_Member(source) for source in found]
        for outcome, member in zip(await asyncio.gather(*map(self._open, members)), members, strict=True):
            if outcome is not None:
                self.errors.append(outcome)
            elif member.skill and (clash := clash_of([*self.skills, member.skill])):
                self.errors.append(clash)
                await self._dismiss(member)
            self._members.append(member)
        for error in self.errors:
            _log.error("%s", error)
        if self.processes or self._settings.folders:
            self._spares.warm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await asyncio.gather(*map(self._dismiss, self._members))
        await self._spares.close()

    @property
    def skills(self) -> list[Skill]:
        """The skills that run."""
        return [member.skill for member in self._members if member.skill]

    @property
    def processes(self) -> dict[str, SkillProcess]:
        """Skill's name -> its process."""
        return {m.skill.name: m.process for m in self._members if m.skill and m.process}

    def follow(self, host: SkillHost, learn: Learn) -> None:
        """Look at the skills' files from now on: one that changes is loaded beside, compiled, and exchanged at once."""
        if self._settings.reload and (self._settings.folders or self.processes):
            self._watch = asyncio.create_task(self._look(host, learn), name="skills' files")

    # ---- loading -----------------------------------------------------------------------------------------------

    async def _open(self, member: _Member) -> SkillError | None:
        """Load a skill; return why not. One that isn't asked for is no error and no skill."""
        source, only = member.source, self._settings.only
        member.prints = await asyncio.to_thread(_prints, _files(member))
        try:
            if source.built_in or (source.name or declared(source.target).name) in self._settings.trusted:
                skill = load_target(source.target)
                self._check_settings(skill)
            else:
                name = declared(source.target).name
                if only is not None and name not in only:
                    return None
                process = SkillProcess(source.target, self._settings, self._state, self._spares)
                member.process = process
                card = await process.open()
                member.files = tuple(card.files)
                member.prints = await asyncio.to_thread(_prints, _files(member))
                skill = proxy_of(card, process)
                compile_grammar(skill.sentences())
        except SkillError as error:
            await self._dismiss(member)
            return error
        except EarshotError as error:
            await self._dismiss(member)
            return SkillError(f"{source.target}: {error}", fix="the other skills run without it")
        if only is None or skill.name in only:
            member.skill = skill
        return None

    def _check_settings(self, skill: Skill) -> None:
        if skill.model is not None:
            home = Home(self._state / skill.name if self._state else None)
            load_options(skill.name, skill.model, self._settings.settings.get(skill.name, {}), home)

    @staticmethod
    async def _dismiss(member: _Member) -> None:
        process, member.process, member.skill = member.process, None, None
        if process:
            await process.close()

    # ---- changes -----------------------------------------------------------------------------------------------

    async def _look(self, host: SkillHost, learn: Learn) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for member in await asyncio.to_thread(self._changed):
                await self._exchange(member, host, learn)

    def _changed(self) -> list[_Member]:
        """Return the skills whose files have changed, with new and vanished ones of the folders."""
        found = {source.target: source for source in in_folders(self._settings)}
        found |= {member.source.target: member.source for member in self._members if member.source.name}
        known = {member.source.target for member in self._members}
        fresh = [_Member(source) for target, source in found.items() if target not in known]
        changed = []
        for member in self._members:
            if member.source.built_in or (member.skill and not member.process):
                continue
            if member.source.target not in found or _prints(_files(member)) != member.prints:
                changed.append(member)
        return [*changed, *fresh]

    async def _exchange(self, old: _Member, host: SkillHost, learn: Learn) -> None:
        """Let another version of a skill take over; where it can't, the old one stays."""
        new = _Member(old.source)
        try:
            await self._try(old, new, host, learn)
        except asyncio.CancelledError:
            if new not in self._members:
                await self._dismiss(new)
            raise

    async def _try(self, old: _Member, new: _Member, host: SkillHost, learn: Learn) -> None:
        gone = not old.source.name and not await asyncio.to_thread(Path(old.source.target).exists)
        error = None if gone else await self._open(new)
        staying = [skill for skill in self.skills if skill is not old.skill]
        coming = [new.skill] if new.skill else []
        error = error or (clash_of([*staying, *coming]) if coming else None)
        if error is None:
            try:
                await learn([*staying, *coming])
                host.exchange(old.skill, new.skill)
            except EarshotError as fault:
                error = SkillError(str(fault))
        if error is not None:
            _log.error("%s%s", error, "; the version before it goes on" if old.skill else "")
            old.prints = new.prints
            await self._dismiss(new)
            if old not in self._members:
                self._members.append(old)
            return
        self._members = [*(member for member in self._members if member is not old), *(() if gone else (new,))]
        _log.info("%s: %s", old.source.target, "gone" if gone else "loaded")
        await self._dismiss(old)


def _files(member: _Member) -> tuple[str, ...]:
    if member.files:
        return member.files
    target = Path(member.source.target)
    return tuple(map(str, target.rglob("*.py"))) if target.is_dir() else (str(target),)


def _prints(files: Sequence[str]) -> Prints:
    found = []
    for file in files:
        try:
            status = Path(file).stat()
        except OSError:
            continue
        found.append((file, status.st_mtime_ns, status.st_size))
    return tuple(found)
