"""Unpack an archive of recordings, once."""

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from kws_training.report import say
from voice.errors import DataError

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".zip")


_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)


def is_archive(path: Path) -> bool:
    """Return whether a file's name is an archive's."""
    return path.is_file() and path.name.endswith(SUFFIXES)


def unpacked(archive: Path, folder: Path) -> Path:
    """Return the folder of an archive's contents below `folder`, unpacked there if it is not yet.

    Raises:
        DataError: it is damaged, its members lead elsewhere, or the disk is full.
    """
    name = next(archive.name.removesuffix(suffix) for suffix in SUFFIXES if archive.name.endswith(suffix))
    place = folder / f"{name}-{archive.stat().st_size}"
    if place.is_dir():
        return place
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    say(f"unpacks {archive.name}")
    try:
        partial.mkdir(parents=True)
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(partial)  # noqa: S202 - zipfile drops leading slashes and '..'
        else:
            with tarfile.open(archive) as opened:
                _extract(opened, partial)
    except _DAMAGED as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(f"{archive}: damaged archive ({error})", fix="get it again") from error
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(
            f"{archive}: can't be unpacked into {folder} ({error.strerror or error})",
            fix="free disk space, or name a larger place with --work",
        ) from error
    partial.replace(place)
    return place


def _extract(opened: tarfile.TarFile, folder: Path) -> None:
    """Write an archive's plain files; links and devices are left out. Python's own filters came with 3.11.4 only."""
    root = folder.resolve()
    for member in opened:
        target = (root / member.name).resolve()
        if not target.is_relative_to(root):
            raise tarfile.TarError(f"{member.name} leads elsewhere")
        content = opened.extractfile(member) if member.isfile() else None
        if content is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as written:
            shutil.copyfileobj(content, written)
