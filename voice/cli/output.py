"""What every command shares: files to read, JSON lines to write, errors in one line."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from voice.errors import AudioError, ConfigError, EarshotError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})


def expand(arguments: Iterable[str]) -> list[Path]:
    """Return the audio files of `FILE... | FOLDER | @list.txt` arguments, folders in the order of their names.

    Raises:
        ConfigError: a list can't be read, or a folder holds no audio.
    """
    files: list[Path] = []
    for argument in arguments:
        if argument.startswith("@"):
            files += [Path(line) for line in read_list(Path(argument[1:]))]
        elif (folder := Path(argument)).is_dir():
            found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
            if not found:
                raise ConfigError(f"{folder} holds no audio file", fix=f"expected {', '.join(sorted(AUDIO_SUFFIXES))}")
            files += found
        else:
            files.append(folder)
    return files


def read_list(path: Path) -> list[str]:
    """Return the non-empty lines of a text file.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}", fix="check the list") from error
    return [line.strip() for line in lines if line.strip()]


def emit(record: dict[str, Any]) -> None:
    """Write one JSON line to standard output."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line to standard error, where progress and errors go."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def for_each_file(files: Iterable[Path], handle: Callable[[Path], Iterator[dict[str, Any]]], *, as_json: bool) -> int:
    """Run `handle` on every file and write its records; a file that can't be read is reported, the rest goes on.

    Args:
        files: what to read.
        handle: yields the records of one file; raises AudioError for a bad one.
        as_json: JSON lines instead of text.

    Returns:
        The exit status: 0, or 1 where a file failed.
    """
    status = 0
    for path in files:
        try:
            for record in handle(path):
                emit(record) if as_json else _print(record)
        except AudioError as error:
            status = 1
            emit({"file": str(path), "error": str(error), "code": error.code}) if as_json else say(str(error))
    return status


def _print(record: dict[str, Any]) -> None:
    fields = (f"{key}={value}" for key, value in record.items() if key != "file" and value not in (None, {}, []))
    sys.stdout.write(f"{record.get('file') or record.get('text', '')}\t" + "  ".join(fields) + "\n")


def exit_status(error: EarshotError) -> int:
    """Return 2 where the call or the config is wrong, else 1."""
    return 2 if isinstance(error, ConfigError) else 1
