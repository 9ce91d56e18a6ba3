"""`asr-train split`: long recordings, cut on silence; where there is a transcript, each piece gets its words.

OUT/audio/<recording>_<n>.flac   the pieces, 16 kHz
OUT/manifest.jsonl               a line a piece: a corpus
OUT/alignment.jsonl              how well each piece fits its words: `asr-train prepare --alignments OUT` reads it
OUT/sources.jsonl                a line a recording that was cut; what an interrupted run goes on from
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile

from asr_training.align import Aligner, AlignSettings, aligner_of
from asr_training.alignments import LIST
from asr_training.lines import json_object, logged, tidy
from asr_training.long_audio import log_probs_of
from asr_training.manifest import MANIFEST
from asr_training.pauses import Detector, Pause, cuts, pauses_between, pauses_of, speech_frames
from asr_training.pool import each
from asr_training.prepare import read_audio
from asr_training.transcribed import Recording
from voice.decoding.alignment import Alignment, Span
from voice.errors import ConfigError, DataError
from voice.events import RATE, Samples
from voice.stages import LogProbs

_MARGIN_S = 0.3  # of silence that a piece keeps at each end

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """How to cut."""

    corpus: str
    licence: str = "unknown"
    shortest: float = 2.0
    """Seconds."""
    longest: float = 15.0
    detector: Detector = "vad"
    align: AlignSettings = field(default_factory=AlignSettings)
    """Brings transcripts onto the time axis."""


def split_all(found: Sequence[Recording], out: Path, settings: SplitSettings, jobs: int = 1) -> list[Row]:
    """Cut recordings; those that an interrupted run finished are not cut again.

    Args:
        found: what to cut; a recording with an empty text has no transcript.
        out: folder of the corpus to write.
        settings: how.
        jobs: processes.

    Returns:
        The manifest's lines.

    Raises:
        ConfigError: the shortest piece is longer than the longest.
        DataError: the disk refuses.
    """
    if not 0 < settings.shortest <= settings.longest / 2:
        fix = "make the shortest piece at most half the longest"
        raise ConfigError(f"pieces of {settings.shortest:g} to {settings.longest:g} s", fix=fix)
    try:
        (out / "audio").mkdir(parents=True, exist_ok=True)
        done = {
            row["source"]: row for row in (json_object(line, "sources.jsonl") for line in tidy(out / "sources.jsonl"))
        }
        todo = [item for item in found if os.path.relpath(item.audio, out) not in done]
        work = partial(_split_one, out=out, settings=settings)
        for row in logged(out / "sources.jsonl", each(work, todo, jobs, "cutting")):
            done[row["source"]] = row
        rows = [piece for source in done.values() for piece in source["pieces"]]
        _write(out / MANIFEST, rows)
        scored = [{key: row[key] for key in ("audio", "text", "score")} for row in rows if "score" in row]
        _write(out / LIST, scored)
    except (OSError, soundfile.LibsndfileError) as error:
        fix = "free disk space and run it again; it goes on"
        raise DataError(f"{out}: {getattr(error, 'strerror', None) or error}", fix=fix) from error
    return rows


def _split_one(item: Recording, out: Path, settings: SplitSettings) -> Row:
    row: Row = {"source": os.path.relpath(item.audio, out), "pieces": []}
    try:
        samples = read_audio(item.audio, RATE)
    except DataError as error:
        return {**row, "reason": str(error)}
    is_speech = speech_frames(samples, settings.detector)
    seconds = len(samples) / RATE
    if not item.text:
        pieces = _without_text(pauses_of(is_speech), seconds, settings)
        return {**row, "pieces": [_piece(item, out, settings, samples, n, at) for n, at in enumerate(pieces)]}
    aligner = aligner_of(settings.align)
    try:
        log_probs = log_probs_of(aligner.recogniser, samples)
        found = aligner.align(log_probs, item.text)
    except DataError as error:
        return {**row, "reason": str(error)}
    edges = cuts(_quiet(found, is_speech, seconds), seconds, shortest=settings.shortest, longest=settings.longest)
    for start, end in pairwise(edges):
        words = [word for word in found.words if start <= (word.start + word.end) / 2 < end]
        if words:
            at = max(start, words[0].start - _MARGIN_S), min(end, words[-1].end + _MARGIN_S)
            said = _said(aligner, log_probs, words, at)
            row["pieces"].append(_piece(item, out, settings, samples, len(row["pieces"]), at) | said)
    return row


def _without_text(pauses: Sequence[Pause], seconds: float, settings: SplitSettings) -> list[tuple[float, float]]:
    """Return beginning and end of the pieces that hold speech, with little silence around."""
    pieces = []
    for start, end in pairwise(cuts(pauses, seconds, shortest=settings.shortest, longest=settings.longest)):
        for pause in pauses:
            if pause.start <= start < pause.end:
                start = min(max(start, pause.end - _MARGIN_S), end)  # noqa: PLW2901 - the silence before it goes
            if pause.start < end <= pause.end:
                end = max(min(end, pause.start + _MARGIN_S), start)  # noqa: PLW2901 - and the silence after it
        if end - start > 2 * _MARGIN_S:
            pieces.append((start, end))
    return pieces


def _quiet(found: Alignment, is_speech: Any, seconds: float) -> list[Pause]:
    """Return the pauses between words; where the detector hears a pause within one, that part only."""
    heard = pauses_of(is_speech)
    quiet = []
    for gap in pauses_between(found.words, seconds):
        inside = [
            Pause(max(gap.start, p.start), min(gap.end, p.end))
            for p in heard
            if p.start < gap.end and gap.start < p.end
        ]
        quiet.append(max(inside, key=lambda pause: pause.seconds) if inside else Pause(gap.middle, gap.middle))
    return quiet


def _said(aligner: Aligner, log_probs: LogProbs, words: Sequence[Span], at: tuple[float, float]) -> Row:
    """Return the words of a piece and how well they fit it, heard alone."""
    text = " ".join(word.text for word in words)
    first, end = (round(edge / aligner.recogniser.stride_seconds) for edge in at)
    try:
        return {"text": text, "score": round(aligner.align(log_probs[first:end], text).score, 4)}
    except DataError:
        return {"text": text, "score": 0.0}


def _piece(
    item: Recording, out: Path, settings: SplitSettings, samples: Samples, number: int, at: tuple[float, float]
) -> Row:
    start, end = (round(edge * RATE) for edge in at)
    path = Path("audio", f"{item.name}_{number:04d}.flac")
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(out / path, samples[start:end], RATE, subtype="PCM_16")
    return {
        "audio": str(path),
        "text": None,
        "speaker": item.speaker,
        "split": None,
        "duration": round((end - start) / RATE, 3),
        "corpus": settings.corpus,
        "licence": settings.licence,
        "rate": RATE,
        "source": os.path.relpath(item.audio, out),
        "start": round(start / RATE, 3),
    }


def _write(path: Path, rows: Sequence[Row]) -> None:
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)
