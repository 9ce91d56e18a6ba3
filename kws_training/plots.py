"""The pictures of the reports, as PNG."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

_INK, GREY, LINE = "#1f2430", "#8a8f99", "#d9dce1"
COLOURS = ("#2563a8", "#c2541b", "#2e7d4f", "#7a4fa3", "#a3323f", "#5c6670")
STYLE = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.edgecolor": GREY,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "figure.dpi": 120,
}


def confusion_matrix(counts: Sequence[Sequence[int]], names: Sequence[str]) -> bytes:
    """Return the confusion matrix: counts, coloured by the share of the true label."""
    matrix = np.asarray(counts)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.48 * len(names)
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(size + 0.6, size))
        axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
        for i, j in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if share[i, j] > 0.4 else _INK
            axes.text(j, i, str(matrix[i, j]), ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=55, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("answer")
        axes.set_ylabel("said")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title("Confusion matrix: clips; the colour is their share of what was said")
        return png(figure)


def roc_curves(curves: Sequence[dict[str, Any]], areas: dict[str, float | None], n_named: int = 4) -> bytes:
    """Return the ROC curves of every label against the rest; the worst ones are named."""
    known = sorted((area, name) for name, area in areas.items() if area is not None)
    named = [name for _, name in known[:n_named]]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4.4))
        for curve in curves:
            if areas[curve["label"]] is None or curve["label"] in named:
                continue
            axes.step(_log(curve["false"]), curve["true"], where="post", color=LINE, linewidth=1.2)
        drawn = {curve["label"]: curve for curve in curves}
        for name, colour in zip(named, COLOURS, strict=False):
            text = f"{areas[name]:.4f}  {name}"  # matplotlib hides a name that begins with an underscore
            curve = drawn[name]
            axes.step(_log(curve["false"]), curve["true"], where="post", color=colour, linewidth=1.8, label=text)
        axes.set_xscale("log")
        axes.set_xlim(1e-4, 1)
        lowest = min(
            (np.interp(1e-3, c["false"], c["true"]) for c in curves if areas[c["label"]] is not None), default=0
        )
        axes.set_ylim(max(0.0, min(0.9, float(lowest) - 0.1)), 1.005)
        axes.set_xlabel("share of other clips taken for the label")
        axes.set_ylabel("share of the label's clips found")
        axes.legend(loc="lower right", title="area of the weakest labels; others grey")
        axes.set_title("ROC, each label against the rest")
        return png(figure)


def reliability_diagram(bins: Sequence[dict[str, Any]], error: float) -> bytes:
    """Return the reliability diagram, and below it how many clips have which confidence."""
    with plt.rc_context(STYLE):
        figure, (axes, below) = plt.subplots(
            2, 1, figsize=(5.2, 5.2), height_ratios=(3, 1), sharex=True, layout="constrained"
        )
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfect")
        x, y = [b["confidence"] for b in bins], [b["right"] for b in bins]
        below_y = [max(0.0, b["right"] - b["low"]) for b in bins]
        above_y = [max(0.0, b["high"] - b["right"]) for b in bins]
        axes.errorbar(x, y, [below_y, above_y], color=COLOURS[0], marker="o", markersize=5, lw=1.5, label="measured")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_ylabel("share of right answers")
        axes.legend(loc="lower right")
        axes.set_title(f"Reliability: expected calibration error {100 * error:.2f} %")
        below.bar(x, [b["n"] for b in bins], width=0.04, color=COLOURS[0])
        below.set_yscale("log")
        below.set_ylabel("clips")
        below.set_xlabel("probability of the answer")
        return png(figure)


def open_set_curve(found: dict[str, Any]) -> bytes:
    """Return false accepts of unseen words over the recall of the commands."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4))
        axes.plot(
            [100 * x for x in found["curve_recall"]], [100 * y for y in found["curve_false"]], color=COLOURS[0], lw=1.8
        )
        x, y = 100 * found["recall"], 100 * found["false_accepts"]["value"]
        low, high = 100 * found["false_accepts"]["low"], 100 * found["false_accepts"]["high"]
        axes.errorbar([x], [y], yerr=[[y - low], [high - y]], color=COLOURS[1], marker="o", capsize=3, zorder=3)
        axes.annotate(f"{y:.1f} % at {x:.1f} %", (x, y), (-8, 14), textcoords="offset points", ha="right")
        axes.set_xlim(70, 100.2)
        axes.set_ylim(0, max(12.0, min(100.0, 1.3 * high)))
        axes.set_xlabel("commands heard, %")
        axes.set_ylabel("unseen words taken for a command, %")
        axes.set_title("Words that no training heard: " + ", ".join(found["words"]))
        return png(figure)


