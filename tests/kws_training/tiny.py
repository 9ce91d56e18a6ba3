"""A training that takes a second: four classes of noisy patterns, a network with everything that has a state."""

import sys
from pathlib import Path

import keras
import numpy as np

from kws_training.settings import OptimiserSettings
from kws_training.train import fit

N_CLASSES, SHAPE = 4, (12, 6)
SETTINGS = OptimiserSettings(
    steps=24, steps_per_epoch=4, batch=16, peak_rate=0.03, warmup_steps=3, ema=0.8, mixup=0.2, label_smoothing=0.0
)


def batch(number):
    """Batch `number`, the same whenever it is made."""
    rng = np.random.default_rng((7, number))
    labels = rng.integers(0, N_CLASSES, 16)
    x = rng.normal(0, 1, (16, *SHAPE)).astype(np.float32)
    x[np.arange(16), :, labels] += 1
    return x, np.eye(N_CLASSES, dtype=np.float32)[labels]


def batches():
    """The maker of the batches."""
    return batch


def network(*, normalised=True):
    """A convolution, batch statistics, dropout."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv1D(8, 3)(inputs)
    if normalised:
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.ReLU()(x))
    if normalised:
        x = keras.layers.Dropout(0.3)(x)
    return keras.Model(inputs, keras.layers.Dense(N_CLASSES)(x))


def train(folder, settings=SETTINGS, maker=batches, model=None):
    """Train in `folder`."""
    return fit(
        model or network(),
        maker,
        batch(1000),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metric=keras.metrics.CategoricalAccuracy(name="labels"),
        settings=settings,
        folder=folder,
    )


if __name__ == "__main__":  # tiny.py FOLDER [RANK SIZE PORT]
    target, *place = sys.argv[1:]
    if place:
        from kws_training.parallel import Group, set_group

        rank, size, port = map(int, place)
        set_group(Group(rank, size, ("127.0.0.1", port)))
    train(Path(target), SETTINGS.model_copy(update={"mixup": 0.0, "clip_norm": 0.0}), model=network(normalised=False))
