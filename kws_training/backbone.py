"""`kws-train backbone`: the embedding network below every wake word, trained once on all transcribed speech."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.backbone_data import BackboneBatches, Utterance, held_out
from kws_training.feature_store import SETTINGS
from kws_training.models.backbone import phone_network
from kws_training.report import say
from kws_training.settings import BackboneRecipe
from kws_training.train import fit


@keras.saving.register_keras_serializable("earshot")
class CtcLoss(keras.losses.Loss):
    """Connectionist temporal classification (Graves et al. 2006), mean over the batch of the loss a label.

    Targets: label frames of the utterance, then its labels, zeros behind them; the blank is 0.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each utterance, divided by its labels, shape (batch,)."""
        y_true = keras.ops.cast(y_true, "int32")
        n_frames, labels = y_true[:, 0], y_true[:, 1:]
        n_labels = keras.ops.sum(keras.ops.cast(labels > 0, "int32"), axis=1)
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf  # noqa: PLC0415

            # The sparse form is an operation of its own, ten times as fast on a CPU as the dense one.
            loss = tf.nn.ctc_loss(
                tf.sparse.from_dense(labels), y_pred, None, n_frames, logits_time_major=False, blank_index=0
            )
        else:
            loss = keras.ops.ctc_loss(labels, y_pred, n_labels, n_frames, mask_index=0)
        return loss / keras.ops.cast(keras.ops.maximum(n_labels, 1), loss.dtype)


def train_backbone(
    work: Path, run: Path, recipe: BackboneRecipe, train: list[Utterance], dev: list[Utterance], n_phones: int
) -> keras.Model:
    """Train the phone network, with checkpoints in `run`; return it.

    Args:
        work: the folder of the stores.
        run: of the checkpoints; an interrupted run goes on.
        recipe: what to train and how.
        train: utterances.
        dev: others, of other speakers.
        n_phones: phones and the blank.
    """
    keras.utils.set_random_seed(recipe.optimiser.seed)
    model = phone_network(recipe.network, SETTINGS.mels, n_phones)
    hours = sum(u.clip.n_frames for u in train) * SETTINGS.hop / SETTINGS.rate / 3600
    say(f"{model.count_params()} parameters, {len(train)} utterances of {hours:.1f} h")
    return fit(
        model,
        partial(BackboneBatches, work, train, recipe),
        held_out(work, dev, recipe),
        loss=CtcLoss(),
        metric=keras.metrics.MeanMetricWrapper(_likelihood, name="phones"),
        settings=recipe.optimiser.model_copy(update={"keep": "last"}),
        folder=run,
        n_processes=1,
        jit=False,
    )


@keras.saving.register_keras_serializable("earshot")
def _likelihood(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.exp(-CtcLoss(reduction=None)(y_true, y_pred))


def phone_error_rate(model: keras.Model, clips: Any, labels: npt.NDArray[np.int32]) -> float:
    """Return the edit distance of the best path to the phones, as a share of the phones."""
    wrong = total = 0
    for first in range(0, len(clips), 50):
        logits = keras.ops.convert_to_numpy(model(clips[first : first + 50], training=False))
        for row, target in zip(logits, labels[first : first + 50], strict=True):
            best = row[: target[0]].argmax(axis=1)
            heard = [int(label) for i, label in enumerate(best) if label and (i == 0 or label != best[i - 1])]
            wanted = [int(label) for label in target[1:] if label]
            wrong += _distance(heard, wanted)
            total += len(wanted)
    return wrong / max(1, total)


def _distance(a: list[int], b: list[int]) -> int:
    row = np.arange(len(b) + 1)
    for i, left in enumerate(a, 1):
        previous, row = row, np.empty_like(row)
        row[0] = i
        best = np.minimum(previous[1:] + 1, previous[:-1] + (np.array(b) != left))
        for j, value in enumerate(best, 1):
            row[j] = min(value, row[j - 1] + 1)
    return int(row[-1])
