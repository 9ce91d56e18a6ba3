"""Learning curves: of a training over its hours (`asr-train curve`), and over hours of data (`asr-train ablate`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from asr_training.history import LOG
from asr_training.lines import json_objects
from asr_training.scoring import Rate
from voice.errors import DataError

_COLOURS = {"loss": "#7a869a", "WER": "#c2541b", "CER": "#2563a8", "PER": "#1d8a4e"}
_OTHER = {"step", "epoch", "seconds"}
_SMOOTH = 10  # loss lines, of 50 steps each, in a mean


@dataclass(frozen=True, slots=True)
class Curve:
    """The figures of a training."""

    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Of each figure, hours of training and value."""
    joints: tuple[float, ...] = ()
    """Hours at which a run went on from another."""

    @property
    def hours(self) -> float:
        """Length of the training."""
        return max((hours for rows in self.points.values() for hours, _ in rows), default=0.0)


def read_curve(runs: Sequence[Path]) -> Curve:
    """Return the figures of runs, one after the other.

    Args:
        runs: folders of runs, each begun with the weights of the one before.

    Raises:
        DataError: a run has no log, or a line of it is broken.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    joints: list[float] = []
    begun = 0.0
    for run in runs:
        seconds = 0.0
        for row in json_objects(run / LOG):
            seconds = max(seconds, float(row["seconds"]))
            for name in row.keys() - _OTHER:
                points.setdefault(name, []).append(((begun + float(row["seconds"])) / 3600, float(row[name])))
        begun += seconds
        joints.append(begun / 3600)
    if not points:
        raise DataError(f"{runs[0]}: an empty log", fix="train for longer")
    return Curve(points, tuple(joints[:-1]))


def drawn(curve: Curve) -> Figure:
    """Return the picture: loss on the left axis, error rates of the dev part on the right one."""
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    left = figure.add_subplot()
    right = left.twinx()
    for name, rows in sorted(curve.points.items()):
        hours, values = zip(*rows, strict=True)
        colour = _COLOURS.get(name, "#555555")
        if name == "loss":
            left.plot(hours, values, color=colour, alpha=0.3, linewidth=0.8)
            left.plot(hours, _smooth(values), color=colour, label="loss, training (left)")
        else:
            right.plot(hours, values, "o-", markersize=3, color=colour, label=f"{name}, dev, best path (right)")
    for hours in curve.joints:
        left.axvline(hours, color="#bbbbbb", linestyle=":", linewidth=1)
    left.set(xlabel="hours of training", ylabel="loss, nats per label frame", xlim=(0, curve.hours or 1))
    right.set(ylabel="error rate, %", ylim=(0, None))
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    left.legend(handles, [str(handle.get_label()) for handle in handles], loc="upper right", frameon=False)
    left.grid(alpha=0.25)
    return figure


def _smooth(values: Sequence[float]) -> list[float]:
    """Return the mean of each value and those just before it."""
    windows = (values[max(0, i - _SMOOTH + 1) : i + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def write_hours(points: Sequence[tuple[float, str, str, Rate]], path: Path) -> None:
    """Draw word error rates over hours of training speech into a PNG file.

    Args:
        points: hours, decoder, corpus, and the rate with its interval.
        path: of the file.

    Raises:
        DataError: the disk refuses.
    """
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    lines = sorted({(corpus, decoder) for _, decoder, corpus, _ in points})
    for i, (corpus, decoder) in enumerate(lines):
        own = sorted((hours, rate) for hours, *line, rate in points if line == [decoder, corpus])
        values = np.array([(hours, rate.value, rate.low, rate.high) for hours, rate in own]).T
        spread = [np.maximum(0, values[1] - values[2]), np.maximum(0, values[3] - values[1])]
        axes.errorbar(values[0], values[1], spread, fmt="o-", color=f"C{i}", capsize=3, label=f"{corpus}, {decoder}")
    ticks = sorted({hours for hours, *_ in points})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{hours:.3g}" for hours in ticks])
    axes.minorticks_off()
    axes.set(xlabel="hours of training speech", ylabel="word error rate, dev, %", ylim=(0, None))
    axes.legend(frameon=False)
    axes.grid(alpha=0.25)
    _save(figure, path)


def write_curve(runs: Sequence[Path], path: Path) -> str:
    """Draw runs into a PNG file; return their last figures as a line.

    Raises:
        DataError: see `read_curve`; the disk refuses.
    """
    curve = read_curve(runs)
    _save(drawn(curve), path)
    last = ", ".join(f"{name} {rows[-1][1]:.3g}" for name, rows in sorted(curve.points.items()))
    return f"{curve.hours:.2f} h: {last}"


def _save(figure: Figure, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space or choose another file") from error
