"""What a skill keeps between two starts. A write that is cut short never loses what was there before."""

import json
import logging
import os
import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from voice.errors import SkillError

_log = logging.getLogger(__name__)

MAX_BYTES = 1_000_000
"""Largest file that a skill may keep."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content: after a crash or a power cut there is the old file or the new one, never a piece.

    The content before stays as `<name>.old`.

    Raises:
        SkillError: it can't be written.
    """
    fresh, old = path.with_name(f"{path.name}.new"), path.with_name(f"{path.name}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            old.unlink(missing_ok=True)
            os.link(path, old)
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise SkillError(
            f"{path} can't be written ({error.strerror})", fix="see to the disk and to skills.state"
        ) from (error)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Home:
    """The folder of one skill's files.

    Args:
        folder: where they are; None keeps them in memory, for rehearsals and for programs that shall leave no trace.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._memory: dict[str, str] = {}

    def read(self, name: str) -> Any:
        """Return the JSON value kept as `name`; None where there is none.

        A file that is no JSON is set aside as `<name>.json.broken`, and the one before it is taken.
        """
        if self.folder is None:
            return json.loads(self._memory.get(name, "null"))
        path = self.folder / f"{name}.json"
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return self._old(path)
        except (OSError, ValueError) as error:
            _log.error("%s can't be read (%s): set aside, the version before it is taken", path, error)
            path.replace(path.with_name(f"{path.name}.broken"))
            return self._old(path)

    def write(self, name: str, value: Any) -> None:
        """Keep a JSON value.

        Raises:
            SkillError: it is no JSON or too large, or the disk refuses it.
        """
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise SkillError(f"{name} can't be kept ({error})", fix="keep text, numbers, lists, dicts") from error
        if len(text) > MAX_BYTES:
            raise SkillError(f"{name} has {len(text)} bytes", fix=f"keep at most {MAX_BYTES}")
        if self.folder is None:
            self._memory[name] = text
        else:
            write_atomically(self.folder / f"{name}.json", text.encode())

    @staticmethod
    def _old(path: Path) -> Any:
        try:
            return json.loads(path.with_name(f"{path.name}.old").read_bytes())
        except (OSError, ValueError):
            return None


class Store(MutableMapping[str, Any]):
    """A skill's memory: a dictionary of JSON values. Each assignment is on disk when it returns.

    A value that was taken out and changed must be assigned again: `store["items"] = [*store["items"], "milk"]`.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        kept = home.read("store")
        self._values: dict[str, Any] = kept if isinstance(kept, dict) else {}

    def __getitem__(self, key: str) -> Any:
        return json.loads(json.dumps(self._values[key]))

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep a value.

        Raises:
            SkillError: the key is no text, the value no JSON, all together is too large, or the disk refuses it.
        """
        if not isinstance(key, str):
            raise SkillError(f"store[{key!r}]", fix="use text as the key")
        with self._lock:
            self._keep({**self._values, key: value})

    def __delitem__(self, key: str) -> None:
        with self._lock:
            values = dict(self._values)
            del values[key]
            self._keep(values)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def _keep(self, values: dict[str, Any]) -> None:
        self._home.write("store", values)
        self._values = values
