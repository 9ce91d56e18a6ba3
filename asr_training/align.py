"""`asr-train align`: when each word and each character (or phone) of a transcribed recording is said, how well it fits.

OUT/<recording>.TextGrid    tiers `words` and `characters` (or `phones`), for Praat
OUT/<recording>.json        the same, with scores
OUT/alignment.jsonl         a line a recording: what `asr-train prepare --alignments` reads, and an interrupted run
OUT/bundle.txt              which model aligned; a run that goes on must share it
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from asr_training.alignments import LIST
from asr_training.lines import json_object, logged, tidy
from asr_training.long_audio import log_probs_of
from asr_training.pool import each
from asr_training.prepare import read_audio
from asr_training.textgrid import textgrid
from asr_training.transcribed import Recording
from voice.decoding.alignment import Alignment, Span, align_words
from voice.decoding.phones import read_dictionary
from voice.errors import ConfigError, DataError
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.stages import LogProbs
from voice.text import foreign_letters, normalise

_CELLS = 300_000_000  # frames x states, a byte each; beyond it the alignment looks at a band of states
_LEAST_BAND = 1000  # states, half a minute of speech

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """With what, and what is written."""

    bundle: str = "asr-en"
    formats: tuple[str, ...] = ("textgrid", "json")
    lexicon: Path | None = None
    """Pronunciations to use before those of a bundle of phones."""


class Aligner:
    """Aligns recordings with a bundle.

    Args:
        settings: which bundle, which pronunciations.

    Raises:
        BundleError: there is no such bundle.
        DataError: the dictionary can't be read.
    """

    def __init__(self, settings: AlignSettings) -> None:
        bundle = load_bundle(settings.bundle, "asr")
        self.recogniser = CtcRecognizer(bundle)
        self.fingerprint = f"{bundle.manifest.id} {bundle.manifest.model.sha256}"
        self.tier = self.recogniser.decision.units
        self._pronunciations = read_dictionary(settings.lexicon) if settings.lexicon else {}

    def spelled(self, text: str) -> list[tuple[str, list[int]]]:
        """Return the words of a transcript, each with its labels.

        Raises:
            DataError: a letter has no label; the text is empty.
        """
        recogniser = self.recogniser
        letters = recogniser.letters
        if foreign := foreign_letters(text, letters):
            raise DataError(f"letters outside the alphabet: {' '.join(sorted(foreign))}")
        words = [(word, recogniser.alphabet.encode(self._said(word))) for word in normalise(text, letters).split()]
        if not words:
            raise DataError("no words in the transcript")
        return words

    def _said(self, word: str) -> Sequence[str]:
        """Return the usual spelling of a word."""
        own = self._pronunciations.get(word) if self.tier == "phones" else None
        return (own or self.recogniser.speller.ways(word))[0]

    def align(self, log_probs: LogProbs, text: str) -> Alignment:
        """Return the times of a transcript.

        Raises:
            DataError: the transcript can't be spelled, or the recording is too short for it.
        """
        words = self.spelled(text)
        n_states = 2 * sum(len(labels) + 1 for _, labels in words)
        fits = len(log_probs) * n_states <= _CELLS
        band = None if fits else max(_LEAST_BAND, _CELLS // len(log_probs))
        found = align_words(log_probs, self.recogniser.alphabet, words, self.recogniser.stride_seconds, band=band)
        if found is None:
            raise DataError("too short for its transcript")
        return found


@lru_cache(maxsize=1)
def aligner_of(settings: AlignSettings) -> Aligner:
    """Return the aligner of this process."""
    return Aligner(settings)


def align_all(found: Sequence[Recording], out: Path, settings: AlignSettings, jobs: int = 1) -> list[Row]:
    """Align recordings and write their times; those that an interrupted run finished are not aligned again.

    Args:
        found: what to align.
        out: folder to write to.
        settings: with what.
        jobs: processes.

    Returns:
        The rows of OUT/alignment.jsonl for these recordings, in their order.

    Raises:
        BundleError: there is no such bundle.
        ConfigError: `out` was begun with another bundle.
        DataError: the disk refuses.
    """
    aligner = aligner_of(settings)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _same_bundle(out / "bundle.txt", aligner.fingerprint)
        rows = {(row["audio"], row["text"]): row for row in map(_row, tidy(out / LIST))}
        todo = [item for item in found if _key(item, out) not in rows]
        work = partial(_align_one, out=out, settings=settings)
        for row in logged(out / LIST, each(work, todo, jobs, "aligning")):
            rows[row["audio"], row["text"]] = row
    except OSError as error:
        fix = "free disk space and run it again; it goes on"
        raise DataError(f"{out}: {error.strerror or error}", fix=fix) from error
    return [rows[_key(item, out)] for item in found]


def summary(rows: Sequence[Row], say: Callable[[str], None]) -> None:
    """Say how many recordings were aligned, how well, and what was not."""
    scores = np.array([row["score"] for row in rows if "score" in row])
    if len(scores):
        low, middle = np.percentile(scores, [5, 50])
        say(f"{len(scores)} recordings aligned; score: median {middle:.2f}, 5 % below {low:.2f}")
        worst = sorted((row for row in rows if "score" in row), key=lambda row: row["score"])[:3]
        for row in worst if len(scores) > 3 else []:
            say(f"  {row['score']:.2f}  {row['audio']}  {row['text'][:60]}")
    for reason, count in Counter(row["reason"] for row in rows if "reason" in row).most_common():
        say(f"{count} not aligned: {reason}")


def _align_one(item: Recording, out: Path, settings: AlignSettings) -> Row:
    aligner = aligner_of(settings)
    audio, text = _key(item, out)
    row: Row = {"audio": audio, "text": text, "name": item.name}
    rate = aligner.recogniser.features.rate
    try:
        samples = read_audio(item.audio, rate)
    except DataError as error:
        return {**row, "reason": "unreadable audio", "error": str(error)}
    seconds = len(samples) / rate
    try:
        found = aligner.align(log_probs_of(aligner.recogniser, samples), item.text)
    except DataError as error:
        return {**row, "reason": str(error)}
    _write(found, seconds, out / item.name, aligner.tier, settings.formats)
    return {**row, "seconds": round(seconds, 3), "words": len(found.words), "score": round(found.score, 4)}


def _write(found: Alignment, seconds: float, path: Path, tier: str, formats: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if "textgrid" in formats:
        text = textgrid({"words": found.words, tier: found.labels}, seconds)
        Path(f"{path}.TextGrid").write_text(text, encoding="utf-8")
    if "json" in formats:
        record = {
            "seconds": round(seconds, 3),
            "score": round(found.score, 4),
            "words": [_times(span) for span in found.words],
            tier: [_times(span) for span in found.labels],
        }
        Path(f"{path}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def _times(span: Span) -> Row:
    return {key: value if isinstance(value, str) else round(value, 3) for key, value in asdict(span).items()}


def _key(item: Recording, out: Path) -> tuple[str, str]:
    return os.path.relpath(item.audio, out), item.text


def _row(line: str) -> Row:
    return json_object(line, LIST)


def _same_bundle(path: Path, fingerprint: str) -> None:
    if not path.is_file():
        path.write_text(fingerprint + "\n", encoding="utf-8")
    elif path.read_text(encoding="utf-8").strip() != fingerprint:
        raise ConfigError(f"{path.parent} was begun with another bundle", fix="take another --out")
