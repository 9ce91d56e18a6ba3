"""A bar on a terminal while many clips are read."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def tracked(items: Iterable[Item], n_items: int, title: str) -> Iterable[Item]:
    """Return the items; where somebody watches a bar shows how many went by."""
    if not sys.stderr.isatty():
        return items
    return track(items, title, total=n_items, console=Console(stderr=True), transient=True)