def noise_curves(noise: dict[str, Any]) -> bytes:
    """Return accuracy over the ratio of the clip to the noise."""
    rows = noise["rows"]
    snrs = sorted({row["snr_db"] for row in rows}, reverse=True)
    clean = noise["clean"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4.2))
        for name, colour in zip(dict.fromkeys(row["noise"] for row in rows), COLOURS, strict=False):
            mine = {row["snr_db"]: row for row in rows if row["noise"] == name}
            points = [clean, *(mine[snr] for snr in snrs)]
            y = np.array([100 * p["value"] for p in points])
            low, high = (np.array([100 * p.get(f"speakers_{e}", p[e]) for p in points]) for e in ("low", "high"))
            x = np.arange(len(points))
            axes.errorbar(x, y, [np.maximum(y - low, 0), np.maximum(high - y, 0)], color=colour, marker="o", capsize=3)
            axes.annotate(name, (x[-1], y[-1]), (9, -3), textcoords="offset points", color=colour)
        axes.set_xticks(range(len(snrs) + 1), ["clean", *(f"{snr:g} dB" for snr in snrs)])
        axes.set_xlim(-0.3, len(snrs) + 0.9)
        axes.set_ylim(min(80.0, 10 * np.floor(min(100 * r["low"] for r in rows) / 10)), 100)
        axes.set_xlabel("ratio of the clip's power to the noise's")
        axes.set_ylabel("accuracy, %")
        axes.set_title("Noise; bars: 95 % interval")
        return png(figure)


def sizes(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return validation accuracy of models over their parameters."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 4.6))
        for row in rows:
            colour = COLOURS[1] if row.get("pretrained") else COLOURS[0]
            axes.plot(row["parameters"], 100 * row["validation_accuracy"], "o", color=colour)
            name = _short(f"{row['model']}, pretrained" if row.get("pretrained") else row["model"])
            axes.annotate(
                name,
                (row["parameters"], 100 * row["validation_accuracy"]),
                (6, 3),
                textcoords="offset points",
                fontsize=8,
            )
        axes.set_xscale("log")
        axes.margins(0.15)
        axes.set_xlabel("trainable parameters")
        axes.set_ylabel("validation accuracy, %")
        axes.set_title("Accuracy over size")
        return png(figure)


def histories(runs: dict[str, Sequence[dict[str, float]]]) -> bytes:
    """Return the validation accuracy of each model over its epochs."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 4.6))
        palette = plt.get_cmap("turbo")(np.linspace(0.05, 0.95, max(2, len(runs))))
        for (name, epochs), colour in zip(runs.items(), palette, strict=False):
            reached = [100 * epoch["validation_accuracy"] for epoch in epochs]
            axes.plot(range(1, len(reached) + 1), reached, marker=".", color=colour, label=_short(name))
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation accuracy, %")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
        axes.set_title("Validation accuracy by epoch")
        return png(figure)


def _short(name: str, most: int = 32) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _log(shares: Sequence[float]) -> Any:
    return np.maximum(np.asarray(shares), 1e-4)  # a logarithmic axis has no zero


def png(figure: Any) -> bytes:
    """Return a figure as PNG, and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return buffer.getvalue()
