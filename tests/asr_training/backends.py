"""CTC losses, gradients and a few steps of training on the backend that KERAS_BACKEND names, as one JSON line."""

import json

import keras
import numpy as np

from asr_training.batches import Batch
from asr_training.ctc import ctc_loss, disagreement
from asr_training.models.settings import ConvolutionalSettings
from asr_training.settings import Recipe, ScheduleSettings
from asr_training.trainer import Trainer

LABELS = np.array([[1, 1, 2, 0], [3, 0, 0, 0], [2, 4, 2, 4]], np.int32)  # a repeat, a short row, a full one
N_FRAMES = np.array([9, 4, 12], np.int32)
LOGITS = np.random.default_rng(1).normal(0, 2, (3, 12, 5)).astype(np.float32)
PAIR = np.array([9, 4], np.int32)  # of the disagreement: two utterances' frames


def gradient(function, x):
    """Return the gradient of the sum of a function's values."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(lambda z: function(z).sum())(x))
    if backend == "torch":
        import torch

        z = torch.tensor(x, requires_grad=True)
        function(z).sum().backward()
        return z.grad.numpy()
    import tensorflow as tf

    z = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(z)
        total = tf.reduce_sum(function(z))
    return tape.gradient(total, z).numpy()


def batch(seed):
    """Return two utterances' batch."""
    rng = np.random.default_rng(seed)
    features = rng.normal(-5, 2, (2, 96, 20)).astype(np.float32)
    features[1, 64:] = 0
    labels = np.array([[3, 4, 0], [5, 5, 3]], np.int32)
    ones = np.ones(2, np.float32)
    return Batch(features, np.array([24, 16], np.int32), labels, ("ab", "ccb"), labels, ones, ones)


def losses_of_training():
    """Return the losses of five steps from weights that don't depend on the backend."""
    network = ConvolutionalSettings(channels=16, blocks=2, kernel=3, stem=4, dropout=0.0, inter_block=1)
    features = Recipe().features.model_copy(update={"mels": 20})
    trainer = Trainer(Recipe(features=features, network=network, schedule=ScheduleSettings(warm_up=1)))
    rng = np.random.default_rng(2)
    trainer.begin_with([rng.normal(0, 0.1, w.shape).astype(np.float32) for w in trainer.network.get_weights()])
    losses = [trainer.learn(batch(3), 1e-2) for _ in range(5)]
    return losses, trainer.greedy(batch(3))


if __name__ == "__main__":
    ctc = lambda z: ctc_loss(keras.ops.convert_to_tensor(LABELS), z, keras.ops.convert_to_tensor(N_FRAMES))  # noqa: E731
    apart = lambda z: disagreement(z, keras.ops.convert_to_tensor(np.tile(PAIR, 2)))  # noqa: E731
    double = np.concatenate([LOGITS[:2], LOGITS[1:]])
    steps, heard = losses_of_training()
    found = {
        "losses": keras.ops.convert_to_numpy(ctc(keras.ops.convert_to_tensor(LOGITS))).tolist(),
        "gradient": gradient(ctc, LOGITS).tolist(),
        "apart": gradient(apart, double).tolist(),
        "steps": steps,
        "heard": heard,
    }
    print(json.dumps(found))
