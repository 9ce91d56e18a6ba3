"""Wakes that were wrong: told by somebody, and kept as negatives for the next training where that is switched on."""

import asyncio
import json
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from voice.bus.base import Bus
from voice.bus.topics import ErrorMessage, MarkedWrong, MarkWrong, SessionEnded, on, safe_level, send, write_frame
from voice.errors import ConfigError
from voice.events import RATE, Chunk, Wake

INDEX = "wrong-wakes.jsonl"
SAME_STORY_S = 120
"""How long ago a wake may be that somebody means who says so after another wake."""


class WrongWakeSettings(BaseModel):
    """What becomes of wakes that somebody calls wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_wrong_wakes: bool = Field(False, description="keep their audio on this machine, for the next training")
    folder: str | None = Field(None, description="where; none: the user's ($XDG_STATE_HOME)")
    clips: int = Field(200, gt=0, description="most that are kept; then the oldest goes")
    megabytes: int = Field(20, gt=0, description="most that they may take, MB; then the oldest goes")

    def store(self) -> "WrongWakeStore":
        """Return where they are kept."""
        home = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "earshot" / "wrong-wakes"
        return WrongWakeStore(Path(self.folder).expanduser() if self.folder else home, self.clips, self.megabytes)


class WrongWakeStore:
    """A folder of WAV files and a JSON line for each, the oldest first; `kws-train keyword --negatives` takes it.

    Args:
        folder: made where it is missing.
        clips: most files.
        megabytes: most that they take together.
    """

    def __init__(self, folder: Path, clips: int = 200, megabytes: int = 20) -> None:
        self.folder = folder
        self._clips = clips
        self._bytes = megabytes * 1_000_000

    def keep(self, wake: Wake, clip: Chunk, at: datetime) -> Path:
        """Write a wake's audio and return the file.

        Raises:
            OSError: the disk refuses.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{safe_level(wake.model_id)}-{at:%Y%m%dT%H%M%S%f}.wav"
        part = self.folder / f"{name}.part"
        part.write_bytes(write_frame(clip.samples))
        part.replace(self.folder / name)
        entry = {
            "file": name,
            "word": wake.model_id,
            "score": round(wake.score, 4),
            "time": at.isoformat(timespec="seconds"),
            "ends": round((wake.at - clip.start) / RATE, 3),
        }
        self._write([*self.entries(), entry])
        return self.folder / name

    def entries(self) -> list[dict[str, Any]]:
        """Return what is kept, the oldest first; a line that can't be read or whose file has gone is left out."""
        try:
            lines = (self.folder / INDEX).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and (self.folder / Path(str(entry.get("file"))).name).is_file():
                found.append(entry)
        return found

    def delete(self, names: Sequence[str] | None = None) -> int:
        """Delete files and return how many; None: all.

        Raises:
            ConfigError: there is no such file here.
        """
        entries = self.entries()
        known = [entry["file"] for entry in entries]
        if names is not None and (missing := [name for name in names if name not in known]):
            raise ConfigError(f"{missing[0]!r} is not kept in {self.folder}", fix="see voice wake wrong --list")
        gone = set(known if names is None else names)
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        if entries:
            self._write([entry for entry in entries if entry["file"] not in gone])
        return len(gone)

    def _write(self, entries: list[dict[str, Any]]) -> None:
        sizes = [(self.folder / entry["file"]).stat().st_size for entry in entries]
        while entries and (len(entries) > self._clips or (sum(sizes) > self._bytes and len(entries) > 1)):
            (self.folder / entries.pop(0)["file"]).unlink(missing_ok=True)
            sizes.pop(0)
        part = self.folder / f"{INDEX}.part"
        part.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
        part.replace(self.folder / INDEX)


@dataclass
class _Heard:
    """A wake and what came of it."""

    wake: Wake
    clip: Chunk | None
    time: datetime
    understood: bool | None = None
    """Whether its session ended well; None while it goes on."""
    marked: bool = False


class WrongWakes:
    """Remembers a site's last two wakes, and takes the word of somebody that one was wrong.

    Who says "that was wrong" after a wake word means the wake before, if nothing came of it; who says so in a session
    that nobody opened means this one.

    Args:
        bus: Hermes.
        site_id: the site.
        store: where the audio is kept; None: nowhere, and none is held.
    """

    def __init__(self, bus: Bus, site_id: str, store: WrongWakeStore | None) -> None:
        self._bus = bus
        self._site = site_id
        self._store = store
        self._heard: deque[_Heard] = deque(maxlen=2)
        self._unsubscribe = (on(bus, MarkWrong, self._mark), on(bus, SessionEnded, self._ended))

    def close(self) -> None:
        """Hear no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def remember(self, wake: Wake, clip: Chunk) -> None:
        """Note a wake; its audio is held only where it may be kept."""
        self._heard.append(_Heard(wake, clip if self._store else None, datetime.now(UTC)))

    async def _ended(self, message: SessionEnded) -> None:
        if message.site_id == self._site and self._heard and self._heard[-1].understood is None:
            self._heard[-1].understood = message.termination.reason == "nominal"

    async def _mark(self, message: MarkWrong) -> None:
        if message.site_id != self._site:
            return
        told = {"site_id": self._site, "id": message.id}
        meant = self._meant(in_session=message.session_id is not None)
        if meant is None:
            await send(self._bus, MarkedWrong(kept=False, why="nothing", **told))
            return
        told["model_id"] = meant.wake.model_id
        if self._store is None or meant.clip is None:
            await send(self._bus, MarkedWrong(kept=False, why="off", **told))
            return
        if meant.marked:
            await send(self._bus, MarkedWrong(kept=False, why="twice", **told))
            return
        meant.marked = True
        try:
            path = await asyncio.to_thread(self._store.keep, meant.wake, meant.clip, meant.time)
        except OSError as error:
            fault = f"a wrong wake can't be kept in {self._store.folder} ({error.strerror})"
            await send(self._bus, ErrorMessage(component="hotword", error=fault, site_id=self._site))
            await send(self._bus, MarkedWrong(kept=False, why="error", **told))
            return
        await send(self._bus, MarkedWrong(kept=True, why="kept", file=path.name, **told))

    def _meant(self, *, in_session: bool) -> _Heard | None:
        """Return the wake that somebody means."""
        if not self._heard:
            return None
        last, before = self._heard[-1], self._heard[0]
        recent = last.wake.at - before.wake.at <= SAME_STORY_S * RATE
        if in_session and before is not last and recent and before.understood is False and not before.marked:
            return before
        return last
