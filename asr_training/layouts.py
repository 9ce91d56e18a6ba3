"""Standard corpus layouts, read as utterances: LibriSpeech, Common Voice, LJSpeech, text beside audio, a table."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile

from asr_training.lines import read_lines
from asr_training.manifest import Utterance
from voice.errors import DataError

_AUDIO = (".flac", ".wav", ".mp3", ".ogg")


@dataclass(frozen=True, slots=True)
class Found:
    """A recording with its transcript, as a layout tells it."""

    audio: Path
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what."""

    audio: str = "file_name"
    text: str = "transcript"
    speaker: str | None = None


def read_layout(layout: str, folder: Path, columns: Columns = Columns()) -> list[Found]:
    """Return the recordings of `folder` that have a transcript.

    Args:
        layout: `librispeech` (`*.trans.txt` beside the audio), `common-voice` (`validated.tsv` with `path`, `sentence`
            and `client_id`), `ljspeech` (`metadata.csv`, bars between the fields), `text-files` (a `.txt` with the
            audio's stem anywhere below) or `table` (CSV files with a header).
        folder: where the corpus is.
        columns: the columns of a `table`.

    Raises:
        DataError: no such layout there.
    """
    readers: dict[str, Callable[[Path, Columns], Iterator[Found]]] = {
        "librispeech": _librispeech,
        "common-voice": _common_voice,
        "ljspeech": _ljspeech,
        "text-files": _text_files,
        "table": _table,
    }
    if layout not in readers:
        raise DataError(f"{layout}: no such layout", fix=f"one of {', '.join(readers)}")
    found = sorted(readers[layout](folder, columns), key=lambda item: item.audio)
    if not found:
        raise DataError(f"{folder}: no recording with a transcript in the layout {layout}", fix="check the folder")
    return found


def utterances(
    found: list[Found], folder: Path, *, corpus: str, licence: str, skip: frozenset[str] = frozenset()
) -> list[Utterance]:
    """Return manifest lines for the recordings that can be read; clips (by name or stem) and speakers in `skip` go."""
    lines = []
    for item in found:
        if skip & {item.audio.name, item.audio.stem, item.speaker} or (seconds := _seconds(item.audio)) <= 0:
            continue
        audio = str(item.audio.relative_to(folder))
        record = {"audio": audio, "text": item.text, "speaker": item.speaker, "split": "train", "duration": seconds}
        lines.append(Utterance(**record, corpus=corpus, licence=licence))
    return lines


def read_skip_list(path: Path, repository: str) -> frozenset[str]:
    """Return the clips that a list of `repository<TAB>clip<TAB>reason` lines leaves out of `repository`.

    Raises:
        DataError: the list can't be read.
    """
    rows = (line.split("\t") for line in read_lines(path) if line.strip() and not line.startswith("#"))
    return frozenset(row[1] for row in rows if len(row) > 1 and row[0] == repository)


def _seconds(audio: Path) -> float:
    try:
        return round(float(soundfile.info(audio).duration), 3)
    except (OSError, soundfile.LibsndfileError):
        return 0.0


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _AUDIO}


def _librispeech(folder: Path, _: Columns) -> Iterator[Found]:
    audio = _by_stem(folder)
    for path in sorted(folder.rglob("[!.]*.trans.txt")):
        for line in read_lines(path):
            name, _, text = line.partition(" ")
            if name in audio:
                yield Found(audio[name], text, name.split("-")[0])


def _common_voice(folder: Path, _: Columns) -> Iterator[Found]:
    audio = _by_stem(folder)
    for path in sorted(folder.rglob("validated.tsv")):
        for row in csv.DictReader(read_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE):
            clip = audio.get(Path(row.get("path") or "").stem)
            if clip and row.get("sentence"):
                yield Found(clip, row["sentence"], (row.get("client_id") or "")[:16] or None)


def _ljspeech(folder: Path, _: Columns) -> Iterator[Found]:
    audio = _by_stem(folder)
    for path in sorted(folder.rglob("metadata.csv")):
        for line in read_lines(path):
            name, *texts = line.split("|")
            if name in audio and texts:
                yield Found(audio[name], texts[-1], "reader")


def _text_files(folder: Path, _: Columns) -> Iterator[Found]:
    texts = {path.stem: path for path in sorted(folder.rglob("*.txt"))}
    for stem, clip in _by_stem(folder).items():
        if stem in texts:
            yield Found(clip, " ".join(read_lines(texts[stem])), clip.parent.name)


def _table(folder: Path, columns: Columns) -> Iterator[Found]:
    for path in sorted(folder.rglob("*.csv")):
        for row in csv.DictReader(read_lines(path)):
            clip = path.parent / (row.get(columns.audio) or "")
            if row.get(columns.text) and clip.is_file():
                speaker = (row.get(columns.speaker) or "").rpartition("_")[0] if columns.speaker else ""
                yield Found(clip, row[columns.text], speaker or None)
