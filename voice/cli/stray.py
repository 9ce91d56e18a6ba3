"""Lines that libraries in C write on standard error behind Python's back; ALSA and LiteRT do."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_STDERR = 2  # file descriptor
_GOODBYE_S = 1.0  # longest wait for the last line


@contextmanager
def stray_lines(take: Callable[[str], None]) -> Iterator[TextIO]:
    """Catch what is written to the descriptor of standard error, by this process and its children.

    Args:
        take: gets each line, on a thread of its own.

    Yields:
        What writes to standard error as before.
    """
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    readable, writable = os.pipe()
    os.dup2(writable, _STDERR)
    os.close(writable)
    reader = threading.Thread(target=_read, args=(readable, take), name="stray lines", daemon=True)
    reader.start()
    with os.fdopen(kept, "w", encoding="utf-8") as screen:
        try:
            yield screen
        finally:
            screen.flush()
            os.dup2(kept, _STDERR)  # closes the pipe's last end, unless a child holds one
            reader.join(_GOODBYE_S)


def _read(readable: int, take: Callable[[str], None]) -> None:
    with os.fdopen(readable, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            take(line.rstrip())
