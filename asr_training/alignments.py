"""What `asr-train align` found, read back: how well each recording fits its transcript."""

import hashlib
from pathlib import Path

from asr_training.lines import json_objects
from asr_training.manifest import FilterReport, Utterance
from voice.errors import DataError

LIST = "alignment.jsonl"
"""A line an utterance: `audio`, relative to the folder of the list, `text`, `score`, `seconds`."""


class Scores:
    """Alignment scores by recording.

    Args:
        folder: that `asr-train align` wrote; None knows no score.

    Raises:
        DataError: there is no such list.
    """

    def __init__(self, folder: Path | None) -> None:
        self._scores: dict[Path, float] = {}
        self.fingerprint = ""
        if folder is None:
            return
        path = folder / LIST
        if not path.is_file():
            raise DataError(f"{path}: no such file", fix="run `asr-train align` first")
        for record in json_objects(path):
            self._scores[(folder / record["audio"]).resolve()] = record.get("score") or 0.0
        self.fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()

    def good(self, folder: Path, utterances: list[Utterance], least: float, report: FilterReport) -> list[Utterance]:
        """Return the utterances with at least that score, or with none; the report loses the others."""
        if not self._scores:
            return utterances
        kept = []
        for utterance in utterances:
            if self._scores.get((folder / utterance.audio).resolve(), 1.0) >= least:
                kept.append(utterance)
            else:
                reason = f"whose alignment scores below {least:g}"
                report.take_back(utterance.audio, utterance.duration, reason)
        return kept
