"""`asr-train label`: transcripts of untranscribed recordings by a bundle, the sure ones kept: for self-training.

A recogniser's own transcripts teach where it is sure of them: pseudo-labels with a confidence filter (Kahn, Lee and
Hannun, "Self-training for end-to-end speech recognition", ICASSP 2020, section 3.3). An utterance is kept by the mean
of its words' confidences, which are calibrated on dev: at 0.8 about one word in five is expected to be wrong.

OUT/heard.jsonl      a line a recording: its text and confidence; an interrupted run goes on from it, and another
                     threshold needs no recogniser
OUT/manifest.jsonl   the utterances kept, as corpus for `asr-train prepare`
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from asr_training.lines import json_object, logged, tidy
from asr_training.manifest import Utterance, write_manifest
from asr_training.pool import each
from asr_training.prepare import read_audio
from voice.errors import ConfigError, DataError
from voice.events import Segment, Transcript
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle

HEARD = "heard.jsonl"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """What is kept of what a bundle hears."""

    corpus: str
    """Name of the corpus that is written."""
    licence: str = "unknown"
    bundle: str = "asr-en"
    least: float = 0.8
    """Least mean confidence of an utterance's words."""
    fewest_words: int = 3
    """Of fewer words the language model knows too little."""
    longest: float = 17.0
    """Seconds; longer recordings are left to `asr-train split`."""


@lru_cache(maxsize=1)
def recogniser_of(bundle: str) -> CtcRecognizer:
    """Return the recogniser of this process.

    Raises:
        BundleError: there is no such bundle.
        ConfigError: it has no language model.
    """
    recogniser = CtcRecognizer(load_bundle(bundle, "asr"))
    if recogniser.best_decoder != "lexicon":
        raise ConfigError(f"{bundle} has no language model", fix="export it with one: words need its confidences")
    return recogniser


def label_all(
    found: Sequence[Path], out: Path, settings: LabelSettings, jobs: int = 1
) -> tuple[list[Row], Counter[str]]:
    """Recognise recordings and write the corpus of those that the bundle is sure of.

    Args:
        found: the recordings.
        out: folder to write to; recordings that an interrupted run heard are not heard again.
        settings: with what, and what is kept.
        jobs: processes.

    Returns:
        The rows of OUT/heard.jsonl that are kept, and how many of the others go for which reason.

    Raises:
        BundleError: there is no such bundle.
        ConfigError: the bundle has no language model, or `out` was begun with another bundle.
        DataError: the disk refuses; nothing is sure enough.
    """
    model = load_bundle(settings.bundle, "asr").manifest.model.sha256
    recogniser_of(settings.bundle)
    try:
        out.mkdir(parents=True, exist_ok=True)
        rows = {row["audio"]: row for row in (json_object(line, HEARD) for line in tidy(out / HEARD))}
        if any(row["model"] != model for row in rows.values()):
            raise ConfigError(f"{out} was begun with another bundle", fix="take another --out")
        todo = [path for path in found if _key(path, out) not in rows]
        work = partial(_hear, out=out, settings=settings, model=model)
        for row in logged(out / HEARD, each(work, todo, jobs, "listening")):
            rows[row["audio"]] = row
    except OSError as error:
        fix = "free disk space and run it again; it goes on"
        raise DataError(f"{out}: {error.strerror or error}", fix=fix) from error
    wanted = [rows[_key(path, out)] for path in found]
    reasons = [(row, objection(row, settings)) for row in wanted]
    kept = [row for row, reason in reasons if not reason]
    if not kept:
        raise DataError(f"{out}: the bundle is sure of none of {len(wanted)} recordings", fix="lower --least")
    write_manifest(out, [_utterance(row, settings) for row in kept], out)
    return kept, Counter(reason for _, reason in reasons if reason)


def objection(row: Row, settings: LabelSettings) -> str:
    """Return why a recording is not kept; empty for one that is."""
    if "reason" in row:
        return str(row["reason"])
    if row["seconds"] > settings.longest:
        return f"longer than {settings.longest:g} s"
    if len(row["text"].split()) < settings.fewest_words:
        return f"of fewer than {settings.fewest_words} words"
    return "" if row["confidence"] >= settings.least else f"less sure than {settings.least:g}"


def sureness(transcript: Transcript) -> float:
    """Return the mean confidence of a transcript's words, 0 to 1: the share expected to be right."""
    return float(np.mean([token.confidence for token in transcript.tokens])) if transcript.tokens else 0.0


def _hear(path: Path, out: Path, settings: LabelSettings, model: str) -> Row:
    row: Row = {"audio": _key(path, out), "model": model}
    recogniser = recogniser_of(settings.bundle)
    rate = recogniser.features.rate
    try:
        samples = read_audio(path, rate)
    except DataError as error:
        return {**row, "reason": "unreadable audio", "error": str(error)}
    seconds = len(samples) / rate
    if seconds > settings.longest:
        return {**row, "seconds": round(seconds, 3), "reason": f"longer than {settings.longest:g} s"}
    heard = recogniser.transcribe(Segment(samples, 0, rate))
    return {**row, "seconds": round(seconds, 3), "text": heard.text, "confidence": round(sureness(heard), 4)}


def _utterance(row: Row, settings: LabelSettings) -> Utterance:
    return Utterance(
        audio=row["audio"],
        text=row["text"],
        split="train",
        duration=row["seconds"],
        corpus=settings.corpus,
        licence=settings.licence,
    )


def _key(path: Path, out: Path) -> str:
    return os.path.relpath(path, out)
