"""How far a training is: a bar on a terminal, event files for TensorBoard."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from voice.errors import ConfigError


@contextmanager
def budget_bar(title: str) -> Iterator[Callable[[float, float], None]]:
    """Give a function to call after each step with the share done and the loss; only a terminal shows a bar."""
    if not sys.stderr.isatty():
        yield lambda share, loss: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=1.0, loss=float("nan"))
        yield lambda share, loss: progress.update(task, completed=share, loss=loss)


class Events:
    """TensorBoard event files, by TensorFlow's own writer, whatever backend trains.

    Args:
        folder: for the files; None writes none.

    Raises:
        ConfigError: TensorFlow isn't installed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is None:
            return
        try:
            import tensorflow as tf  # noqa: PLC0415 - only where event files are wanted
        except ModuleNotFoundError as error:
            fix = "pip install tensorflow, or set schedule.tensorboard: false; log.jsonl has the same figures"
            raise ConfigError("TensorBoard's event files need TensorFlow", fix=fix) from error
        self._tf = tf
        # What tf.summary.scalar does, which needs TensorBoard to be installed.
        self._metadata = tf.compat.v1.SummaryMetadata(data_class="DATA_CLASS_SCALAR")
        self._metadata.plugin_data.plugin_name = "scalars"
        self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Write the figures of a step."""
        if self._writer is None:
            return
        with self._writer.as_default():
            for name, value in figures.items():
                self._tf.summary.write(name, np.float32(value), step=step, metadata=self._metadata)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
