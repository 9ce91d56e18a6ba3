"""What a classifier confuses, and its curves: precision and recall a class, ROC, reliability."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws_training.evaluate import Labels, Logits, wilson

_POINTS = 200  # of a curve that is kept


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One label against the rest."""

    label: str
    n: int
    precision: float | None
    """None where no clip was given this label."""
    recall: float | None
    """None where no clip has this label."""
    f1: float | None
    auc: float | None
    """Area under the ROC curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A ROC curve: the shares of other clips and of the label's own clips whose score reaches a falling threshold."""

    label: str
    false: list[float]
    true: list[float]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of similar confidence."""

    confidence: float
    right: float
    low: float
    high: float
    """95 % interval of `right`."""
    n: int


def confusion(labels: Labels, answers: Labels, n_labels: int) -> npt.NDArray[np.int64]:
    """Return counts, shape (true label, answer)."""
    counts = np.zeros((n_labels, n_labels), np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def class_figures(counts: npt.NDArray[np.int64], names: tuple[str, ...], chances: Logits, labels: Labels) -> list[
    ClassFigures
]:  # fmt: skip
    """Return precision, recall, F1 and area under the ROC curve of every label, from a confusion matrix."""
    found = []
    for i, name in enumerate(names):
        right, given, there = int(counts[i, i]), int(counts[:, i].sum()), int(counts[i].sum())
        precision = right / given if given else None
        recall = right / there if there else None
        f1 = 2 * right / (given + there) if given + there else None
        found.append(ClassFigures(name, there, precision, recall, f1, area(chances[:, i], labels == i)))
    return found


def area(scores: npt.NDArray[np.float32], own: npt.NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve.

    How often a clip of the label outscores another one, ties half (Mann and Whitney). None where the label has all
    clips or none.
    """
    n_own, n_other = int(own.sum()), int((~own).sum())
    if n_own == 0 or n_other == 0:
        return None
    other = np.sort(scores[~own])
    below = np.searchsorted(other, scores[own], "left")
    ties = np.searchsorted(other, scores[own], "right") - below
    return float((below + ties / 2).sum() / (n_own * n_other))


def roc(scores: npt.NDArray[np.float32], own: npt.NDArray[np.bool_], label: str) -> Curve:
    """Return the ROC curve of a score, at most 200 points of it."""
    order = np.argsort(-scores, kind="stable")
    hits, alarms = np.cumsum(own[order]), np.cumsum(~own[order])
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    true = np.concatenate([[0.0], hits[last_of_ties] / max(1, own.sum())])
    false = np.concatenate([[0.0], alarms[last_of_ties] / max(1, (~own).sum())])
    corner = np.append(np.diff(false, n=2, prepend=-1) != 0, True) | np.append(
        np.diff(true, n=2, prepend=-1) != 0, True
    )
    true, false = true[corner], false[corner]
    # Most of a good curve lies near its corner, so points are kept by the length of the curve.
    length = np.cumsum(np.hypot(np.diff(false, prepend=0), np.diff(true, prepend=0)))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], _POINTS)))
    return Curve(label, [round(float(x), 5) for x in false[kept]], [round(float(y), 5) for y in true[kept]])


def reliability(chances: Logits, labels: Labels, n_bins: int = 15) -> list[ReliabilityBin]:
    """Return mean confidence and share of right answers in equal bins of confidence, empty ones left out.

    The reliability diagram of Guo et al., arXiv 1706.04599, section 2.
    """
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    found = []
    for b in np.unique(bins):
        chosen = bins == b
        share = wilson(int(right[chosen].sum()), int(chosen.sum()))
        found.append(ReliabilityBin(float(confidence[chosen].mean()), share.value, share.low, share.high, share.n))
    return found
