"""From corpora to a cache of features: one `.npy` of frames and one `.json` index for each corpus.

What is cached is the base of the recipe's features (`FeatureSettings.base`), so that a cache of log-mel serves recipes
with MFCC too. A report beside it names every utterance that was left out and why.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from asr_training.alignments import Scores
from asr_training.levels import objection
from asr_training.manifest import MANIFEST, USUAL, Limits, Utterance, corpora, read_manifest, select
from asr_training.parts import Parts
from asr_training.pool import each
from voice.audio.features import FeatureSettings, features, finished
from voice.audio.files import read_audio as read_recording
from voice.errors import AudioError, ConfigError, DataError
from voice.events import RATE, Samples
from voice.text import ENGLISH_CHARACTERS

CACHE_FORMAT = 2
NOISE = "noise"
"""Name of the cached background noise: the base features of it."""
_AGAIN = "run `asr-train prepare` again"


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
        settings: the features it must give.

    Attributes:
        utterances: all of them.
        noise: base features of background noise, shape (frames, bins); empty where none was prepared.

    Raises:
        DataError: nothing was prepared there, with other features, or a file is broken.
    """

    def __init__(self, folder: Path, settings: FeatureSettings) -> None:
        self.folder, self.settings = folder, settings
        self.utterances: list[Cached] = []
        self._frames: dict[str, npt.NDArray[np.float16]] = {}
        for path in sorted(folder.glob("*.json")):
            frames, entries = _read(path, settings)
            self._frames[path.stem] = frames
            if path.stem != NOISE:
                self.utterances += [Cached(corpus=path.stem, **entry) for entry in entries]
        noise = self._frames.get(NOISE)
        self.noise = np.zeros((0, settings.base.bins), np.float32) if noise is None else np.asarray(noise, np.float32)
        if not self.utterances:
            raise DataError(f"{folder}: no prepared features", fix="run `asr-train prepare` first")

    def features(self, utterance: Cached) -> npt.NDArray[np.float32]:
        """Return the features of an utterance, shape (frames, bins).

        Raises:
            DataError: the cache is broken there.
        """
        return finished(self.stored(utterance), self.settings)

    def stored(self, utterance: Cached) -> npt.NDArray[np.float32]:
        """Return the base features of an utterance, which training alters before it finishes them.

        Raises:
            DataError: the cache is broken there.
        """
        rows = self._frames[utterance.corpus][utterance.start : utterance.start + utterance.frames]
        found = np.asarray(rows, np.float32)
        if not np.isfinite(found).all():
            where = f"{self.folder / utterance.corpus}.npy, {utterance.audio}"
            raise DataError(f"{where}: values that aren't numbers", fix=f"remove the file and {_AGAIN}")
        return found

    def split(self, name: str) -> list[Cached]:
        """Return the utterances of a split."""
        return [utterance for utterance in self.utterances if utterance.split == name]


def prepare(
    data: list[Path],
    out: Path,
    settings: FeatureSettings,
    say: Callable[[str], None],
    *,
    limits: Limits = USUAL,
    alphabet: str = "",
    alignments: Path | None = None,
    jobs: int = 1,
) -> None:
    """Cache the features of every corpus below the `data` folders; what is cached already is not computed again.

    Args:
        data: folders with corpora, and with a `noise` folder where there is one.
        out: folder of the cache.
        settings: features of the recipe.
        say: receives the report, line by line.
        limits: what is left out.
        alphabet: characters of the transcripts; "" for English.
        alignments: folder that `asr-train align` wrote; its scores count in the limits.
        jobs: processes.

    Raises:
        ConfigError: two corpora have one name.
        DataError: no corpus, a malformed manifest, or the disk is full.
    """
    base, scores = settings.base, Scores(alignments)
    folders = [folder for root in data for folder in corpora(root)]
    names = Counter([NOISE, *(folder.name for folder in folders)])
    if twice := [name for name, n in names.items() if n > 1]:
        raise ConfigError(f"two corpora are called {twice[0]}", fix="rename one folder: the cache goes by their names")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            _prepare_corpus(_Job(folder, out, base, limits, tuple(alphabet) or ENGLISH_CHARACTERS, scores, jobs), say)
        _prepare_noise(data, out, base, say)
    except OSError as error:
        raise DataError(
            f"{out}: {error.strerror or error}", fix="free disk space and run it again; it goes on, or take another"
        ) from error


def read_audio(path: Path, rate: int) -> Samples:
    """Return an audio file as mono samples at `rate`.

    Raises:
        DataError: it can't be read.
    """
    try:
        samples = read_recording(path)
    except AudioError as error:
        raise DataError(str(error)) from error
    return samples if rate == RATE else np.asarray(soxr.resample(samples, RATE, rate), np.float32)


