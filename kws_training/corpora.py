"""Read the speech data pack: which clip belongs to which split, label and group."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

import numpy as np

from voice.errors import DataError
from voice.events import RATE, Samples

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
ASR_FOLDERS = (
    "LJSpeech-1.1",
    "LibriSpeech",
    "common_voice",
    "commonvoice_6_1_en_sample100",
    "commonvoice_en_puri",
    "free_spoken_digits",
    "librispeech_train_clean_100_part",
    "librispeech_train_clean_100_sample",
    "rhasspy_cathy_arctic",
    "speechocean762",
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of the pack and what is known about it."""

    path: Path
    label: str
    split: str
    group: str
    end: float | None = None
    """Seconds at which the keyword ends, where somebody noted it."""


def speech_commands(data: Path) -> list[Recording]:
    """Return the clips of Speech Commands in the pack's own split by speaker (not the official one)."""
    root = data / "speech_commands"
    listed = {
        split: set(_lines(root / f"{name}_list.txt")) for split, name in (("dev", "validation"), ("test", "testing"))
    }
    found = []
    for path in sorted(root.glob("[a-z]*/*.wav")):
        key = f"{path.parent.name}/{path.name}"
        split = next((split for split, names in listed.items() if key in names), "train")
        found.append(Recording(path, path.parent.name, split, path.name.split("_")[0]))
    if not found:
        raise DataError(f"{root} holds no clip", fix="unpack the speech data pack and name its folder with --data")
    return found


def spectrograms(data: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Yield label, split, name and bytes (98, 40) of every spectrogram; validation speakers validate."""
    for path in sorted((data / "speech_commands_logmel").glob("*.npz")):
        archive = np.load(path)
        for name, image in zip(archive["names"], archive["logmel"], strict=True):
            yield path.stem, official_split(str(name)), str(name), image


def official_split(name: str) -> str:
    """Return dev for the speakers that the official hash rule validates with, else train.

    Test speakers (10 to 20 %) occur in the spectrograms only as the part that the pack trains on.
    """
    return "dev" if hash_percent(name) < 10 else "train"


def hash_percent(name: str) -> float:
    """Return where a file stands in Speech Commands' own rule (arXiv 1804.03209, section 7.1), 0 to 100.

    SHA-1 of the file's name without `_nohash_` and what follows, modulo 2^27, in percent of 2^27 - 1. A name without
    `_nohash_` counts whole, with its suffix.
    """
    digest = sha1(name.split("_nohash_", maxsplit=1)[0].encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % 2**27 * (100 / (2**27 - 1))


def running_speech(data: Path) -> Iterator[tuple[Recording, str | None]]:
    """Yield the clips of the recognition corpora with their text (None where it is not known)."""
    for folder in ASR_FOLDERS:
        for row in manifest(data / folder):
            group = row.get("speaker") or row["audio"]
            label = "digits" if folder == "free_spoken_digits" else "speech"
            yield Recording(data / folder / row["audio"], label, row["split"], group), row.get("text")


def noises(data: Path) -> list[Recording]:
    """Return the noise recordings (no room responses); the splits divide them in time, at `prepare`."""
    listed = [
        Recording(data / "noise" / row["audio"], "noise", "train", row["audio"])
        for row in manifest(data / "noise")
        if row["kind"] == "noise"
    ]
    background = sorted((data / "speech_commands" / "_background_noise_").glob("*.wav"))
    return listed + [Recording(path, "noise", "train", path.stem) for path in background]


def wake_words(data: Path) -> list[Recording]:
    """Return the wake-word clips, one for each distinct recording, split by `keyword_split`."""
    seen: set[str] = set()
    found = []
    for row in manifest(data / "wake"):
        recording = row.get("recording") or row["audio"]
        if recording in seen:
            continue
        seen.add(recording)
        group = row.get("speaker") or recording
        label = row["audio"].split("/")[0]
        end = row.get("end") if (row.get("end") or 0) > (row.get("start") or 0) else None
        found.append(Recording(data / "wake" / row["audio"], label, keyword_split(group), group, end))
    return found


def keyword_split(group: str) -> str:
    """Return the split of a speaker or recording: 30 % test, 15 % dev, the rest train, by its SHA-1."""
    percent = int(sha1(group.encode(), usedforsecurity=False).hexdigest(), 16) % 100
    if percent < 30:
        return "test"
    return "dev" if percent < 45 else "train"


def speech_split(name: str) -> str:
    """Return the split of a clip of further speech without a manifest: 65 % test, 15 % dev, the rest train.

    Neighbours (names that differ in the last two characters only, so often one speaker) stay together.
    """
    percent = int(sha1(name[:-2].encode(), usedforsecurity=False).hexdigest(), 16) % 100
    if percent < 65:
        return "test"
    return "dev" if percent < 80 else "train"


def further_speech(folders: Sequence[Path], skip: Sequence[Path] = ()) -> list[tuple[Recording, str | None]]:
    """Return the clips of folders of further speech with their text (None where it is not known), each once.

    A folder with a `manifest.jsonl` (`audio`, `text`, `speaker`, `split`) gives the clips that it lists; of another
    folder every audio file counts that no manifest lists, split by `speech_split`.

    Args:
        folders: where the clips are.
        skip: lists of clips to leave out: a name or `repository<TAB>name` to a line, after a tab the reason.
    """
    left_out = {part for path in skip for line in _lines(path) for part in line.split("\t")[:2]}
    found: dict[Path, tuple[Recording, str | None]] = {}
    for folder in sorted(folders, key=lambda folder: not (folder / "manifest.jsonl").exists()):
        for recording, text in _listed(folder) if (folder / "manifest.jsonl").exists() else _unlisted(folder):
            if not {recording.path.stem, recording.path.name} & left_out:
                found.setdefault(recording.path.resolve(), (recording, text))
    return list(found.values())


def _listed(folder: Path) -> Iterator[tuple[Recording, str | None]]:
    for row in manifest(folder):
        path = folder / row["audio"]
        yield Recording(path, "speech", row["split"], row.get("speaker") or path.stem), row.get("text")


def _unlisted(folder: Path) -> Iterator[tuple[Recording, None]]:
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES):
        yield Recording(path, "speech", speech_split(path.stem), path.stem), None


def manifest(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder's `manifest.jsonl`.

    Raises:
        DataError: it is missing or malformed.
    """
    path = folder / "manifest.jsonl"
    try:
        return [json.loads(line) for line in _lines(path)]
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON lines ({error})", fix="unpack the speech data pack again") from error


def read_samples(path: Path) -> Samples:
    """Return a recording of the pack, mono at 16 kHz.

    Raises:
        DataError: it can't be read or has another rate.
    """
    import soundfile  # noqa: PLC0415 - slow to import

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"{path} can't be read ({error})", fix="replace the file, or remove it") from error
    mono: Samples = samples.mean(axis=1)
    if rate == RATE:
        return mono
    import soxr  # noqa: PLC0415

    return np.asarray(soxr.resample(mono, rate, RATE), np.float32)


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}", fix="unpack the speech data pack and name its folder with --data"
        ) from error
