"""`asr-train benchmark`: parameters, size, speed, memory and word error rate of several bundles, on the same audio."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asr_training.evaluate import Measured, measure
from asr_training.footprint import footprint
from asr_training.peers import NAME as PEER
from asr_training.peers import PocketSphinx
from asr_training.scoring import word_error_rate
from voice.errors import DataError
from voice.models.bundle import Bundle

Row = dict[str, Any]
_COLUMNS = (
    "model", "system", "parameters", "model_mb", "language_mb", "rss_mib", "load_ms", "set", "wer", "wer_low",
    "wer_high", "utterances", "network_real_time_factor", "real_time_factor", "command_ms_median", "command_ms_p95",
)  # fmt: skip


def benchmark(
    bundles: Sequence[Bundle],
    data: Sequence[Path],
    splits: Sequence[str],
    *,
    limit: int | None,
    peer: PocketSphinx | None,
    say: Callable[[str], None],
) -> list[Row]:
    """Return a row for each bundle, decoder and set, and for the peer.

    Args:
        bundles: of kind asr.
        data: folders with corpora.
        splits: which utterances.
        limit: at most so many of each corpus, the same for all.
        peer: measured once beside them.
        say: receives the progress.

    Raises:
        DataError: there is no such utterance, or memory could not be measured.
    """
    rows: list[Row] = []
    for i, bundle in enumerate(bundles):
        measured = measure(bundle, data, splits, limit=limit, peer=peer if i == 0 else None, say=say)
        recording = measured[0].clips[0].audio
        manifest = bundle.manifest
        facts = {
            "model": manifest.id,
            "parameters": manifest.training.parameters,
            "model_mb": round(manifest.model.bytes / 1e6, 2),
            "language_mb": round(manifest.language.bytes / 1e6, 2) if manifest.language else 0.0,
            **footprint(str(bundle.folder), recording),
        }
        for found in measured:
            rows += [row if row["system"] == PEER else {**row, **facts} for row in _rows(found)]
        if peer and i == 0:
            cost = footprint(PEER, recording)
            for row in rows:
                row.update({"model": f"PocketSphinx {peer.version}", **cost} if row["system"] == PEER else {})
    return rows


def write_tables(out: Path, rows: Sequence[Row]) -> Path:
    """Write benchmark.json, .csv and .md; return the Markdown.

    Raises:
        DataError: the disk refuses.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "benchmark.json").write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
        (out / "benchmark.csv").write_text(_csv(rows), encoding="utf-8")
        (out / "benchmark.md").write_text(markdown(rows) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out}: {error.strerror}", fix="free disk space or choose another folder") from error
    return out / "benchmark.md"


def markdown(rows: Sequence[Row]) -> str:
    """Return the table, best word error rate first within a set."""
    head = ("model", "decoder", "parameters", "MB", "LM, MB", "RSS, MiB", "WER", "network", "all", "command, p95")
    parts = []
    for name in dict.fromkeys(row["set"] for row in rows):
        chosen = sorted((row for row in rows if row["set"] == name), key=lambda row: row["wer"])
        lines = [_cells(head), "|---|---|" + "---:|" * (len(head) - 2), *map(_line, chosen)]
        parts.append(f"{name}, {chosen[0]['utterances']} utterances:\n\n" + "\n".join(lines))
    note = "network and all: CPU seconds for a second of audio on one thread, features included; command: 2 to 4 s."
    return "\n\n".join([*parts, note])


def _rows(found: Measured) -> list[Row]:
    rows = []
    for answers in found.answers:
        rate = word_error_rate(found.scored(answers))
        own = answers.system != PEER
        rows.append(
            {
                "system": answers.system,
                "set": found.name,
                "wer": round(rate.value, 2),
                "wer_low": round(rate.low, 2),
                "wer_high": round(rate.high, 2),
                "utterances": rate.n,
                "network_real_time_factor": round(found.network_real_time_factor(), 5) if own else None,
                "real_time_factor": round(found.real_time_factor(answers), 5),
                "command_ms_median": found.command_ms(answers, 0.5),
                "command_ms_p95": found.command_ms(answers, 0.95),
            }
        )
    return rows


def _line(row: Row) -> str:
    return _cells(
        (
            row["model"],
            row["system"] if row["system"] != PEER else "",
            f"{row['parameters']:,}" if row.get("parameters") else "",
            f"{row['model_mb']:.1f}" if "model_mb" in row else "",
            f"{row['language_mb']:.1f}" if row.get("language_mb") else "",
            f"{row['rss_mib']:.0f}",
            f"{row['wer']:.1f} % [{row['wer_low']:.1f}, {row['wer_high']:.1f}]",
            "" if row["network_real_time_factor"] is None else f"{row['network_real_time_factor']:.4f}",
            f"{row['real_time_factor']:.4f}",
            "" if row["command_ms_p95"] is None else f"{row['command_ms_p95']:.0f} ms",
        )
    )


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _csv(rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
