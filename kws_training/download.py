"""Get Speech Commands from where it is published: goes on where it stopped, and checks what came."""

import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from kws_training.report import say
from voice.errors import DataError

_BASE = "https://storage.googleapis.com/download.tensorflow.org/data/"
_BLOCK = 1 << 20
_TIMEOUT_S = 60
_SAID_EVERY = 100 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """A file on the net and its SHA-256."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """Of the file."""
        return self.url.rsplit("/", maxsplit=1)[-1]


RELEASES = {
    "v1": Archive(
        f"{_BASE}speech_commands_v0.01.tar.gz", "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d"
    ),
    "v2": Archive(
        f"{_BASE}speech_commands_v0.02.tar.gz", "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
    ),
    "v2-test": Archive(
        f"{_BASE}speech_commands_test_set_v0.02.tar.gz",
        "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
    ),
}
"""Speech Commands (CC BY 4.0): 1.5 GB, 2.4 GB, and the 4,890 clips of the official test set of twelve labels."""


def cache() -> Path:
    """Return the folder for what can be got or made again: `earshot/kws` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "earshot" / "kws"


def download(archive: Archive, folder: Path) -> Path:
    """Return the archive in `folder`, which is got if it is not there; what came before an interruption is kept.

    Raises:
        DataError: there is no network, the disk is full, or the file isn't what was published.
    """
    place = folder / archive.name
    if place.exists():
        return place
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{archive.name}.part"
    try:
        _get(archive.url, partial)
    except urllib.error.URLError as error:
        reason = getattr(error, "reason", error)
        raise DataError(
            f"{archive.url} can't be reached ({reason})",
            fix=f"get {archive.name} on another machine and name it: kws-train prepare {archive.name}",
        ) from error
    except (OSError, HTTPException) as error:
        raise DataError(
            f"{archive.url}: stopped after {_size(partial)} bytes ({getattr(error, 'strerror', None) or error})",
            fix="the same command goes on from there; look whether the disk is full",
        ) from error
    found = sha256(partial)
    if found != archive.sha256:
        partial.unlink()
        raise DataError(f"{archive.url}: SHA-256 {found[:12]}, not {archive.sha256[:12]}", fix="get it again")
    partial.replace(place)
    return place


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _get(url: str, partial: Path) -> None:
    start = _size(partial)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            _append(response, partial, start if response.status == HTTPStatus.PARTIAL_CONTENT else 0)
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # which says that nothing is missing
            raise


def _append(response: HTTPResponse, partial: Path, start: int) -> None:
    said = start
    promised = response.headers.get("Content-Length")
    with partial.open("ab" if start else "wb") as file:
        while block := response.read(_BLOCK):
            file.write(block)
            if file.tell() - said > _SAID_EVERY:
                said = file.tell()
                say(f"{partial.stem}: {said >> 20} MiB")
        if promised and file.tell() < start + int(promised):
            raise OSError("the connection was closed")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
