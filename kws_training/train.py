"""Train a network: AdamW, warm-up and cosine decay, mean of the weights, best epoch kept; stops and goes on anywhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from kws_training.feed import Feed, Maker
from kws_training.report import say
from kws_training.settings import OptimiserSettings


def threads(n_threads: int) -> None:
    """Keep TensorFlow on `n_threads` threads; call it before the first operation."""
    import tensorflow as tf  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def fit(
    model: keras.Model,
    batches: Callable[[], Maker],
    validation: tuple[Any, Any],
    *,
    loss: keras.losses.Loss,
    metric: keras.metrics.Metric,
    settings: OptimiserSettings,
    folder: Path,
    best: bool = True,
    n_processes: int = 0,
) -> keras.Model:
    """Train `model`, keep the best epoch in `folder/best.keras` and return it; an interrupted run goes on.

    After each epoch `last.keras` holds the network with the optimiser's state, so that a run that was stopped ends
    with the numbers of one that was not.

    Args:
        model: not compiled yet.
        batches: returns the maker of the batches (inputs and targets, by number); picklable if processes make them.
        validation: inputs and targets, whole.
        loss: of the logits.
        metric: higher is better; chooses the epoch.
        settings: of the optimiser.
        folder: for checkpoints and the log.
        best: whether the best epoch is kept, or the last.
        n_processes: that make batches ahead; 0 makes them here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {"epoch": 0, "best": -np.inf}
    if (folder / "state.json").exists():
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        model = keras.models.load_model(folder / "last.keras")
        say(f"goes on after epoch {state['epoch']}")
    else:
        model.compile(_optimiser(settings), loss, metrics=[metric])
    feed = Feed(batches, n_processes)
    steps = settings.steps_per_epoch
    try:
        for epoch in range(state["epoch"], -(-settings.steps // steps)):
            made = feed.batches(epoch * steps, (epoch + 1) * steps)
            history = model.fit(made, steps_per_epoch=steps, epochs=1, verbose=0).history
            model.save(folder / "next.keras")
            _swap_mean(model)
            figures = {f"val_{k}": v for k, v in model.evaluate(*validation, 256, verbose=0, return_dict=True).items()}
            reached = figures[f"val_{metric.name}"]
            if not best or reached > state["best"]:
                model.save(folder / "best.keras")
            _swap_mean(model)
            figures |= {k: v[0] for k, v in history.items()}
            state = {"epoch": epoch + 1, "best": max(reached, state["best"])}
            (folder / "next.keras").replace(folder / "last.keras")
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
            with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"epoch": epoch + 1, **figures}) + "\n")
            say(f"epoch {epoch + 1}: " + ", ".join(f"{k} {v:.4f}" for k, v in sorted(figures.items())))
    finally:
        feed.close()
    return keras.models.load_model(folder / "best.keras", compile=False)


def _swap_mean(model: keras.Model) -> None:
    """Exchange the weights with their exponential mean."""
    means = model.optimizer._model_variables_moving_average
    for weight, mean in zip(model.optimizer._trainable_variables, means, strict=True):
        value = np.array(weight)
        weight.assign(mean)
        mean.assign(value)


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
