"""Several processes that train one network together, on any backend of Keras.

Each process takes every n-th clip of every batch; the gradients are averaged before each step, so the training is that
of one process: the same recipe, the same batches, and, but for the batch statistics of BatchNormalization, which each
process takes from its own clips (as in every data-parallel training without synchronised statistics; their running
means are averaged before a checkpoint), the same numbers up to rounding.

Process 0 holds a socket to each other one. What goes over it are float32 vectors, never pickles. For networks of up to
a million weights that costs a few milliseconds a step; tf.distribute's multi-worker strategy does not run Keras 3
networks, and keras.distribution knows JAX only.
"""

import os
import socket
import time
from collections.abc import Sequence
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from voice.errors import ConfigError, DataError

Vector = npt.NDArray[np.float32]
KEY_VARIABLE = "EARSHOT_TRAIN_KEY"
"""Environment variable with the secret that the processes of one training share."""

_PATIENCE_S = 120  # that the processes wait for each other to start


class Group:
    """The processes of one training, as one of them sees them.

    Args:
        rank: 0 to size - 1; 0 listens, validates and writes the checkpoints.
        size: number of processes.
        address: host and port at which process 0 listens.

    Raises:
        ConfigError: there is no shared secret.
        DataError: the others can't be reached.
    """

    def __init__(self, rank: int, size: int, address: tuple[str, int]) -> None:
        self.rank, self.size = rank, size
        secret = os.environ.get(KEY_VARIABLE, "").encode()
        if not secret:
            raise ConfigError("no secret for several processes", fix=f"set {KEY_VARIABLE} to the same text in each")
        try:
            found = _accepted(address, size - 1, secret) if rank == 0 else [_connected(address, secret)]
        except (OSError, AuthenticationError) as error:
            place = f"{address[0]}:{address[1]}"
            raise DataError(f"process {rank} at {place}: {error}", fix="start all processes anew") from error
        self._others: list[Connection] = found

    def mean(self, vector: Vector) -> Vector:
        """Return the mean of the vectors that all processes give; all must call it, in the same order.

        Raises:
            DataError: another process is gone.
        """
        mine = np.ascontiguousarray(vector, np.float32)
        try:
            if self.rank:
                self._others[0].send_bytes(mine.tobytes())
                return np.frombuffer(self._others[0].recv_bytes(), np.float32)
            received = [np.frombuffer(other.recv_bytes(), np.float32) for other in self._others]
            total = np.asarray(np.sum([mine, *received], axis=0) / np.float32(self.size), np.float32)
            for other in self._others:
                other.send_bytes(total.tobytes())
        except (EOFError, OSError) as error:
            raise _gone() from error
        return total

    def share(self, values: Sequence[float]) -> list[float]:
        """Return the values that process 0 gives; what the others give counts for nothing."""
        if self.rank:
            try:
                return [float(value) for value in np.frombuffer(self._others[0].recv_bytes(), np.float64)]
            except (EOFError, OSError) as error:
                raise _gone() from error
        for other in self._others:
            other.send_bytes(np.asarray(values, np.float64).tobytes())
        return list(values)

    def part(self, batch: tuple[Any, Any]) -> tuple[Any, Any]:
        """Return this process's clips and targets of a batch.

        Raises:
            ConfigError: the batch can't be divided evenly.
        """
        clips, targets = batch
        if len(clips) % self.size:
            raise ConfigError(
                f"a batch of {len(clips)} for {self.size} processes", fix="make optimiser.batch divisible"
            )
        return clips[self.rank :: self.size], targets[self.rank :: self.size]

    def average(self, variables: Sequence[keras.Variable]) -> None:
        """Set float variables to their mean over the processes."""
        floats = [variable for variable in variables if "float" in str(variable.dtype)]
        if not floats:
            return
        values = [keras.ops.convert_to_numpy(variable) for variable in floats]
        mean = self.mean(np.concatenate([value.ravel() for value in values]))
        for variable, value in zip(floats, _split(mean, values), strict=True):
            variable.assign(value)

    def join(self, optimiser: keras.optimizers.Optimizer) -> None:
        """Make an optimiser average the gradients before it applies them."""
        apply = optimiser.apply

        def averaged(gradients: Any, variables: Any = None) -> None:
            flat = keras.ops.concatenate([keras.ops.reshape(gradient, (-1,)) for gradient in gradients])
            like = gradients if variables is None else variables  # a traced gradient may not know its shape
            apply(_split(_outside(self.mean, flat), like), variables)

        optimiser.apply = averaged

    def close(self) -> None:
        """Close the sockets."""
        for other in self._others:
            other.close()


def _accepted(address: tuple[str, int], n_others: int, secret: bytes) -> list[Connection]:
    with socket.create_server(address) as server:
        server.settimeout(_PATIENCE_S)
        others = []
        for _ in range(n_others):
            other = Connection(server.accept()[0].detach())
            deliver_challenge(other, secret)
            answer_challenge(other, secret)
            others.append(other)
    return others


def _connected(address: tuple[str, int], secret: bytes) -> Connection:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            leader = Connection(socket.create_connection(address).detach())
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    answer_challenge(leader, secret)
    deliver_challenge(leader, secret)
    return leader


def _gone() -> DataError:
    return DataError("another process of this training is gone", fix="run the same command again")


def _split(flat: Any, like: Sequence[Any]) -> list[Any]:
    parts, first = [], 0
    for value in like:
        size = int(np.prod(value.shape))
        parts.append(flat[first : first + size].reshape(value.shape) if isinstance(flat, np.ndarray) else None)
        if parts[-1] is None:
            parts[-1] = keras.ops.reshape(flat[first : first + size], value.shape)
        first += size
    return parts


def _outside(function: Any, flat: Any) -> Any:
    """Call a function of numpy vectors from within a compiled training step."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - of this backend only

        found = tf.numpy_function(function, [flat], tf.float32)
        found.set_shape(flat.shape)
        return found
    if backend == "jax":
        import jax  # noqa: PLC0415 - of this backend only
        from jax.experimental import io_callback  # noqa: PLC0415

        return io_callback(function, jax.ShapeDtypeStruct(flat.shape, flat.dtype), flat, ordered=True)
    import torch  # noqa: PLC0415 - of this backend only

    return torch.tensor(function(flat.detach().cpu().numpy()), device=flat.device)


_current: Group | None = None


def set_group(group: Group | None) -> None:
    """Let the trainings of this process be part of a group."""
    global _current  # noqa: PLW0603 - one group a process, as keras.distribution has it
    _current = group


def current_group() -> Group | None:
    """Return the group that this process trains in, if any."""
    return _current
