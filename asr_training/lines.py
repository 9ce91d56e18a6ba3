"""Reading a text file whole, and files of one JSON object a line."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from voice.errors import DataError


def read_lines(path: Path, fix: str = "check the path") -> list[str]:
    """Return the lines of a UTF-8 file; a text may hold other separators, such as U+2028, so only line feeds count.

    Raises:
        DataError: it can't be read; `fix` says what to do.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}", fix=fix) from error
    return lines[:-1] if lines[-1] == "" else lines


def json_object(line: str, where: str) -> dict[str, Any]:
    """Return the object that a line holds.

    Raises:
        DataError: it holds none; `where` names the line.
    """
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg})", fix="correct the line") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: not a JSON object", fix="correct the line")
    return record


def json_objects(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file: one a line, or one array of them.

    Raises:
        DataError: it can't be read, or a line holds no object.
    """
    lines = read_lines(path)
    if lines and lines[0].lstrip().startswith("["):
        try:
            records = json.loads("\n".join(lines))
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {error.lineno}: not JSON ({error.msg})", fix="correct the line") from error
        if all(isinstance(record, dict) for record in records):
            return list(records)
        raise DataError(f"{path}: an array of other things than objects", fix="give an object for each recording")
    return [json_object(line, f"{path} line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def logged(path: Path, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows, each once it stands in a log, a line of JSON; what `tidy` reads after an interruption."""
    with path.open("a", encoding="utf-8") as log:
        for row in rows:
            log.write(json.dumps(row) + "\n")
            log.flush()
            yield row


def tidy(path: Path) -> list[str]:
    """Return the whole lines of a log that is written line by line; a last line that was cut short is taken out.

    Raises:
        DataError: it can't be read or written.
    """
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        if len(whole) < len(text):
            path.write_text(whole, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space, or take another folder") from error
    return whole.splitlines()
