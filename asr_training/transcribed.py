"""Transcribed recordings, wherever they are: one file, a folder, a manifest, a corpus in a standard layout."""

from dataclasses import dataclass
from pathlib import Path

from asr_training.layouts import audio_files, read_layout
from asr_training.lines import read_lines
from asr_training.manifest import MANIFEST, corpora, read_manifest
from voice.errors import DataError


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and what is said in it."""

    audio: Path
    text: str
    name: str
    """Where what belongs to it is written, below an output folder and without a suffix."""
    speaker: str | None = None


def recordings(
    source: Path, *, text: str | None = None, layout: str = "auto", transcripts: bool = True
) -> list[Recording]:
    """Return the transcribed recordings of a source.

    Args:
        source: an audio file; a file of JSON lines; a folder with `manifest.jsonl` in it or one level below; a folder
            in a standard layout.
        text: transcript of an audio file; without it a `.txt` beside the file is read.
        layout: of a folder; auto: manifests where there are any, else a `.txt` for each recording.
        transcripts: False takes every recording below a folder, with an empty text.

    Raises:
        DataError: nothing there is transcribed.
    """
    if not transcripts:
        root = source if source.is_dir() else source.parent
        audio = [source] if source.is_file() else audio_files(source)
        if not audio:
            raise DataError(f"{source}: no recording", fix="check the path")
        return [Recording(path, "", _name("", _below(path, root))) for path in audio]
    if source.is_file() and source.suffix.lower() not in (".json", ".jsonl"):
        return [Recording(source, text if text is not None else _beside(source), source.stem)]
    if text is not None:
        raise DataError(f"{source}: a text for many recordings", fix="give one recording, or leave --text out")
    manifests = source.is_dir() and ((source / MANIFEST).is_file() or any(source.glob(f"*/{MANIFEST}")))
    if layout == "auto" and manifests:
        return [
            Recording(folder / line.audio, line.text, _name(folder.name, line.audio), line.speaker)
            for folder in corpora(source)
            for line in read_manifest(folder)
            if line.text
        ]
    chosen = layout if layout != "auto" else "json-lines" if source.is_file() else "text-files"
    root = source if source.is_dir() else source.parent
    found = read_layout(chosen, source).found
    return [Recording(item.audio, item.text, _name("", _below(item.audio, root)), item.speaker) for item in found]


def _beside(audio: Path) -> str:
    path = audio.with_suffix(".txt")
    if not path.is_file():
        raise DataError(f"{audio}: no transcript", fix=f"give --text, or write {path.name} beside it")
    return " ".join(read_lines(path))


def _below(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path.name)


def _name(corpus: str, audio: str) -> str:
    parts = [part for part in Path(audio).with_suffix("").parts if part not in ("..", "/")]
    return str(Path(corpus, *parts))
