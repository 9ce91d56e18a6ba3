"""The pictures of a wake word's report, as PNG."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt

from kws_training.plots import COLOURS, GREY, LINE, STYLE, png


def det_curves(curves: Mapping[str, dict[str, Any]], hours: float) -> bytes:
    """Return missed phrases over false accepts an hour.

    Args:
        curves: under its name each one's `false` (an hour), `missed` (shares), and `at`: both with their 95 % limits at
            the chosen threshold.
        hours: of speech that the false accepts were counted in.
    """
    least = 0.5 / hours
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 4.6))
        for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
            x, y = np.maximum(curve["false"], least), 100 * np.asarray(curve["missed"])
            axes.step(x, y, where="post", color=colour, linewidth=1.8, label=name)
            at = curve["at"]
            here, missed = max(at["false"], least), 100 * at["missed"]
            across = [[here - max(at["false_low"], least)], [at["false_high"] - here]]
            above = [[max(0.0, missed - 100 * at["missed_low"])], [max(0.0, 100 * at["missed_high"] - missed)]]
            axes.errorbar([here], [missed], above, across, color=colour, marker="o", capsize=3, zorder=3)
        axes.axvspan(least, 1 / hours, color=LINE, alpha=0.5, linewidth=0)
        worst = max((100 * curve["at"]["missed_high"] for curve in curves.values()), default=0.0)
        top = min(102.0, max(20.0, 2.5 * worst))
        axes.text(least * 1.05, 0.98 * top, f"none in\n{hours:.3g} h", va="top", fontsize=8, color=GREY)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.set_xlim(least, max(100.0, 20 / hours))
        axes.set_ylim(0, top)
        axes.set_xlabel("false accepts an hour of speech without the phrase")
        axes.set_ylabel("missed, %")
        axes.legend(loc="upper right")
        axes.set_title("Missed against false accepts (DET); points: the chosen threshold, 95 %")
        return png(figure)


def recall_by_condition(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the share of the phrase that is heard, by condition, for each set of recordings."""
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8.4, 3.8))
        for i, (name, colour) in enumerate(zip(sets, COLOURS, strict=False)):
            mine = [row for row in rows if row["set"] == name]
            x = [conditions.index(row["condition"]) + 0.16 * (i - (len(sets) - 1) / 2) for row in mine]
            y = np.array([100 * row["value"] for row in mine])
            low, high = (np.array([100 * row[end] for row in mine]) for end in ("low", "high"))
            bars = [np.maximum(y - low, 0), np.maximum(high - y, 0)]
            axes.errorbar(x, y, bars, color=colour, marker="o", linestyle="", capsize=3, label=name)
        axes.set_xticks(range(len(conditions)), conditions)
        axes.set_xlim(-0.5, len(conditions) - 0.5)
        lowest = min((100 * row["low"] for row in rows), default=0.0)
        axes.set_ylim(max(0.0, min(50.0, 10 * np.floor(lowest / 10) - 5)), 102)
        axes.set_ylabel("heard, %")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        axes.set_title("Heard at the chosen threshold, by condition; bars: 95 %")
        return png(figure)


def timeline(
    looks: npt.NDArray[np.float32], seconds: float, threshold: float, said: Sequence[tuple[float, float]]
) -> bytes:
    """Return the score over time.

    Args:
        looks: smoothed scores.
        seconds: from one to the next.
        threshold: from which it fires.
        said: beginning and end of each place where the phrase was put in, s.
    """
    time = np.arange(1, len(looks) + 1) * seconds
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9.6, 2.8))
        for i, (begin, end) in enumerate(said):
            axes.axvspan(begin, end, color=COLOURS[2], alpha=0.2, linewidth=0, label="" if i else "phrase put in")
        axes.plot(time, looks, color=COLOURS[0], linewidth=1, label="score")
        axes.axhline(threshold, color=COLOURS[1], linewidth=1, linestyle="--", label=f"threshold {threshold:g}")
        axes.set_xlim(0, max(1.0, float(time[-1]) if len(time) else 1.0))
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("time, s")
        axes.set_ylabel("score")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        axes.set_title("Score over speech that it never heard")
        return png(figure)
