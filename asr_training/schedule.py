"""When training ends, and the learning rate until then."""

import math
from dataclasses import dataclass

from asr_training.checkpoint import Position
from asr_training.settings import ScheduleSettings


@dataclass(frozen=True, slots=True)
class Budget:
    """When training ends and where in the learning-rate schedule it is."""

    steps: int
    minutes: float | None = None
    """Training time that replaces `steps`: the schedule then follows the clock, so that it ends in time."""

    def progress(self, position: Position) -> float:
        """Return the share done, 0 to 1."""
        done = position.seconds / (60 * self.minutes) if self.minutes else position.step / self.steps
        return min(1.0, done)


def learning_rate(schedule: ScheduleSettings, step: int, progress: float) -> float:
    """Return the rate after a linear warm-up: a half cosine to 1 % of the peak, or Noam's inverse square root.

    Noam: Vaswani et al. 2017, arXiv:1706.03762, equation 3, scaled so that the peak is where the warm-up ends.
    """
    warm_up = max(1, schedule.warm_up)
    warm = min(1.0, (step + 1) / warm_up)
    if schedule.shape == "noam":
        return schedule.peak * warm * math.sqrt(warm_up / max(step + 1, warm_up))
    return schedule.peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