@dataclass(frozen=True, slots=True)
class _Job:
    folder: Path
    out: Path
    settings: FeatureSettings
    limits: Limits
    alphabet: tuple[str, ...]
    scores: Scores
    jobs: int

    @property
    def name(self) -> str:
        return self.folder.name

    def key(self) -> str:
        """Return what changes when the cache must."""
        manifest = (self.folder / MANIFEST).read_bytes()
        decisive = self.settings.model_dump_json() + self.limits.model_dump_json() + self.scores.fingerprint
        decisive += "".join(sorted(c for c in self.alphabet if len(c) == 1))
        return hashlib.sha256(manifest + decisive.encode() + bytes([CACHE_FORMAT])).hexdigest()


def _prepare_corpus(job: _Job, say: Callable[[str], None]) -> None:
    key = job.key()
    if _is_prepared(job.out / f"{job.name}.json", key, job.settings):
        say(f"{job.name}: already prepared")
        return
    utterances, report = select(read_manifest(job.folder), job.limits, job.alphabet)
    utterances = job.scores.good(job.folder, utterances, job.limits.alignment, report)
    parts = Parts(job.out, job.name, key, job.settings.bins)
    todo = utterances[parts.n_done :]
    if parts.n_done:
        say(f"{job.name}: going on after {parts.n_done} utterances")
    work = partial(_extract, folder=job.folder, settings=job.settings, limits=job.limits)
    for utterance, (frames, reason) in zip(todo, each(work, todo, job.jobs, job.name), strict=True):
        parts.add(_entry(utterance, len(frames), reason), frames)
    parts.finish({"key": key, "features": job.settings.model_dump()}, report)
    say(report.line(job.name))


def _extract(
    utterance: Utterance, folder: Path, settings: FeatureSettings, limits: Limits
) -> tuple[npt.NDArray[np.float16], str]:
    """Return an utterance's frames and no reason, or no frames and why it is left out."""
    nothing = np.zeros((0, settings.bins), np.float16)
    try:
        samples = read_audio(folder / utterance.audio, settings.rate)
    except DataError:
        return nothing, "with unreadable audio"
    if reason := objection(samples, settings.rate, limits):
        return nothing, reason
    return features(samples, settings).astype(np.float16), ""


def _prepare_noise(data: list[Path], out: Path, settings: FeatureSettings, say: Callable[[str], None]) -> None:
    clips = [clip for root in data for clip in sorted((root / NOISE).rglob("*.wav"))]
    clips += [clip for root in data for clip in sorted(root.glob("speech_commands/_background_noise_/*.wav"))]
    clips = [clip for clip in clips if not clip.parent.name.startswith("rir")]
    names = "\n".join(f"{clip.parent.name}/{clip.name} {clip.stat().st_size}" for clip in clips)
    key = hashlib.sha256((names + settings.model_dump_json()).encode()).hexdigest()
    if not clips or _is_prepared(out / f"{NOISE}.json", key, settings):
        return
    parts = Parts(out, NOISE, key, settings.bins)
    for clip in clips[parts.n_done :]:
        frames = features(read_audio(clip, settings.rate), settings).astype(np.float16)
        parts.add({"audio": clip.name, "frames": len(frames)}, frames)
    n_frames = parts.finish({"key": key, "features": settings.model_dump()}, None)
    say(f"{NOISE}: {len(clips)} clips, {n_frames * settings.hop / settings.rate:.0f} s")


def _entry(utterance: Utterance, n_frames: int, reason: str) -> dict[str, Any]:
    return {
        "audio": utterance.audio,
        "text": utterance.text,
        "speaker": utterance.speaker or utterance.audio,
        "split": utterance.split or "train",
        "seconds": utterance.duration,
        "licence": utterance.licence,
        "frames": n_frames,
        **({"left_out": reason} if reason else {}),
    }


def _is_prepared(index: Path, key: str, settings: FeatureSettings) -> bool:
    """Return whether a corpus is in the cache, whole, as it would be now; a broken one is made again."""
    try:
        if not index.is_file() or json.loads(index.read_text(encoding="utf-8"))["key"] != key:
            return False
        _read(index, settings)
    except (DataError, ValueError, KeyError):
        return False
    return True


def _read(index: Path, settings: FeatureSettings) -> tuple[npt.NDArray[np.float16], list[dict[str, Any]]]:
    """Return the frames and the utterances of a corpus.

    Raises:
        DataError: a file is broken, or has other features.
    """
    try:
        record = json.loads(index.read_text(encoding="utf-8"))
        found = FeatureSettings.model_validate(record["features"])
        frames = np.load(index.with_suffix(".npy"), mmap_mode="r")
        entries = record["utterances"]
        n_frames = max((entry["start"] + entry["frames"] for entry in entries), default=0)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{index}: the cache is broken ({error})", fix=f"remove it and {_AGAIN}") from error
    if found != settings.base:
        raise DataError(f"{index}: prepared with other features", fix="prepare again with this recipe")
    if frames.ndim != 2 or frames.shape[1] != settings.base.bins or n_frames > len(frames):
        shape = " x ".join(map(str, frames.shape))
        raise DataError(f"{index.with_suffix('.npy')}: the cache is broken ({shape})", fix=f"remove it and {_AGAIN}")
    return frames, entries
