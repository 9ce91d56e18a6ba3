"""The network, its average and the optimizer: one step of training at a time, on any backend of Keras."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from asr_training.batches import Batch
from asr_training.checkpoint import Arrays, Checkpoint, Position
from asr_training.ctc import Learner
from asr_training.models import build
from asr_training.models.waveform import FILTERS, over_waveform
from asr_training.phones import PHONES, Lexicon
from asr_training.settings import Recipe
from asr_training.units import Units
from kws_training.parallel import Group
from voice.errors import ConfigError, DataError

_AVERAGE_EVERY = 4  # steps between two updates of the averaged weights
_ROUND_FRAMES, _ROUND_ROWS, _ROUND_LABELS = 128, 4, 32  # where every shape is compiled


class Trainer:
    """The network, its average and the optimizer.

    Args:
        recipe: what is learnt.
        threads: CPU threads; None leaves the backend's choice.
        lexicon: pronunciations, needed where the labels are phones.
        group: the processes that train together.

    Attributes:
        position: where in the training it is.
        network: that learns.
        averaged: its moving average.
    """

    def __init__(
        self, recipe: Recipe, threads: int | None = None, lexicon: Lexicon | None = None, group: Group | None = None
    ) -> None:
        if threads:
            _limit_threads(threads)
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.units = recipe, Units(recipe, lexicon)
        self.position = Position()
        self.network, self.averaged = network_of(recipe), network_of(recipe)
        self.averaged.set_weights(self.network.get_weights())
        schedule = recipe.schedule
        self.optimizer = keras.optimizers.AdamW(
            schedule.peak, beta_2=0.98, weight_decay=schedule.weight_decay, global_clipnorm=schedule.clip
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(self.network.trainable_variables)
        self._learner = Learner(inputs=self.network.inputs[0], outputs=list(self.network.outputs))
        self._learner.heads = heads_of(recipe)
        self._learner.schedule = schedule
        self._group = group
        if group:
            group.join(self.optimizer)
        # Lengths differ from batch to batch, and XLA compiles each shape anew; JAX knows nothing else.
        self._rounds = keras.backend.backend() == "jax"
        self._learner.compile(self.optimizer, jit_compile=self._rounds)

    def learn(self, batch: Batch, rate: float) -> float:
        """Take one step and return the loss a label frame.

        Args:
            batch: this process's part of it.
            rate: the learning rate.

        Raises:
            DataError: another process of the training is gone.
        """
        batch = self._rounded(batch)
        total, size = float(batch.label_frames), self._group.size if self._group else 1
        if self._group:
            total = size * float(self._group.mean(np.array([total], np.float32))[0])
        self.optimizer.learning_rate = rate
        targets = {
            "labels": batch.labels,
            "n_frames": batch.n_frames,
            "share": (batch.counts * size / max(1.0, total)).astype(np.float32),
            "phones": batch.phones,
            "known": batch.phones_known,
        }
        self._learner.reset_metrics()
        loss = float(self._learner.train_on_batch(batch.features, targets, return_dict=True)["loss"])
        if self._group:
            loss = float(self._group.mean(np.array([loss], np.float32))[0])
        if self.position.step % _AVERAGE_EVERY == 0:
            self._average()
        return loss

    def greedy(self, batch: Batch) -> list[str]:
        """Return the averaged network's best-path texts."""
        outputs = self.averaged.predict_on_batch(self._rounded(batch).features)
        best = np.argmax(outputs[0] if isinstance(outputs, list | tuple) else outputs, axis=-1)  # (b, label frames)
        return [self._collapse(row[:n]) for row, n in zip(best, batch.n_frames, strict=False)]

    def snapshot(self) -> Checkpoint:
        """Return the whole state.

        Raises:
            DataError: a weight is no number.
        """
        weights = self.network.get_weights()
        if not all(np.isfinite(array).all() for array in weights):
            raise DataError(
                f"a weight is no number after step {self.position.step}",
                fix="take a lower peak rate or a longer warm-up; the last checkpoint is as it was",
            )
        return Checkpoint(
            self.position,
            weights,
            self.averaged.get_weights(),
            [_array(variable) for variable in self.optimizer.variables],
            [_array(variable) for variable in self._random_states()],
        )

    def restore(self, saved: Checkpoint) -> None:
        """Take over a saved state.

        Raises:
            DataError: it belongs to another network.
        """
        try:
            self.network.set_weights(saved.weights)
            self.averaged.set_weights(saved.averaged)
            for variable, value in zip(self.optimizer.variables, saved.optimizer, strict=True):
                variable.assign(value)
            for variable, value in zip(self._random_states(), saved.random, strict=False):
                variable.assign(value)
        except ValueError as error:
            raise DataError("the checkpoint is of another network", fix="use its recipe or another --run") from error
        self.position = saved.position

    def begin_with(self, weights: Arrays) -> None:
        """Take over weights to learn on from, in place of the random ones."""
        self.network.set_weights(weights)
        self.averaged.set_weights(weights)

    def _average(self) -> None:
        step = self.position.step
        decay = min(self.recipe.schedule.ema, (1 + step) / (10 + step)) ** _AVERAGE_EVERY
        if self._group:
            self._group.average(self.network.non_trainable_weights)
        pairs = zip(self.averaged.trainable_weights, self.network.trainable_weights, strict=True)
        for mean, now in pairs:
            mean.assign(decay * mean.value + (1 - decay) * now.value)
        for mean, now in zip(self.averaged.non_trainable_weights, self.network.non_trainable_weights, strict=True):
            mean.assign(now.value)  # statistics of batches, averages already

    def _rounded(self, batch: Batch) -> Batch:
        if not self._rounds:
            return batch
        n_rows = 1 if self.recipe.schedule.consistency else _ROUND_ROWS
        return batch.rounded(n_frames=_ROUND_FRAMES, n_rows=n_rows, n_labels=_ROUND_LABELS)

    def _random_states(self) -> list[Any]:
        known = {id(weight) for weight in self.network.weights}
        return [variable for variable in self.network.variables if id(variable) not in known]

    def _collapse(self, best: npt.NDArray[Any]) -> str:
        changes = np.concatenate([[True], best[1:] != best[:-1]])
        return self.units.decode(int(label) for label in best[changes])


def network_of(recipe: Recipe, *, batch_size: int | None = None) -> keras.Model:
    """Return the recipe's network, with the heads that only help where it has them.

    Raises:
        ConfigError: a streaming network with the waveform, whose filters look ahead.
    """
    sizes = {"n_phones": len(PHONES) + 1, "batch_size": batch_size}
    if recipe.features.kind == "waveform":
        if recipe.network.streamable:
            raise ConfigError(f"network {recipe.network.kind} on a waveform", fix="take logmel, or another network")
        return over_waveform(build(recipe.network, FILTERS, len(recipe.labels), **sizes), recipe.features, batch_size)
    return build(recipe.network, recipe.features.bins, len(recipe.labels), **sizes)


def heads_of(recipe: Recipe) -> tuple[str, ...]:
    """Return what the network's outputs after the first are."""
    network = recipe.network
    return ("phones",) * bool(network.phone_block) + ("inter",) * bool(network.inter_block)


def _array(variable: Any) -> npt.NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(variable))


def _limit_threads(threads: int) -> None:
    backend = keras.backend.backend()
    if backend == "torch":
        import torch  # noqa: PLC0415 - of this backend only

        torch.set_num_threads(threads)
    elif backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - of this backend only

        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:  # TensorFlow already runs: its threads stay
            return
