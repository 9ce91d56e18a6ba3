"""A bar on a terminal while many things are done one after the other."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Step = TypeVar("Step")


def ticks(steps: Iterable[Step], title: str, n_steps: int) -> Iterator[Step]:
    """Yield the steps of a stage; only a terminal shows a bar, until the last one.

    Args:
        steps: whatever there is one of for each step.
        title: of the stage.
        n_steps: how many are expected.
    """
    if not sys.stderr.isatty():
        yield from steps
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=n_steps)
        for step in steps:
            yield step
            progress.advance(task)
