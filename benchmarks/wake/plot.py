"""The DET plot: misses against false accepts an hour, a panel for each word and condition."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
_TITLES = {"noise, 10 dB": "10 dB above noise", "talk of six, 10 dB": "10 dB above six people who talk"}
_NAMES = {
    "earshot": "Earshot",
    "porcupine": "Porcupine",
    "openwakeword": "openWakeWord",
    "microwakeword": "microWakeWord",
    "pocketsphinx": "PocketSphinx",
}
_COMPARED = "one false accept in ten hours"
_RATES = (0.05, 10.0)
"""False accepts an hour that are shown."""


def det_plot(found: Sequence[Figures], path: Path) -> None:
    """Write the plot as a PNG.

    A count of none is drawn at half a false accept in all hours, where a curve begins.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    words = list(dict.fromkeys(figures.word for figures in found))
    hours = [figures.conditions[0].curve.hours for figures in found]
    curves = [_curve(figures, condition) for figures in found for condition in SHOWN]
    shown = [(rate, missed) for curve in curves for rate, missed in curve if rate <= _RATES[1]]
    least = min([_RATES[0], *(rate for rate, _ in shown)])
    most = 10 * (max([15.0, *(missed for _, missed in shown)]) // 10 + 1)
    size = (3.4 * len(SHOWN), 2.7 * len(words) + 0.8)
    figure, axes = plt.subplots(
        len(words), len(SHOWN), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for row, word in zip(axes, words, strict=True):
        for axis, condition in zip(row, SHOWN, strict=True):
            for figures in (one for one in found if one.word == word):
                _draw(axis, figures, condition)
            axis.axvline(RATE_AN_HOUR, color="black", linewidth=0.8, linestyle=":", label=_COMPARED)
            axis.set(xscale="log", xlim=(0.9 * least, _RATES[1]), ylim=(-0.02 * most, most))
            axis.set_title(f"{word}, {_TITLES.get(condition, condition)}", fontsize=10)
            axis.set_xticks([rate for rate in (0.1, 1, 10) if rate > least], minor=False)
            axis.xaxis.set_major_formatter("{x:g}")
            axis.grid(visible=True, alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel(f"false accepts an hour, in {max(hours):.1f} h of other speech", fontsize=9)
    for row, word in zip(axes, words, strict=True):
        n_words = next(figures.conditions[0].curve.n_words for figures in found if figures.word == word)
        row[0].set_ylabel(f"missed, % of {n_words}")
    handles = {label: handle for row in axes for handle, label in zip(*row[0].get_legend_handles_labels(), strict=True)}
    names = sorted(handles, key=lambda name: (name == _COMPARED, name != "Earshot", name))
    figure.legend([handles[name] for name in names], names, loc="outside upper left", ncols=len(names), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw(axis: Any, figures: Figures, condition: str) -> None:
    if points := _curve(figures, condition):
        axis.plot(
            *zip(*points, strict=True),
            label=_NAMES.get(figures.engine, figures.engine),
            color=_COLOURS.get(figures.engine),
            linewidth=1.8,
            marker="o" if len(points) < 3 else None,
            markersize=4,
            clip_on=len(points) >= 3 and points[-1][0] > _RATES[1],
            zorder=3,
        )


def _curve(figures: Figures, condition: str) -> list[tuple[float, float]]:
    """Return false accepts an hour and the percentage that is missed there, the fewest first."""
    found: list[tuple[float, float]] = []
    for one in (some for some in figures.conditions if some.name == condition):
        least: dict[int, int] = {}
        for point in one.curve.points:
            least[point.false_accepts] = min(point.missed, least.get(point.false_accepts, point.missed))
        found += [(max(0.5, n) / one.curve.hours, 100 * least[n] / one.curve.n_words) for n in sorted(least)]
    return found
