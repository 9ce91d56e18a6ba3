"""Lines for people: progress on standard error."""

import sys


def say(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
