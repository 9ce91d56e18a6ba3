"""What every command shares: options, files to read, JSON lines to write, errors in one line."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.errors import AudioError, ConfigError, EarshotError, GrammarError

Files = Annotated[list[str], typer.Argument(metavar="FILE", help="Recordings, folders of them, or @list.txt.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on standard output, and nothing else.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration (YAML).")]

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
            emit({"file": str(path), "error": str(error), "code": error.code}) if as_json else say(f"voice: {error}")
    return status


def _print(record: dict[str, Any]) -> None:
    """Write a record for people: what stands in lists and tables is left to JSON."""
    subject = record.get("file") or record.get("text", "")
    fields = (f"{key}={_shown(value)}" for key, value in record.items() if key != "file" and _is_short(value))
    sys.stdout.write(f"{subject}\t" + "  ".join(fields) + "\n")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}:{item}" for key, item in value.items())
    return repr(value) if isinstance(value, str) and " " in value else str(value)


def _is_short(value: Any) -> bool:
    return value is not None and not isinstance(value, list) and (not isinstance(value, dict) or 0 < len(value) < 6)


def exit_status(error: EarshotError) -> int:
    """Return 2 where the call, the config or a sentence in it is wrong, else 1."""
    return 2 if isinstance(error, ConfigError | GrammarError) else 1
