"""The pictures of an evaluation's report, as PNG."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

Figures = dict[str, Any]
_INK, _GREY, _LINE = "#1f2430", "#8a8f99", "#d9dce1"
_OURS, _PEER = "#2563a8", "#c2541b"
_KINDS = (("substitutions", "#2563a8"), ("deletions", "#7fa6d6"), ("insertions", "#c2541b"))
_STYLE = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "figure.dpi": 120,
}


def systems(rows: Sequence[Figures]) -> bytes:
    """Return the systems' errors by kind, stacked to their word error rate, with its interval."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 1.1 + 0.5 * len(rows)))
        at = np.arange(len(rows))[::-1]
        left = np.zeros(len(rows))
        for kind, colour in _KINDS:
            share = np.array([100 * row[kind] / max(1, row["words"]) for row in rows])
            axes.barh(at, share, left=left, color=colour, label=kind, height=0.6)
            left += share
        values, spread = _spread([row["wer"] for row in rows])
        axes.errorbar(values, at, xerr=spread, fmt="none", ecolor=_INK, elinewidth=1.2, capsize=3)
        axes.set_yticks(at, [row["system"] for row in rows])
        axes.set_xlabel("word error rate, %")
        axes.grid(axis="y", visible=False)
        axes.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
        return _png(figure)


def groups(rows: Sequence[Figures], peer: str) -> bytes:
    """Return the word error rate of each group, the peer's beside it where it is known."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(max(4.0, 1.6 + 0.55 * len(rows)), 3.4))
        at = np.arange(len(rows))
        shift = 0.12 if all("peer" in row for row in rows) else 0.0
        _points(axes, [row["wer"] for row in rows], at - shift, _OURS, "this bundle")
        if shift:
            _points(axes, [row["peer"] for row in rows], at + shift, _PEER, peer)
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
        labels = [f"{row['group']}\n{row['utterances']}" for row in rows]
        crowded = len(rows) > 6
        axes.set_xticks(at, labels, rotation=50 if crowded else 0, ha="right" if crowded else "center", fontsize=8)
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("word error rate, %")
        axes.grid(axis="x", visible=False)
        return _png(figure)


def reliability(confidence: Figures) -> bytes:
    """Return the share of right words over their confidence; the area of a point is the number of words."""
    bins = confidence["bins"]
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.4, 4.0))
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
        at, right = [b["confidence"] for b in bins], [b["right"] for b in bins]
        size = [10 + 300 * b["n"] / confidence["words"] for b in bins]
        axes.plot(at, right, color=_OURS, linewidth=1.2)
        axes.scatter(at, right, s=size, color=_OURS)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("confidence of a word")
        axes.set_ylabel("share of such words that are right")
        return _png(figure)


def utterances(shares: Sequence[float]) -> bytes:
    """Return how many utterances have how many errors for each of their words."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 2.8))
        axes.hist(np.minimum(shares, 1.5), bins=np.linspace(0, 1.5, 31), color=_OURS)
        axes.set_xlabel("word errors for each word of the utterance (1.5: that many and more)")
        axes.set_ylabel("utterances")
        return _png(figure)


def _points(axes: Any, rates: Sequence[Figures], at: Any, colour: str, label: str) -> None:
    values, spread = _spread(rates)
    axes.errorbar(at, values, yerr=spread, fmt="o", color=colour, markersize=5, elinewidth=1.2, label=label)


def _spread(rates: Sequence[Figures]) -> tuple[Any, Any]:
    """Return the values, and how far their intervals reach below and above, shape (2, n)."""
    values = np.array([rate["value"] for rate in rates])
    reach = [[r["value"] - r["low"] for r in rates], [r["high"] - r["value"] for r in rates]]
    return values, np.maximum(reach, 0)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(figure)
    return buffer.getvalue()
