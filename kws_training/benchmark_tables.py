"""The tables of `kws-train benchmark`, as Markdown, CSV and pictures."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_training import plots
from voice.errors import DataError

Row = dict[str, Any]
_COLUMNS = (
    "model", "pretrained", "total_parameters", "parameters", "fixed_parameters", "multiplies",
    "train_accuracy", "train_loss", "validation_accuracy", "validation_loss",
    "test_accuracy", "test_low", "test_high", "test_clips", "seconds", "epochs",
    "first_train_accuracy", "first_train_loss", "first_validation_accuracy", "first_validation_loss",
    "litert_bytes", "litert_ms", "failed",
)  # fmt: skip


def write_tables(out: Path, rows: Sequence[Row], epochs: dict[str, list[Row]], protocol: str) -> Path:
    """Write benchmark.json, .csv, .md and the pictures; return the Markdown.

    Args:
        out: the folder.
        rows: of `benchmark`; a failed one has `failed`.
        epochs: figures of every epoch, by model.
        protocol: what all had in common, in a sentence.

    Raises:
        DataError: the disk refuses.
    """
    done = [row for row in rows if "failed" not in row]
    pictures = {"accuracy": plots.sizes(done), "epochs": plots.histories(epochs)} if done else {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "benchmark.json").write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
        (out / "benchmark.csv").write_text(table_csv(rows), encoding="utf-8")
        (out / "benchmark.md").write_text(markdown(rows, protocol), encoding="utf-8")
        for name, png in pictures.items():
            (out / f"{name}.png").write_bytes(png)
    except OSError as error:
        raise DataError(f"{out}: {error.strerror}", fix="free disk space or choose another folder") from error
    return out / "benchmark.md"


def table_csv(rows: Sequence[Row]) -> str:
    """Return all columns, a line a model."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def markdown(rows: Sequence[Row], protocol: str) -> str:
    """Return the tables: complexity, training from scratch and pretrained, first epochs, test and run time."""
    done = [row for row in rows if "failed" not in row]
    by_size = sorted(done, key=lambda row: row["total_parameters"])
    parts = [
        "# Benchmark",
        protocol,
        "## Model complexity",
        _table(
            ("Model", "Total params", "Trainable params", "Non-trainable params", "Multiplies a second"),
            [
                (
                    _name(row),
                    *(f"{row[key]:,}" for key in ("total_parameters", "parameters", "fixed_parameters")),
                    _millions(row),
                )
                for row in by_size
            ],
        ),
    ]
    for title, pretrained in (("Training from scratch", False), ("Using pre-trained weights", True)):
        chosen = [row for row in done if row["pretrained"] == pretrained]
        if chosen:
            parts += [f"## {title}", _training(chosen, ""), f"## {title}: first epoch", _training(chosen, "first_")]
    parts += ["## Test speakers, size and speed", _test(sorted(done, key=lambda row: -(row["test_accuracy"] or 0)))]
    failed = [row for row in rows if "failed" in row]
    if failed:
        parts += ["## Failed", "\n".join(f"- {row['model']}: {row['failed']}" for row in failed)]
    return "\n\n".join(parts) + "\n"


def line(row: Row) -> str:
    """Return what is said of a model as soon as it is finished."""
    if "failed" in row:
        return f"{row['model']}: failed: {row['failed']}"
    test = "" if row["test_accuracy"] is None else f", test {100 * row['test_accuracy']:.1f} %"
    speed = "" if row["litert_ms"] is None else f", {row['litert_bytes'] / 1000:.0f} kB, {row['litert_ms']:.3f} ms"
    time = f"{row['epochs']} epochs in {row['seconds']:.0f} s"
    return (
        f"{row['model']}: {row['parameters']:,} parameters, {_millions(row)} multiplies, "
        f"validation {100 * row['validation_accuracy']:.1f} %{test}, {time}{speed}"
    )


def _training(rows: Sequence[Row], prefix: str) -> str:
    head: tuple[str, ...] = ("Model", "Train Accuracy", "Train Loss", "Val Accuracy", "Val Loss")
    keys = ("train_accuracy", "train_loss", "validation_accuracy", "validation_loss")
    body = [(_name(row), *(f"{row[prefix + key]:.4f}" for key in keys)) for row in rows]
    if not prefix:
        head = (*head, "Epochs", "Training Time (sec)")
        body = [(*cells, str(row["epochs"]), f"{row['seconds']:.1f}") for cells, row in zip(body, rows, strict=True)]
    return _table(head, body)


def _test(rows: Sequence[Row]) -> str:
    body = []
    for row in rows:
        share, interval, size, speed = "-", "-", "-", "-"
        if row["test_accuracy"] is not None:
            share = f"{100 * row['test_accuracy']:.1f} %"
            interval = f"{100 * row['test_low']:.1f} to {100 * row['test_high']:.1f}, {row['test_clips']} clips"
        if row["litert_ms"] is not None:
            size, speed = f"{row['litert_bytes'] / 1000:.0f} kB", f"{row['litert_ms']:.3f} ms"
        body.append((_name(row), share, interval, size, speed))
    return _table(("Model", "Test accuracy", "95 %", "LiteRT, float", "One second, one thread (median CPU)"), body)


def _name(row: Row) -> str:
    return f"{row['model']}, pretrained" if row["pretrained"] else row["model"]


def _millions(row: Row) -> str:
    return "-" if row["multiplies"] is None else f"{row['multiplies'] / 1e6:.2f} M"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))
