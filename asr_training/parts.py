"""Features of a corpus as they are being computed: appended to one file, with a log, so that nothing is computed twice.

NAME.frames.part    rows of float16
NAME.log.part       the key, then a line an utterance: what the index says of it
NAME.npy, NAME.json         what they become
NAME.report.jsonl           counts by reason, then a line for each utterance that was left out
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr_training.lines import tidy
from asr_training.manifest import FilterReport

_FLUSH_EVERY = 64  # utterances
_COPIED = 1 << 24  # bytes at a time


class Parts:
    """A corpus's frames, growing.

    Args:
        out: folder of the cache.
        name: of the corpus.
        key: what was begun with another one is thrown away.
        n_bins: length of a row.

    Attributes:
        n_done: utterances that an interrupted call computed.
    """

    def __init__(self, out: Path, name: str, key: str, n_bins: int) -> None:
        self._out, self._name, self._n_bins = out, name, n_bins
        self._frames_path, self._log_path = out / f"{name}.frames.part", out / f"{name}.log.part"
        lines = tidy(self._log_path)
        self._entries = [json.loads(line) for line in lines[1:]] if lines and lines[0] == json.dumps(key) else []
        self._keep_whole()
        self.n_done = len(self._entries)
        with self._log_path.open("w", encoding="utf-8") as log:
            log.write("".join(json.dumps(record) + "\n" for record in (key, *self._entries)))
        self._fresh: list[tuple[dict[str, Any], npt.NDArray[np.float16]]] = []

    def add(self, entry: dict[str, Any], frames: npt.NDArray[np.float16]) -> None:
        """Take in an utterance: what the index says of it, and its rows."""
        self._fresh.append((entry, frames))
        if len(self._fresh) >= _FLUSH_EVERY:
            self._flush()

    def finish(self, record: dict[str, Any], report: FilterReport | None) -> int:
        """Write the corpus, frames first and index last, so that an interrupted write never looks whole.

        Args:
            record: what else the index says.
            report: receives what was left out; None writes no report.

        Returns:
            Frames of the corpus.
        """
        self._flush()
        kept, start = [], 0
        for entry in self._entries:
            if reason := entry.get("left_out"):
                if report:
                    report.take_back(entry["audio"], entry["seconds"], reason)
                continue
            kept.append({**entry, "start": start})
            start += entry["frames"]
        self._write_array(start)
        if report:
            report.write(self._out / f"{self._name}.report.jsonl")
        index = self._out / f"{self._name}.json.part"
        index.write_text(json.dumps({**record, "utterances": kept if report else []}), encoding="utf-8")
        index.replace(self._out / f"{self._name}.json")
        self._frames_path.unlink()
        self._log_path.unlink()
        return start

    def _flush(self) -> None:
        """Rows first, log last: a row that the log doesn't know is cut off again."""
        with self._frames_path.open("ab") as stream:
            for _, frames in self._fresh:
                stream.write(np.ascontiguousarray(frames, np.float16).tobytes())
        with self._log_path.open("a", encoding="utf-8") as log:
            log.write("".join(json.dumps(entry) + "\n" for entry, _ in self._fresh))
        self._entries += [entry for entry, _ in self._fresh]
        self._fresh = []

    def _keep_whole(self) -> None:
        """Make the frames and the log agree."""
        size = self._frames_path.stat().st_size if self._frames_path.is_file() else 0
        known = self._n_bytes()
        while known > size:
            self._entries.pop()
            known = self._n_bytes()
        with self._frames_path.open("ab") as stream:
            stream.truncate(known)

    def _n_bytes(self) -> int:
        return sum(entry["frames"] for entry in self._entries) * self._n_bins * 2

    def _write_array(self, n_frames: int) -> None:
        path = self._out / f"{self._name}.npy.part"
        with path.open("wb") as target, self._frames_path.open("rb") as source:
            header = {"descr": "<f2", "fortran_order": False, "shape": (n_frames, self._n_bins)}
            np.lib.format.write_array_header_1_0(target, header)
            while block := source.read(_COPIED):
                target.write(block)
        path.replace(self._out / f"{self._name}.npy")
