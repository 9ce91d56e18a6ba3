"""How far a training is: a bar on a terminal, event files for TensorBoard."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voice.errors import ConfigError


@contextmanager
def epoch_bar(title: str, n_steps: int) -> Iterator[Callable[[float], None]]:
    """Give a function to call after each step with the loss; only a terminal shows a bar, until the epoch ends."""
    if not sys.stderr.isatty():
        yield lambda loss: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=n_steps, loss=float("nan"))
        yield lambda loss: progress.update(task, advance=1, loss=loss)


class Events:
    """TensorBoard event files, by TensorFlow's own writer.

    Args:
        folder: for the files; None writes none.

    Raises:
        ConfigError: Keras runs on another backend.
    """

    def __init__(self, folder: Path | None) -> None:
        self._writer = None
        if folder is None:
            return
        if keras.backend.backend() != "tensorflow":
            raise ConfigError(
                f"TensorBoard logs need the TensorFlow backend, this is {keras.backend.backend()}",
                fix="set KERAS_BACKEND=tensorflow or optimiser.tensorboard: false; log.jsonl has the same figures",
            )
        import tensorflow as tf  # noqa: PLC0415 - of this backend only

        scalars = tf.compat.v1.SummaryMetadata(data_class="DATA_CLASS_SCALAR")
        scalars.plugin_data.plugin_name = "scalars"
        # What tf.summary.scalar does, which needs TensorBoard to be installed.
        self._write = partial(tf.summary.write, metadata=scalars)
        self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, epoch: int, figures: dict[str, float]) -> None:
        """Write the figures of an epoch."""
        if self._writer is None:
            return
        with self._writer.as_default():
            for name, value in figures.items():
                self._write(name, np.float32(value), step=epoch)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
