"""Figures with their intervals: accuracy, calibration, thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` and its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}] of {self.n}"


def wilson(hits: int, n: int) -> Share:
    """Return `hits / n` with the Wilson score interval (JASA 1927, 22:209)."""
    if n == 0:
        return Share(0.0, 0.0, 1.0, 0)
    share = hits / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return Share(share, max(0.0, middle - half), min(1.0, middle + half), n)


def speaker_weights(groups: Sequence[str], n_draws: int = 1000, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return how often each clip counts in each bootstrap draw of speakers, shape (draws, clips).

    Clips of one speaker are alike, so that an interval over clips is too narrow: whole speakers are drawn with
    replacement (Efron and Tibshirani 1993, chapter 8).

    Args:
        groups: the speaker of each clip.
        n_draws: draws.
        seed: of the draws.
    """
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    n_speakers = int(place.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), n_draws)
    return np.asarray(drawn[:, place], np.int64)


def speaker_interval(values: npt.ArrayLike, groups: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values`, one a clip, over draws of speakers."""
    weights = speaker_weights(groups)
    means = weights @ np.asarray(values, np.float64) / np.maximum(weights.sum(axis=1), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def balanced(labels: Labels, special: Sequence[int] = (0, 1), seed: int = 0) -> Labels:
    """Return the indices of all words, and of the `special` labels as many clips as an average word has.

    So is the official test set of twelve labels made (arXiv 1804.03209, section 7.1).

    Args:
        labels: of the clips.
        special: silence and unknown.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    is_word = ~np.isin(labels, list(special))
    mean = round(is_word.sum() / max(1, len(np.unique(labels[is_word]))))
    drawn = [rng.permutation(np.flatnonzero(labels == label))[:mean] for label in special]
    return np.concatenate([np.flatnonzero(is_word), *drawn])


def poisson(count: int, exposure: float) -> tuple[float, float, float]:
    """Return `count / exposure` and its 95 % interval (Byar's approximation to the exact Poisson limits)."""
    low = count * (1 - 1 / (9 * count) - _Z / (3 * sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    high = above * (1 - 1 / (9 * above) + _Z / (3 * sqrt(above))) ** 3
    return count / exposure, low / exposure, high / exposure


def accuracy(logits: Logits, labels: Labels) -> Share:
    """Return the share of clips whose largest logit is their label's."""
    return wilson(int((logits.argmax(axis=1) == labels).sum()), len(labels))


def probabilities(logits: Logits, temperature: float) -> Logits:
    """Return softmax(logits / temperature)."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Return the temperature of least cross-entropy on held-out clips (Guo et al., arXiv 1706.04599, section 4.2)."""
    candidates = np.exp(np.linspace(np.log(0.2), np.log(5.0), 120))
    rows = np.arange(len(labels))
    losses = [-np.log(probabilities(logits, t)[rows, labels] + 1e-12).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def calibration_error(chances: Logits, labels: Labels, n_bins: int = 15) -> float:
    """Return the expected calibration error over equal bins of confidence (arXiv 1706.04599, equation 5)."""
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    return float(sum(gaps))


def command_threshold(chances: Logits, most: float, n_special: int = 2) -> float:
    """Return the least probability, in steps of 0.01, above which at most `most` of unknown clips pass as a command.

    Args:
        chances: calibrated probabilities of clips without a command, shape (clips, labels).
        most: share that may pass.
        n_special: labels in front that are no commands (silence, unknown).
    """
    is_command = chances.argmax(axis=1) >= n_special
    best = np.where(is_command, chances.max(axis=1), 0.0)
    for threshold in np.arange(0.5, 0.99, 0.01):
        if (best >= threshold).mean() <= most:
            return round(float(threshold), 2)
    return 0.99


def tail_threshold(peaks: Scores, count: float, n_tail: int = 20) -> float:
    """Return the threshold, 0.5 to 0.99, that `count` of the peaks are expected to reach.

    A count of one or two is too few to set a threshold by. The logits of the `n_tail` highest peaks are taken for the
    tail of an exponential distribution, whose mean is their mean excess over the next lower peak.
    """
    inside = np.clip(np.sort(peaks)[::-1], 1e-6, 1 - 1e-6)
    logits = np.log(inside / (1 - inside))
    if len(logits) <= n_tail:
        return 0.99
    excess = logits[:n_tail].mean() - logits[n_tail]
    wanted = logits[n_tail] + excess * np.log(n_tail / count)
    return round(float(np.clip(1 / (1 + np.exp(-wanted)), 0.5, 0.99)), 2)
