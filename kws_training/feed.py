"""Make training batches ahead of the training, in other processes."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

Maker = Callable[[int], Any]
"""Returns batch number n, the same whenever it is asked for it."""

_AHEAD = 8
_maker: Maker


class Feed:
    """Batches in the order of their numbers.

    Args:
        factory: picklable; returns the maker of the batches, once in each process.
        n_processes: 0 makes them in this process, when they are asked for.
    """

    def __init__(self, factory: Callable[[], Maker], n_processes: int = 1) -> None:
        self._maker: Maker = _make if n_processes else factory()
        self._pool = None
        if n_processes:
            # Spawned: a fork of a process that runs TensorFlow's threads can hang.
            self._pool = ProcessPoolExecutor(n_processes, get_context("spawn"), _set_maker, (factory,))

    def batches(self, first: int, last: int) -> Iterator[Any]:
        """Yield batches `first` to `last - 1`."""
        if self._pool is None:
            yield from map(self._maker, range(first, last))
            return
        waiting: deque[Future[Any]] = deque()
        for number in range(first, last):
            while len(waiting) < _AHEAD and number + len(waiting) < last:
                waiting.append(self._pool.submit(self._maker, number + len(waiting)))
            yield waiting.popleft().result()

    def close(self) -> None:
        """Stop the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _set_maker(factory: Callable[[], Maker]) -> None:
    global _maker  # noqa: PLW0603 - one maker a process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which ends its processes
    Thread(target=_end_with_parent, daemon=True).start()
    _maker = factory()


def _end_with_parent() -> None:
    """End when the training was killed: the pool's own queue never tells."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _make(number: int) -> Any:
    return _maker(number)
