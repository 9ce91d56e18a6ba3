"""Many files at once: a pool of processes, in order, with a progress bar on a terminal."""

import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 16  # items that a process takes at a time


def each(work: Callable[[Item], Result], items: Sequence[Item], jobs: int, title: str) -> Iterator[Result]:
    """Yield `work(item)` for every item, in order; nothing is computed far ahead of what is taken.

    Args:
        work: a function of a module, or a `partial` of one, when there is more than one process.
        items: what to work on.
        jobs: processes; 1 works in this one.
        title: what the bar says.
    """
    if jobs == 1 or len(items) < 2:
        yield from bar(map(work, items), len(items), title)
        return
    context = multiprocessing.get_context("spawn")  # forking a process with threads may hang it
    size = max(1, min(_AT_ONCE, len(items) // jobs))
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=context) as pool:
        try:
            yield from bar(pool.map(work, items, chunksize=size), len(items), title)
        finally:
            pool.shutdown(cancel_futures=True)


def bar(items: Iterable[Item], n_items: int, title: str) -> Iterator[Item]:
    """Yield the items; a terminal shows how many have been taken and how long the rest will take."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=n_items)
        for item in items:
            yield item
            progress.advance(task)
