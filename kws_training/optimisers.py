"""The optimiser of a recipe, its learning rate at every step, and mixup."""

from typing import Any

import keras
import numpy as np

from kws_training.feed import Maker
from kws_training.settings import OptimiserSettings


def build_optimiser(settings: OptimiserSettings) -> keras.optimizers.Optimizer:
    """Return the optimiser; the training sets its learning rate before every step.

    Weight decay is decoupled (AdamW, arXiv 1711.05101) and falls on every weight; Adam has none.
    """
    mean = {"use_ema": True, "ema_momentum": settings.ema} if settings.ema else {}
    common: dict[str, Any] = {"learning_rate": settings.peak_rate, "clipnorm": settings.clip_norm or None, **mean}
    if settings.kind == "adam":
        return keras.optimizers.Adam(**common)
    common["weight_decay"] = settings.weight_decay
    if settings.kind == "adamw":
        return keras.optimizers.AdamW(**common)
    return keras.optimizers.SGD(momentum=settings.momentum, nesterov=settings.nesterov, **common)


def rate_at(step: int, settings: OptimiserSettings, plateau_share: float = 1.0) -> float:
    """Return the learning rate of a step, counted from 0.

    It rises linearly over the warm-up. Then `cosine` falls along half a cosine to `final_share` at the last step
    (SGDR, arXiv 1608.03983, without restarts), `step` takes the shares of `falls`, and `plateau` the share that the
    validation has left of it.
    """
    if step < settings.warmup_steps:
        return settings.peak_rate * step / settings.warmup_steps
    share = plateau_share
    if settings.schedule == "cosine":
        done = min(1.0, (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps))
        share = settings.final_share + (1 - settings.final_share) * (1 + np.cos(np.pi * done)) / 2
    elif settings.schedule == "step":
        share = next((share for first, share in sorted(settings.falls, reverse=True) if step >= first), 1.0)
    return float(settings.peak_rate * share)


class Mixup:
    """Batches whose clips and targets are mixed in pairs (mixup, arXiv 1710.09412, equation 1).

    One share is drawn for a batch, from Beta(alpha, alpha), by the number of the batch.

    Args:
        maker: of the batches: clips and targets as shares or logits' targets, first axis the clips.
        alpha: 0.1 to 0.4 mixes a little, 1 everything.
        seed: of the random numbers.
    """

    def __init__(self, maker: Maker, alpha: float, seed: int) -> None:
        self._maker, self._alpha, self._seed = maker, alpha, seed

    def __call__(self, number: int) -> tuple[Any, Any]:
        """Return batch `number`."""
        clips, targets = self._maker(number)
        rng = np.random.default_rng((self._seed, number, 0x6D6978))
        share = np.float32(rng.beta(self._alpha, self._alpha))
        other = rng.permutation(len(clips))
        return share * clips + (1 - share) * clips[other], share * targets + (1 - share) * targets[other]
