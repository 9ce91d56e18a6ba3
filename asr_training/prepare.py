"""From corpora to a cache of log-mel features: one `.npy` of frames and one `.json` index for each corpus."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr_training.manifest import MANIFEST, FilterReport, Utterance, corpora, read_manifest, select
from voice.audio.features import FeatureSettings, features, mel_power
from voice.errors import DataError
from voice.events import Samples

CACHE_FORMAT = 1
NOISE = "noise"
"""Name of the cached background noise: log mel power."""


@dataclass(frozen=True, slots=True)
class Cached:
    """One utterance of the cache."""

    corpus: str
    audio: str
    text: str
    speaker: str
    split: str
    seconds: float
    licence: str
    start: int
    """First row in the corpus's frames."""
    frames: int


class Cache:
    """Prepared features, mapped from disk.

    Args:
        folder: where `prepare` wrote.
        settings: the features it must hold.

    Attributes:
        utterances: all of them.
        noise: log mel power of background noise, shape (frames, mels); empty where none was prepared.

    Raises:
        DataError: nothing was prepared there, or with other features.
    """

    def __init__(self, folder: Path, settings: FeatureSettings) -> None:
        self.folder = folder
        self.utterances: list[Cached] = []
        self._frames: dict[str, npt.NDArray[np.float16]] = {}
        for path in sorted(folder.glob("*.json")):
            record = json.loads(path.read_text(encoding="utf-8"))
            if FeatureSettings.model_validate(record["features"]) != settings:
                raise DataError(f"{path}: prepared with other features", fix="prepare again with this recipe")
            self._frames[path.stem] = np.load(path.with_suffix(".npy"), mmap_mode="r")
            if path.stem != NOISE:
                self.utterances += [Cached(corpus=path.stem, **entry) for entry in record["utterances"]]
        noise = self._frames.get(NOISE)
        self.noise = np.zeros((0, settings.mels), np.float32) if noise is None else np.asarray(noise, np.float32)
        if not self.utterances:
            raise DataError(f"{folder}: no prepared features", fix="run `asr-train prepare` first")

    def features(self, utterance: Cached) -> npt.NDArray[np.float32]:
        """Return the log-mel features of an utterance, shape (frames, mels)."""
        rows = self._frames[utterance.corpus][utterance.start : utterance.start + utterance.frames]
        return np.asarray(rows, np.float32)

    def split(self, name: str) -> list[Cached]:
        """Return the utterances of a split."""
        return [utterance for utterance in self.utterances if utterance.split == name]


def prepare(data: list[Path], out: Path, settings: FeatureSettings, say: Callable[[str], None]) -> None:
    """Cache the features of every corpus below the `data` folders; a corpus already cached is skipped.

    Args:
        data: folders with corpora, and with a `noise` folder where there is one.
        out: folder of the cache.
        settings: features of the recipe.
        say: receives the report, line by line.

    Raises:
        DataError: no corpus, a malformed manifest, or the disk is full.
    """
    folders = [folder for root in data for folder in corpora(root)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            _prepare_corpus(folder, out, settings, say)
        for root in data:
            clips = sorted((root / NOISE).rglob("*.wav")) + sorted(
                root.glob("speech_commands/_background_noise_/*.wav")
            )
            clips = [clip for clip in clips if not clip.parent.name.startswith("rir")]
            if clips and not (out / f"{NOISE}.json").is_file():
                rows = [
                    np.log(mel_power(read_audio(clip, settings.rate), settings) + settings.offset) for clip in clips
                ]
                _write(out, NOISE, rows, {"features": settings.model_dump(), "utterances": []})
                say(f"{NOISE}: {len(clips)} clips, {sum(map(len, rows)) / 100:.0f} s")
    except OSError as error:
        raise DataError(f"{out}: {error.strerror or error}", fix="free disk space or choose another folder") from error


def read_audio(path: Path, rate: int) -> Samples:
    """Return an audio file as mono samples at `rate`.

    Raises:
        DataError: it can't be read.
    """
    try:
        samples, found = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"{path}: {error}", fix="unpack the corpus again") from error
    mono = samples.mean(axis=1)
    return mono if found == rate else soxr.resample(mono, found, rate).astype(np.float32)


def _prepare_corpus(folder: Path, out: Path, settings: FeatureSettings, say: Callable[[str], None]) -> None:
    manifest = (folder / MANIFEST).read_bytes()
    key = hashlib.sha256(manifest + settings.model_dump_json().encode() + bytes([CACHE_FORMAT])).hexdigest()
    index = out / f"{folder.name}.json"
    if index.is_file() and json.loads(index.read_text(encoding="utf-8"))["key"] == key:
        say(f"{folder.name}: already prepared")
        return
    utterances, report = select(read_manifest(folder))
    rows, entries = [], []
    start = 0
    for utterance, frames in _extract(folder, utterances, settings, report):
        rows.append(frames)
        entries.append(_entry(utterance, start, len(frames)))
        start += len(frames)
    _write(out, folder.name, rows, {"key": key, "features": settings.model_dump(), "utterances": entries})
    say(report.line(folder.name))


def _extract(
    folder: Path, utterances: list[Utterance], settings: FeatureSettings, report: FilterReport
) -> Iterator[tuple[Utterance, npt.NDArray[np.float16]]]:
    for utterance in utterances:
        try:
            samples = read_audio(folder / utterance.audio, settings.rate)
        except DataError:
            report.kept -= 1
            report.dropped["with unreadable audio"] += 1
            continue
        yield utterance, features(samples, settings).astype(np.float16)


def _entry(utterance: Utterance, start: int, n_frames: int) -> dict[str, Any]:
    return {
        "audio": utterance.audio,
        "text": utterance.text,
        "speaker": utterance.speaker or utterance.audio,
        "split": utterance.split or "train",
        "seconds": utterance.duration,
        "licence": utterance.licence,
        "start": start,
        "frames": n_frames,
    }


def _write(out: Path, name: str, rows: list[npt.NDArray[Any]], record: dict[str, Any]) -> None:
    """Write frames first, index last, so that an interrupted write never looks whole."""
    frames = np.concatenate(rows).astype(np.float16) if rows else np.zeros((0, record["features"]["mels"]), np.float16)
    part = out / f"{name}.npy.part"
    with part.open("wb") as stream:
        np.save(stream, frames)
    part.replace(out / f"{name}.npy")
    index = out / f"{name}.json.part"
    index.write_text(json.dumps({"key": "", **record}), encoding="utf-8")
    index.replace(out / f"{name}.json")
