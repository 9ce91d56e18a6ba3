"""How many threads a training takes; what has to be said before a training framework is imported."""

import os

from voice.errors import DataError


def use_threads(n_threads: int = 1) -> None:
    """Keep NumPy on one thread and the training framework on `n_threads`.

    Raises:
        DataError: the framework isn't installed.
    """
    try:
        from kws_training.train import threads  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DataError(f"{error.name} is not installed", fix="pip install 'earshot[train]'") from error
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threads(n_threads)
