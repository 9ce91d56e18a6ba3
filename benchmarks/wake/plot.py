"""The DET plot: misses against false accepts an hour, a panel for each word and condition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.wake.evaluation import RATE_AN_HOUR, Figures

SHOWN = ("clean", "noise, 10 dB", "talk of six, 10 dB")
_COLOURS = {
    "earshot": "#0b6e4f",
    "porcupine": "#c1440e",
    "openwakeword": "#2b59c3",
    "microwakeword": "#8a4fbf",
    "pyopen-wakeword": "#6b8fb3",
    "pocketsphinx": "#777777",
}


def det_plot(found: Sequence[Figures], path: Path) -> None:
    """Write the plot as a PNG.

    A count of none is drawn at half a false accept in all hours, where the axis ends.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    words = list(dict.fromkeys(figures.word for figures in found))
    size = (3.4 * len(SHOWN), 2.9 * len(words) + 0.4)
    figure, axes = plt.subplots(len(words), len(SHOWN), figsize=size, sharex=True, sharey=True, squeeze=False)
    for row, word in zip(axes, words, strict=True):
        for axis, condition in zip(row, SHOWN, strict=True):
            for figures in (one for one in found if one.word == word):
                _draw(axis, figures, condition)
            axis.axvline(RATE_AN_HOUR, color="black", linewidth=0.6, linestyle=":")
            axis.set(xscale="log", xlim=(0.04, 10), ylim=(0, 60), title=f"{word}, {condition}")
            axis.grid(visible=True, alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("false accepts an hour")
    for row in axes:
        row[0].set_ylabel("missed, %")
    handles = {label: handle for row in axes for handle, label in zip(*row[0].get_legend_handles_labels(), strict=True)}
    axes[0][-1].legend(handles.values(), handles.keys(), fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw(axis: object, figures: Figures, condition: str) -> None:
    for one in figures.conditions:
        if one.name == condition:
            least: dict[int, int] = {}
            for point in one.curve.points:
                least[point.false_accepts] = min(point.missed, least.get(point.false_accepts, point.missed))
            rates = [max(0.5, count) / one.curve.hours for count in sorted(least)]
            missed = 100 * np.array([least[count] for count in sorted(least)]) / one.curve.n_words
            axis.plot(
                rates,
                missed,
                label=figures.engine,
                color=_COLOURS.get(figures.engine),
                linewidth=1.6,
                marker="o" if len(rates) < 3 else None,
                markersize=4,
            )
