"""Read a trained network, whatever its architecture."""

from importlib import import_module
from math import prod
from pathlib import Path
from pkgutil import iter_modules

import keras

from kws_training import models


def load_network(path: Path) -> keras.Model:
    """Return a saved network, not compiled.

    Raises:
        OSError: it can't be read.
        ValueError: it is no such file.
    """
    for module in iter_modules(models.__path__):
        import_module(f"{models.__name__}.{module.name}")  # each registers the layers of its own
    return keras.models.load_model(path, compile=False)


def trained_parameters(model: keras.Model) -> int:
    """Return the number of weights that training moves, as papers count them: no means of batch normalisation."""
    return sum(prod(weight.shape) for weight in model.trainable_weights)
