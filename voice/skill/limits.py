"""What a skill's process may use and touch: memory and files by the kernel, the rest by Python's audit events.

Landlock (Linux 5.13, network from 6.7) keeps files and TCP from everything in the process. Where the kernel has none,
and for what it doesn't know (other programs, UDP), an audit hook refuses: a guard rail for honest code, no wall
against code that means harm.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MB = 1024 * 1024
_FILES_OPEN, _FILE_BYTES = 256, 64 * _MB
_NICE = 5  # the ears come first

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
_NO_NEW_PRIVILEGES = 38
_PATH_BENEATH = 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_TCP = 0b11  # bind, connect
_SINKS = ("/dev/null", "/dev/urandom")

_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.link", "os.symlink")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(memory_mb: int) -> None:
    """Bound what this process may use; beyond its memory an allocation raises `MemoryError`."""
    os.nice(_NICE)
    for kind, most in (
        (resource.RLIMIT_DATA, memory_mb * _MB),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _FILES_OPEN),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # an administrator has set less
            resource.setrlimit(kind, (most, most))


def confine(needs: Sequence[str], state: Path | None) -> None:
    """Keep this process from what its skill does not need; can't be taken back."""
    folders = [Path(need.removeprefix("files:")).expanduser() for need in needs if need.startswith("files:")]
    folders += [state] if state else []
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    network, programs = "network" in needs, "programs" in needs
    if not programs:  # another program would be confined as well, and could not work
        _landlock(folders, network=network)
    sys.addaudithook(_Guard([folder.resolve() for folder in folders], network=network, programs=programs))


class _Guard:
    def __init__(self, folders: Sequence[Path], *, network: bool, programs: bool) -> None:
        self._folders = folders
        self._refused = {
            **({} if network else dict.fromkeys(_NETWORK, "network")),
            **({} if programs else dict.fromkeys(_PROGRAMS, "programs")),
        }
        self._files = not programs

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if need := self._refused.get(event):
            raise PermissionError(f"{event}: the skill doesn't declare it: Skill(..., needs=[{need!r}])")
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if self._files and (writes or event in _CHANGES):
            self._check(arguments[0])

    def _check(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):  # a descriptor that is open already
            return
        where = Path(os.path.realpath(os.fsdecode(path)))
        if str(where) not in _SINKS and not any(where.is_relative_to(folder) for folder in self._folders):
            raise PermissionError(f'{where}: the skill doesn\'t declare it: Skill(..., needs=["files:{where.parent}"])')


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def _landlock(folders: Sequence[Path], *, network: bool) -> bool:
    """Let the kernel refuse writing elsewhere, and TCP; return whether it does.

    See `landlock(7)` and the kernel's Documentation/userspace-api/landlock.rst.
    """
    if sys.platform != "linux":
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    files = _WRITE_FILE | _MAKE_AND_REMOVE | (_TRUNCATE if version >= 3 else 0)
    wanted = _Ruleset(files, _TCP if version >= 4 and not network else 0)
    rules = call(_CREATE_RULESET, ctypes.byref(wanted), 16 if version >= 4 else 8, 0)
    if rules < 0:
        return False
    for path in (*folders, *map(Path, _SINKS)):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = files if path.is_dir() else files & (_WRITE_FILE | _TRUNCATE)
        call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_Beneath(allowed, descriptor)), 0)
        os.close(descriptor)
    confined = ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and call(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return confined
