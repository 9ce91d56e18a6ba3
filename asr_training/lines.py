"""Reading a text file whole."""

from pathlib import Path

from voice.errors import DataError


def read_lines(path: Path, fix: str = "check the path") -> list[str]:
    """Return the lines of a UTF-8 file.

    Raises:
        DataError: it can't be read; `fix` says what to do.
    """
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}", fix=fix) from error
