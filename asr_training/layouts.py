"""Standard corpus layouts, read as recordings with transcripts; what lacks the one or the other is listed.

Every reader yields lines: a recording's name or path, its text, and if known speaker and split. They are matched with
the audio files here, in one place.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import soundfile

from asr_training.lines import json_objects, read_lines
from asr_training.manifest import Utterance
from asr_training.pool import each
from voice.errors import DataError

_AUDIO = (".flac", ".wav", ".mp3", ".ogg", ".opus")
_FOLDER = "/"  # in place of a speaker: the folder of the recording says who it is
_OFFICIAL = ("train", "dev", "test")
_HINTS = {"test": ("test",), "dev": ("dev", "valid"), "train": ("train",)}
"""What the name of a file of JSON lines says about the split."""
_AUDIO_KEYS = ("audio", "audio_filepath", "audio_path", "key", "path", "file", "wav")
_TEXT_KEYS = ("text", "sentence", "transcript", "transcription")
_SPEAKER_KEYS = ("speaker", "speaker_id", "client_id")


@dataclass(frozen=True, slots=True)
class Found:
    """A recording with its transcript, as a layout tells it."""

    audio: Path
    text: str
    speaker: str | None = None
    split: str | None = None
    gender: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder holds."""

    found: list[Found] = field(default_factory=list)
    without_audio: list[str] = field(default_factory=list)
    """Names of the transcripts whose recording is missing."""
    without_text: list[Path] = field(default_factory=list)
    """Recordings that no transcript names."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what."""

    audio: str = "file_name"
    text: str = "transcript"
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A transcript and the name, or path, of its recording."""

    name: str
    text: str
    speaker: str | None = None
    split: str | None = None
    beside: Path | None = None
    """Folder of the file that names it."""
    gender: str | None = None


def read_layout(layout: str, folder: Path, columns: Columns = Columns()) -> Reading:
    """Return the recordings below `folder` with their transcripts.

    Args:
        layout: `librispeech` (`*.trans.txt` beside the audio; `dev-*`, `test-*` and `train-*` folders are splits),
            `common-voice` (`validated.tsv`, `train.tsv`, `dev.tsv`, `test.tsv`, with `path`, `sentence`, `client_id`),
            `ljspeech` (`metadata.csv`, bars between the fields), `text-files` (a `.txt` with the audio's stem),
            `json-lines` (`*.jsonl` and `*.json`, an object a line, with `audio`, `audio_filepath`, `key` or `path`,
            and `text`; the description files of Deep Speech recipes are such), or `table` (CSV files with a header).
        folder: where the corpus is; a file of JSON lines, too.
        columns: the columns of a `table`.

    Raises:
        DataError: no such layout there, or a line is malformed.
    """
    readers: dict[str, Callable[[Path, Columns], Iterator[_Line]]] = {
        "librispeech": _librispeech,
        "common-voice": _common_voice,
        "ljspeech": _ljspeech,
        "text-files": _text_files,
        "json-lines": _json_lines,
        "table": _table,
    }
    if layout not in readers:
        raise DataError(f"{layout}: no such layout", fix=f"one of {', '.join(readers)}")
    if not folder.exists():
        raise DataError(f"{folder}: no such folder", fix="check the path")
    reading = _match(readers[layout](folder, columns), folder if folder.is_dir() else folder.parent)
    if not reading.found:
        missing = f"; {len(reading.without_audio)} transcripts have no audio" if reading.without_audio else ""
        raise DataError(
            f"{folder}: no recording with a transcript in the layout {layout}{missing}", fix="check the folder"
        )
    return reading


def utterances(
    found: list[Found],
    folder: Path,
    *,
    corpus: str,
    licence: str,
    skip: frozenset[str] = frozenset(),
    jobs: int = 1,
) -> tuple[list[Utterance], list[Path]]:
    """Return manifest lines of the recordings, and the recordings that can't be read.

    Args:
        found: what the layout tells.
        folder: of the corpus; the lines name the audio from there.
        corpus: its name.
        licence: of the recordings.
        skip: clips (by name or stem) and speakers to leave out.
        jobs: processes that read the headers.
    """
    wanted = [item for item in found if not skip & {item.audio.name, item.audio.stem, item.speaker}]
    work = partial(_utterance, folder=folder, corpus=corpus, licence=licence)
    lines = list(each(work, wanted, jobs, corpus))
    broken = [item.audio for item, line in zip(wanted, lines, strict=True) if line is None]
    return [line for line in lines if line], broken


def audio_files(folder: Path) -> list[Path]:
    """Return the recordings below a folder; of one in several formats, the first of FLAC, WAV, MP3, OGG."""
    found: dict[Path, Path] = {}
    for path in sorted(folder.rglob("[!.]*")):
        kind = path.suffix.lower()
        if kind in _AUDIO and path.is_file():
            other = found.get(path.with_suffix(""))
            if other is None or _AUDIO.index(kind) < _AUDIO.index(other.suffix.lower()):
                found[path.with_suffix("")] = path
    return list(found.values())


def read_skip_list(path: Path, repository: str) -> frozenset[str]:
    """Return the clips that a list of `repository<TAB>clip<TAB>reason` lines leaves out of `repository`.

    Raises:
        DataError: the list can't be read.
    """
    rows = (line.split("\t") for line in read_lines(path) if line.strip() and not line.startswith("#"))
    return frozenset(row[1] for row in rows if len(row) > 1 and row[0] == repository)


def _utterance(item: Found, folder: Path, corpus: str, licence: str) -> Utterance | None:
    try:
        header = soundfile.info(item.audio)
    except (OSError, soundfile.LibsndfileError):
        return None
    if header.frames <= 0:
        return None
    is_below = item.audio.is_relative_to(folder)
    return Utterance(
        audio=str(item.audio.relative_to(folder) if is_below else item.audio.absolute()),
        text=item.text,
        speaker=item.speaker,
        split=item.split,
        gender=item.gender,
        duration=round(float(header.duration), 3),
        rate=header.samplerate,
        corpus=corpus,
        licence=licence,
    )


def _match(lines: Iterator[_Line], folder: Path) -> Reading:
    """Bring transcripts and recordings together: by path, else by stem, the nearest folder first."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in audio_files(folder):
        by_stem[path.stem].append(path)
    found: dict[Path, Found] = {}
    missing = []
    for line in lines:
        audio = _audio_of(line, folder, by_stem)
        if audio is None:
            missing.append(line.name)
        elif audio not in found:
            speaker = line.speaker
            if speaker == _FOLDER:
                speaker = audio.parent.name if audio.parent != folder else None
            found[audio] = Found(audio, line.text, speaker, line.split, line.gender)
    silent = [path for paths in by_stem.values() for path in paths if path not in found]
    return Reading(sorted(found.values(), key=lambda item: item.audio), missing, sorted(silent))


def _audio_of(line: _Line, folder: Path, by_stem: dict[str, list[Path]]) -> Path | None:
    name = Path(line.name)
    for root in (line.beside, folder):
        if name.suffix and root and (path := root / name).is_file():
            return path
    candidates = by_stem.get(name.stem if name.suffix.lower() in _AUDIO else name.name, [])
    if len(candidates) > 1 and line.beside:
        near = [path for path in candidates if path.parent == line.beside]
        candidates = near or [path for path in candidates if path.parent.name == name.parent.name]
    return candidates[0] if len(candidates) == 1 else None


def _librispeech(folder: Path, _: Columns) -> Iterator[_Line]:
    genders = {
        fields[0]: fields[1].lower()
        for path in folder.rglob("SPEAKERS.TXT")
        for fields in ([field.strip() for field in line.split("|")] for line in read_lines(path))
        if len(fields) > 1 and not fields[0].startswith(";")
    }
    for path in sorted(folder.rglob("[!.]*.trans.txt")):
        parts = (part.split("-")[0] for part in path.relative_to(folder.parent).parts)
        split = next((part for part in parts if part in _OFFICIAL), None)
        for line in read_lines(path):
            name, _, text = line.partition(" ")
            if name:
                speaker = name.split("-")[0]
                yield _Line(name, text, speaker, split, path.parent, genders.get(speaker))


def _common_voice(folder: Path, _: Columns) -> Iterator[_Line]:
    splits = ("test", "dev", "train", "validated")
    for name in splits:  # the official splits first: a clip counts where it is met first
        for path in sorted(folder.rglob(f"{name}.tsv")):
            for row in csv.DictReader(read_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE):
                if row.get("path") and row.get("sentence"):
                    speaker = (row.get("client_id") or "")[:16] or None
                    split = name if name != "validated" else None
                    gender = (row.get("gender") or "").split("_")[0] or None
                    yield _Line(row["path"], row["sentence"], speaker, split, path.parent / "clips", gender)


def _ljspeech(folder: Path, _: Columns) -> Iterator[_Line]:
    for path in sorted(folder.rglob("metadata.csv")):
        for line in read_lines(path):
            name, *texts = line.split("|")
            if texts:
                yield _Line(name, texts[-1], "reader", None, path.parent / "wavs")


def _text_files(folder: Path, _: Columns) -> Iterator[_Line]:
    for path in sorted(folder.rglob("*.txt")):
        yield _Line(path.stem, " ".join(read_lines(path)), _FOLDER, None, path.parent)


def _json_lines(folder: Path, _: Columns) -> Iterator[_Line]:
    paths = [folder] if folder.is_file() else sorted([*folder.rglob("*.jsonl"), *folder.rglob("*.json")])
    for path in paths:
        hint = next(
            (split for split, words in _HINTS.items() if any(word in path.stem.lower() for word in words)), None
        )
        for record in json_objects(path):
            name, text = _first(record, _AUDIO_KEYS), _first(record, _TEXT_KEYS)
            if name and text:
                speaker, split = _first(record, _SPEAKER_KEYS), record.get("split") or hint
                yield _Line(name, text, speaker, str(split) if split else None, path.parent)


def _table(folder: Path, columns: Columns) -> Iterator[_Line]:
    for path in sorted(folder.rglob("*.csv")):
        for row in csv.DictReader(read_lines(path)):
            if row.get(columns.text) and row.get(columns.audio):
                speaker = (row.get(columns.speaker) or "").rpartition("_")[0] if columns.speaker else ""
                yield _Line(row[columns.audio], row[columns.text], speaker or None, None, path.parent)


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(record[key]) for key in keys if record.get(key)), None)
