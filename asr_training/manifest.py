"""Speech corpora: folders with a `manifest.jsonl` of audio, transcript, speaker and split."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training.lines import read_lines
from voice.errors import DataError
from voice.text import Alphabet, normalise

MANIFEST = "manifest.jsonl"
LABEL_FRAMES_PER_SECOND = 25.0


class Utterance(BaseModel):
    """One line of a manifest; other keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    audio: str = Field(min_length=1)
    text: str | None = None
    speaker: str | None = None
    split: str | None = None
    duration: float = Field(gt=0, description="seconds")
    corpus: str = Field(min_length=1)
    licence: str = "unknown"
    gender: str | None = None


@dataclass
class FilterReport:
    """How many utterances stay, and why the others go."""

    kept: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        """Return one readable line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common()) or "none"
        return f"{name}: {self.kept} utterances, {self.seconds / 3600:.2f} h; left out: {reasons}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What an utterance must be like to be learnt from."""

    shortest: float = 0.25
    longest: float = 17.0
    slowest: float = 1.5
    """Characters per second."""
    fastest: float = 28.0


def corpora(data: Path) -> list[Path]:
    """Return the folders below `data` (or `data` itself) that hold a transcribed manifest, in the order of names.

    Raises:
        DataError: the folder is missing or holds none.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder", fix="unpack the speech data and give its folder")
    found = [data] if (data / MANIFEST).is_file() else sorted(path.parent for path in data.glob(f"*/{MANIFEST}"))
    transcribed = [folder for folder in found if any(utterance.text for utterance in read_manifest(folder))]
    if not transcribed:
        raise DataError(f"{data}: no {MANIFEST} with transcripts in it or one level below", fix="unpack a corpus there")
    return transcribed


def read_manifest(folder: Path) -> list[Utterance]:
    """Return the utterances of a corpus; lines of another kind (noise, wake words: no `corpus`) are passed over.

    Raises:
        DataError: the manifest can't be read, or a line is malformed (file, line and key are named).
    """
    path = folder / MANIFEST
    utterances = []
    for number, line in enumerate(read_lines(path, fix="check the data folder"), 1):
        if line.strip() and (utterance := _parse(line, f"{path} line {number}")):
            utterances.append(utterance)
    return utterances


def select(utterances: list[Utterance], limits: Limits = Limits()) -> tuple[list[Utterance], FilterReport]:
    """Return the usable utterances with normalised text, and the report of what was left out."""
    report = FilterReport()
    kept = []
    for utterance in utterances:
        text = normalise(utterance.text or "")
        reason = _objection(text, utterance.duration, limits)
        if reason:
            report.dropped[reason] += 1
            continue
        kept.append(utterance.model_copy(update={"text": text}))
        report.seconds += utterance.duration
    report.kept = len(kept)
    return kept, report


def write_manifest(folder: Path, utterances: list[Utterance], audio_root: Path) -> None:
    """Write a manifest into `folder` for audio that lies below `audio_root`.

    Raises:
        DataError: the disk refuses.
    """
    lines = (
        utterance.model_copy(update={"audio": os.path.relpath(audio_root / utterance.audio, folder)}).model_dump_json()
        for utterance in utterances
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror or error}", fix="free disk space or choose another folder"
        ) from error


def label_frames_needed(text: str) -> int:
    """Return the fewest CTC frames for `text`: one a character and one blank between equal neighbours."""
    return len(text) + sum(a == b for a, b in pairwise(text))


def _parse(line: str, where: str) -> Utterance | None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg})", fix="correct the line") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: not a JSON object", fix="correct the line")
    if "corpus" not in record and ("kind" in record or "keyword" in record):
        return None
    try:
        return Utterance.model_validate(record)
    except ValidationError as error:
        detail = error.errors()[0]
        raise DataError(f"{where}: {detail['loc'][0]}: {detail['msg']}", fix="correct the line") from error


def _objection(text: str, seconds: float, limits: Limits) -> str:
    if not text:
        return "without transcript"
    if seconds < limits.shortest:
        return f"shorter than {limits.shortest:g} s"
    if seconds > limits.longest:
        return f"longer than {limits.longest:g} s"
    if len(text) < limits.slowest * seconds and len(text) > 8:
        return "with too little text for their length"
    if len(text) > limits.fastest * seconds:
        return "with too much text for their length"
    if label_frames_needed(text) > seconds * LABEL_FRAMES_PER_SECOND - 3:
        return "too fast for the label frames"
    if set(text) - set(Alphabet().labels):
        return "with characters outside the alphabet"
    return ""
