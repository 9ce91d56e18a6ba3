"""Speech corpora: folders with a `manifest.jsonl` of audio, transcript, speaker and split."""

import json
import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr_training.lines import json_object, read_lines
from voice.errors import DataError
from voice.text import ENGLISH_CHARACTERS, foreign_letters, normalise

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
    rate: int | None = Field(None, gt=0, description="sampling rate of the file, Hz")


@dataclass
class FilterReport:
    """How many utterances stay, and why the others go."""

    kept: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """The recording and the reason, of each."""

    def drop(self, audio: str, reason: str) -> None:
        """Count a recording that goes."""
        self.dropped[reason] += 1
        self.left_out.append((audio, reason))

    def take_back(self, audio: str, seconds: float, reason: str) -> None:
        """Count a recording that was kept and goes after all."""
        self.kept -= 1
        self.seconds -= seconds
        self.drop(audio, reason)

    def write(self, path: Path) -> None:
        """Write the counts as one line of JSON, then a line for each recording that goes."""
        counts = {"kept": self.kept, "hours": round(self.seconds / 3600, 3), "left_out": dict(self.dropped)}
        lines = [counts, *({"audio": audio, "reason": reason} for audio, reason in self.left_out)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def line(self, name: str) -> str:
        """Return one readable line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common()) or "none"
        return f"{name}: {self.kept} utterances, {self.seconds / 3600:.2f} h; left out: {reasons}"


class Limits(BaseModel):
    """What an utterance must be like to be learnt from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shortest: float = Field(0.25, gt=0, description="seconds")
    longest: float = Field(17.0, gt=0, description="seconds")
    slowest: float = Field(1.5, ge=0, description="characters a second; of texts longer than 8 characters")
    fastest: float = Field(28.0, gt=0, description="characters a second")
    least_rate: int = Field(8000, ge=0, description="sampling rate of the file, Hz")
    quietest_db: float = Field(-60.0, le=0, description="level of the loudest tenth of a second, dB of full scale")
    clipped: float = Field(0.02, gt=0, le=1, description="largest share of samples in flat tops")
    alignment: float = Field(
        0.1, ge=0, le=1, description="least score of the forced alignment, where `--alignments` gives one"
    )


USUAL = Limits()


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


def select(
    utterances: list[Utterance], limits: Limits = USUAL, alphabet: Collection[str] = ENGLISH_CHARACTERS
) -> tuple[list[Utterance], FilterReport]:
    """Return the usable utterances with text normalised for an alphabet, and the report of what was left out."""
    report = FilterReport()
    kept = []
    for utterance in utterances:
        text = normalise(utterance.text or "", alphabet)
        foreign = foreign_letters(utterance.text or "", alphabet)
        if reason := "with letters outside the alphabet" if foreign else _objection(text, utterance, limits):
            report.drop(utterance.audio, reason)
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
    record = json_object(line, where)
    if "corpus" not in record and ("kind" in record or "keyword" in record):
        return None
    try:
        return Utterance.model_validate(record)
    except ValidationError as error:
        detail = error.errors()[0]
        raise DataError(f"{where}: {detail['loc'][0]}: {detail['msg']}", fix="correct the line") from error


def _objection(text: str, utterance: Utterance, limits: Limits) -> str:
    seconds = utterance.duration
    if not text:
        return "without transcript"
    if seconds < limits.shortest:
        return f"shorter than {limits.shortest:g} s"
    if seconds > limits.longest:
        return f"longer than {limits.longest:g} s"
    if utterance.rate and utterance.rate < limits.least_rate:
        return f"sampled below {limits.least_rate} Hz"
    if len(text) < limits.slowest * seconds and len(text) > 8:
        return "with too little text for their length"
    if len(text) > limits.fastest * seconds:
        return "with too much text for their length"
    if label_frames_needed(text) > seconds * LABEL_FRAMES_PER_SECOND - 3:
        return "too fast for the label frames"
    return ""
