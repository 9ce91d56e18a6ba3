"""The loss: CTC of the labels, of the heads that help, and of two maskings that should agree; on any backend."""

from typing import Any

import keras
from keras import ops

from asr_training.settings import ScheduleSettings


def ctc_loss(labels: Any, logits: Any, n_frames: Any) -> Any:
    """Return the CTC loss of each utterance (Graves et al. 2006, section 4.1), shape (b,), nats.

    Args:
        labels: (b, longest), int; 0, the blank, where padded; at least one label a row.
        logits: (b, t, labels), not softmaxed; the blank is 0.
        n_frames: label frames of each utterance, (b,), enough for its labels.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - its kernel for sparse labels is several times faster than keras.ops'

        sparse = tf.sparse.from_dense(tf.cast(labels, tf.int32))
        frames = tf.cast(n_frames, tf.int32)
        return tf.nn.ctc_loss(sparse, logits, None, frames, logits_time_major=False, blank_index=0)
    n_labels = ops.sum(ops.cast(labels > 0, "int32"), axis=1)
    return ops.ctc_loss(labels, logits, n_labels, ops.cast(n_frames, "int32"), mask_index=0)


def disagreement(logits: Any, n_frames: Any) -> Any:
    """Return how far each utterance's frames are from those of its other masking, (2 b,), nats.

    Consistency-regularised CTC (Yao et al. 2024, arXiv:2410.05101, equation 4): the Kullback-Leibler divergence of
    every frame's distribution from the other's, which is taken as it is (no gradient).

    Args:
        logits: (2 b, t, labels), the second half the first's utterances in another masking.
        n_frames: label frames, (2 b,).
    """
    log_probs = ops.log_softmax(logits, axis=-1)
    one, two = ops.split(log_probs, 2, axis=0)
    other = ops.stop_gradient(ops.concatenate([two, one], axis=0))
    each = ops.sum(ops.exp(other) * (other - log_probs), axis=-1)  # (2 b, t)
    position = ops.cumsum(ops.ones_like(each), axis=1)
    return ops.sum(each * ops.cast(position <= ops.cast(n_frames, "float32")[:, None], "float32"), axis=1)


class Learner(keras.Model):
    """A network that knows its loss; made from the network's inputs and outputs, whose layers it shares.

    Attributes:
        heads: what the outputs after the first are: phones, inter.
        schedule: shares of the losses.
    """

    heads: tuple[str, ...] = ()
    schedule: ScheduleSettings = ScheduleSettings()

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of a batch.

        Args:
            x: the features, not looked at.
            y: labels, n_frames, share (what an utterance's loss counts, 0 for a filling row), phones, known.
            y_pred: the network's outputs.
            sample_weight: not looked at.
            training: not looked at.
        """
        y = {name: ops.convert_to_tensor(value) for name, value in y.items()}
        schedule, n_frames, share = self.schedule, y["n_frames"], y["share"]
        outputs = list(y_pred) if isinstance(y_pred, list | tuple) else [y_pred]
        losses = [ops.sum(share * ctc_loss(y["labels"], outputs[0], n_frames))]
        weights = [1.0]
        for head, logits in zip(self.heads, outputs[1:], strict=True):
            phones = head == "phones"
            loss = ctc_loss(y["phones" if phones else "labels"], logits, n_frames)
            losses.append(ops.sum(share * loss * (y["known"] if phones else 1.0)))
            weights.append(schedule.phone_weight if phones else schedule.inter_weight)
        weights[0] = 1 - sum(weights[1:])
        total = sum(weight * loss for weight, loss in zip(weights, losses, strict=True))
        if schedule.consistency:
            total = total + schedule.consistency * ops.sum(share * disagreement(outputs[0], n_frames))
        return total
