"""Pictures of a data set: how many clips each class has, and one clip of each class as wave, spectrogram and MFCC."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kws_training.corpora import read_samples
from kws_training.data_report import Report
from kws_training.feature_store import SETTINGS
from kws_training.prepare import loudest_second
from kws_training.splits import SPLITS
from voice.audio.features import features
from voice.events import RATE

_COLOURS = dict(zip(SPLITS, ("#2563a8", "#c2541b", "#2e7d4f"), strict=True))
_ROWS = 6
"""Classes in one picture of clips."""
MFCC = SETTINGS.model_copy(update={"kind": "mfcc"})


def draw(report: Report, examples: dict[str, Path], folder: Path) -> list[Path]:
    """Write the pictures into `folder` and return their files.

    Args:
        report: of `data_report`.
        examples: a clip of each class.
        folder: is made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "classes.png"]
    distribution(report["classes"]).savefig(files[0])
    words = list(examples)
    for page, first in enumerate(range(0, len(words), _ROWS), start=1):
        files.append(folder / f"clips-{page}.png")
        clips({word: examples[word] for word in words[first : first + _ROWS]}).savefig(files[-1])
    return files


def distribution(classes: dict[str, dict[str, int]]) -> Figure:
    """Return a bar for each class: its clips, by split."""
    figure = Figure(figsize=(8, 1 + 0.24 * len(classes)), dpi=110, layout="constrained")
    axes = figure.subplots()
    words, left = list(classes)[::-1], np.zeros(len(classes))
    for split in SPLITS:
        counts = np.array([classes[word][split] for word in words])
        axes.barh(words, counts, left=left, color=_COLOURS[split], label=split)
        left += counts
    for word, n_clips in zip(words, left, strict=True):
        axes.text(n_clips, word, f" {n_clips:.0f}", va="center", fontsize=8)
    axes.set_xlabel("clips")
    axes.margins(x=0.1)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=len(SPLITS))
    return figure


def clips(examples: dict[str, Path]) -> Figure:
    """Return a row for each class: waveform, log-mel spectrogram and MFCC of a clip."""
    figure = Figure(figsize=(10, 1.7 * len(examples) + 0.4), dpi=110, layout="constrained")
    rows = figure.subplots(len(examples), 3, squeeze=False)
    for (word, path), row in zip(examples.items(), rows, strict=True):
        _clip(word, path, row)
    for axes, title in zip(rows[0], ("waveform", "log-mel spectrogram", "MFCC"), strict=True):
        axes.set_title(title, fontsize=9)
    for axes in rows[-1]:
        axes.set_xlabel("s")
    return figure


def _clip(word: str, path: Path, row: Any) -> None:
    samples = loudest_second(read_samples(path))
    row[0].plot(np.arange(len(samples)) / RATE, samples, linewidth=0.5, color=_COLOURS["train"])
    row[0].set_ylabel(word)
    row[0].set_xlim(0, 1)
    for axes, settings, label in ((row[1], SETTINGS, "mel filter"), (row[2], MFCC, "coefficient")):
        frames = features(samples, settings)  # (98, bins)
        # The first coefficient is the level, which would hide the others.
        drawn = frames[:, 1:] if settings.kind == "mfcc" else frames
        axes.imshow(drawn.T, aspect="auto", origin="lower", extent=(0, 1, 0, drawn.shape[1]), cmap="magma")
        axes.set_ylabel(label, fontsize=7)
    for axes in row:
        axes.tick_params(labelsize=7)
