"""Open-set rejection: words that no training heard must not pass as a command.

The score of a clip is the calibrated probability of its best command, whatever silence and unknown got. A command
counts as heard where its own label is the best command and the score reaches the threshold; an unseen word is a false
accept where its score reaches it. The threshold is the highest at which the wanted share of commands is heard. The
runtime also wants the command to be the best of all labels, so that its own false accepts are at most these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws_training.evaluate import Labels, Logits, Share, speaker_interval, wilson

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OpenSet:
    """False accepts of unseen words where a share of the commands is heard."""

    recall: float
    """Share of the commands heard at the threshold: what was asked for, or less where that can't be reached."""
    recall_low: float
    recall_high: float
    """95 % interval over draws of speakers, at this threshold."""
    n_commands: int
    threshold: float
    false_accepts: Share
    speakers_low: float
    speakers_high: float
    """95 % interval over draws of speakers, at this threshold."""
    curve_recall: list[float]
    curve_false: list[float]


def command_scores(chances: Logits, labels: Labels, commands: Sequence[int]) -> Scores:
    """Return the score of each command clip, minus infinity where another command is better than its own."""
    own = chances[:, list(commands)]
    heard = np.asarray(commands)[own.argmax(axis=1)] == labels
    return np.where(heard, own.max(axis=1), -np.inf)


def rejection(
    heard: Scores, unseen: Scores, speakers: Sequence[str], unseen_speakers: Sequence[str], recall: float = 0.95
) -> OpenSet:
    """Return the false accepts at a recall of the commands.

    Args:
        heard: of `command_scores`, one a clip.
        unseen: highest probability of a command, one a clip of an unseen word.
        speakers: of the commands.
        unseen_speakers: of the unseen words.
        recall: share of the commands that must be heard.
    """
    threshold = threshold_at(heard, recall)
    accepted = unseen >= threshold
    low, high = speaker_interval(accepted, unseen_speakers)
    recall_low, recall_high = speaker_interval(heard >= threshold, speakers)
    limits = np.quantile(np.concatenate([[0.0], np.maximum(heard, 0)]), np.linspace(0, 1, 200))
    return OpenSet(
        recall=float((heard >= threshold).mean()),
        recall_low=recall_low,
        recall_high=recall_high,
        n_commands=len(heard),
        threshold=round(threshold, 4),
        false_accepts=wilson(int(accepted.sum()), len(unseen)),
        speakers_low=low,
        speakers_high=high,
        curve_recall=[round(float((heard >= limit).mean()), 4) for limit in limits],
        curve_false=[round(float((unseen >= limit).mean()), 4) for limit in limits],
    )


def threshold_at(heard: Scores, recall: float) -> float:
    """Return the highest threshold at which the share `recall` of the clips is heard; 0 where none is."""
    falling = np.sort(heard)[::-1]
    return max(0.0, float(falling[int(np.ceil(recall * len(heard) - 1e-9)) - 1]))
