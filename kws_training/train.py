"""Train a network on endless batches: AdamW, warm-up and cosine decay, mean of the weights, best epoch kept."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from kws_training.settings import OptimiserSettings


def one_thread() -> None:
    """Keep TensorFlow on one thread; call it before the first operation."""
    import tensorflow as tf  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def fit(
    model: keras.Model,
    batches: Iterator[Any],
    validation: tuple[Any, Any],
    *,
    loss: keras.losses.Loss,
    metric: keras.metrics.Metric,
    settings: OptimiserSettings,
    folder: Path,
    best: bool = True,
) -> keras.Model:
    """Train `model`, keep the best epoch in `folder/best.keras` and return it; an interrupted run goes on.

    Args:
        model: not compiled yet.
        batches: inputs and targets, endless.
        validation: inputs and targets, whole.
        loss: of the logits.
        metric: higher is better; chooses the epoch.
        settings: of the optimiser.
        folder: for checkpoints and the log.
        best: whether the best epoch is kept, or the last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.compile(_optimiser(settings), loss, metrics=[metric])
    kept = folder / "best.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(kept), monitor=f"val_{metric.name}", mode="max", save_best_only=best
    )
    callbacks = [
        keras.callbacks.BackupAndRestore(str(folder / "backup")),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        checkpoint,
        keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
    ]
    model.fit(
        (batch for batch in batches),  # Keras takes generators, not other iterators
        steps_per_epoch=settings.steps_per_epoch,
        epochs=-(-settings.steps // settings.steps_per_epoch),
        validation_data=validation,
        validation_batch_size=256,
        callbacks=callbacks,
        verbose=2,
    )
    return keras.models.load_model(kept, compile=False)


def _optimiser(settings: OptimiserSettings) -> keras.optimizers.Optimizer:
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        settings.steps - settings.warmup_steps,
        alpha=0.01,
        warmup_target=settings.peak_rate,
        warmup_steps=settings.warmup_steps,
    )
    return keras.optimizers.AdamW(
        rate, weight_decay=settings.weight_decay, use_ema=True, ema_momentum=settings.ema, clipnorm=1.0
    )
