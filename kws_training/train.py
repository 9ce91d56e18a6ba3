"""Train a network: one explicit loop, on any backend of Keras; stops and goes on anywhere with the same numbers."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from kws_training.checkpoints import Checkpoints, State
from kws_training.feed import Feed, Maker
from kws_training.optimisers import Mixup, build_optimiser, rate_at
from kws_training.parallel import Group, current_group
from kws_training.progress import Events, epoch_bar
from kws_training.report import say
from kws_training.settings import OptimiserSettings
from voice.errors import DataError


def threads(n_threads: int) -> None:
    """Keep the backend on `n_threads` threads; call it before the first operation. JAX takes what it likes."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - of this backend only

        tf.config.threading.set_intra_op_parallelism_threads(n_threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    elif backend == "torch":
        import torch  # noqa: PLC0415 - of this backend only

        torch.set_num_threads(n_threads)


def fit(  # noqa: PLR0913 - one place for all that a training is
    model: keras.Model,
    batches: Callable[[], Maker],
    validation: tuple[Any, Any],
    *,
    loss: keras.losses.Loss,
    metric: keras.metrics.Metric,
    settings: OptimiserSettings,
    folder: Path,
    n_processes: int = 0,
    jit: bool | None = None,
) -> keras.Model:
    """Train `model`, keep the best or last epoch in `folder/best.keras` and return it; an interrupted run goes on.

    Batch number n is the same whenever it is made, and `checkpoints.py` keeps all else that a step depends on. So on
    TensorFlow with one thread a run that was stopped ends with the numbers of one that was not, to the bit.

    Args:
        model: not compiled yet.
        batches: returns the maker of the batches (inputs and targets, by number); picklable if processes make them.
        validation: inputs and targets, whole.
        loss: of the logits.
        metric: higher is better; chooses the epoch.
        settings: of the optimiser.
        folder: for checkpoints and the log.
        n_processes: that make batches ahead; 0 makes them here.
        jit: compile a step as one (XLA); None where that can be. Batches of many shapes are compiled once for each.

    Raises:
        DataError: the loss is no number any more (the batch is named), or the disk refuses a checkpoint.
        ConfigError: the folder holds a training with other settings.
    """
    group, files = current_group(), Checkpoints(folder, settings)
    leads = group is None or group.rank == 0
    events = Events(folder / "tensorboard" if settings.tensorboard and leads else None)
    state, before = files.resume()
    # A step that TensorFlow compiles with XLA can't call back into Python, which averages the gradients of a group.
    compiled: Any = "auto" if group is None or keras.backend.backend() != "tensorflow" else False
    compiled = compiled if jit is None else jit
    if before is None:
        model.compile(build_optimiser(settings), loss, metrics=[metric], jit_compile=compiled)
        model.optimizer.build(model.trainable_variables)
    else:
        if leads:
            say(f"goes on after epoch {state.epoch}")
        model = before
        if compiled != "auto":
            model.jit_compile = compiled
    if group:
        group.join(model.optimizer)
    feed = Feed(partial(_mixed, batches, settings.mixup, settings.seed) if settings.mixup else batches, n_processes)
    run = _Run(model, feed, validation, settings, files, state, f"val_{metric.name}", group)
    try:
        while not state.finished(settings):
            figures = run.epoch()
            if leads:
                events.write(state.epoch, figures)
                say(f"epoch {state.epoch}: " + ", ".join(f"{k} {v:.4g}" for k, v in sorted(figures.items())))
    except KeyboardInterrupt:
        if leads:
            say(f"interrupted in epoch {state.epoch + 1}; the same command goes on after epoch {state.epoch}")
        raise
    finally:
        feed.close()
        events.close()
    return files.best()


@dataclass
class _Run:
    """A training under way."""

    model: keras.Model
    feed: Feed
    validation: tuple[Any, Any]
    settings: OptimiserSettings
    files: Checkpoints
    state: State
    chooses: str
    """Name of the figure that chooses the epoch."""
    group: Group | None

    def epoch(self) -> dict[str, float]:
        """Train and validate one epoch, write its checkpoint, and return its figures."""
        figures = self._train()
        if self.group is None:
            return self._keep(figures)
        self.group.average(self.model.non_trainable_variables)
        if self.group.rank == 0:
            figures = self._keep(figures)
            self.group.share([figures[self.chooses]])  # the others wait until it is on the disk
        else:
            [reached] = self.group.share([0.0])
            self.state.judge(reached, self.settings)
        return figures

    def _train(self) -> dict[str, float]:
        """Train on the epoch's batches; return the means of loss and metric and the last learning rate."""
        steps, sums, rate = self.settings.steps_per_epoch, {}, 0.0
        first = self.state.epoch * steps
        with epoch_bar(f"epoch {self.state.epoch + 1}", steps) as show:
            for number, batch in enumerate(self.feed.batches(first, first + steps), first):
                rate = rate_at(number, self.settings, self.state.plateau_share)
                self.model.optimizer.learning_rate = rate
                self.model.reset_metrics()
                x, y = batch if self.group is None else self.group.part(batch)
                found = {k: float(v) for k, v in self.model.train_on_batch(x, y, return_dict=True).items()}
                if not np.isfinite(found["loss"]):
                    raise DataError(
                        f"the loss of batch {number} is {found['loss']}",
                        fix="take a lower peak_rate or a longer warm-up, in another --run folder",
                    )
                for name, value in found.items():
                    sums[name] = sums.get(name, 0.0) + value
                show(found["loss"])
        return {name: total / steps for name, total in sums.items()} | {"rate": rate}

    def _keep(self, figures: dict[str, float]) -> dict[str, float]:
        """Validate, write the checkpoint, and the best network where this is it."""
        self.files.save(self.model, self.state)
        with _MeanWeights(self.model):
            found = self.model.evaluate(*self.validation, batch_size=256, verbose=0, return_dict=True)
            figures |= {f"val_{name}": float(value) for name, value in found.items()}
            better = self.state.judge(figures[self.chooses], self.settings)
            if better or self.settings.keep == "last":
                self.files.save_best(self.model)
        self.files.record(self.state, figures)
        return figures


@dataclass
class _MeanWeights:
    """Exchanges the weights with their exponential mean, and back at the end."""

    model: keras.Model

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    def _swap(self) -> None:
        optimiser = self.model.optimizer
        if not optimiser.use_ema:
            return
        means = optimiser._model_variables_moving_average
        for weight, mean in zip(optimiser._trainable_variables, means, strict=True):
            value = np.array(keras.ops.convert_to_numpy(weight))
            weight.assign(mean)
            mean.assign(value)


def _mixed(batches: Callable[[], Maker], alpha: float, seed: int) -> Maker:
    return Mixup(batches(), alpha, seed)
