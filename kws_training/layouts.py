"""Find the clips of a data set, however its folders are laid out.

speech-commands   DATA/<word>/*.wav, DATA/_background_noise_, DATA/validation_list.txt, DATA/testing_list.txt
kaggle            DATA/train/audio/<word>/*.wav, DATA/train/validation_list.txt, DATA/test/audio/*.wav (no labels)
folders           DATA/<label>/*.wav, or DATA/{train,dev,test}/<label>/*.wav; `_unknown_` and `_silence_` are special
spectrograms      DATA/<word>.npz beside any of them: `logmel` uint8 (clips, frames, mels) and `names`
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kws_training.corpora import AUDIO_SUFFIXES, Recording
from kws_training.data_settings import Layout
from voice.errors import ConfigError, DataError

BACKGROUND = "_background_noise_"
SUFFIXES = AUDIO_SUFFIXES | {".opus"}
LISTS = {"train": "training_list.txt", "dev": "validation_list.txt", "test": "testing_list.txt"}
_SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val"), "dev"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FILE = "file:"
_FIX = "name a folder of <label>/*.wav, Speech Commands or Kaggle's challenge, or an archive of one"


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a data set."""

    layout: str
    clips: list[Recording]
    """Their `split` is empty until a rule gives them one, except in folders of splits."""
    noise: list[Path]
    spectrograms: list[tuple[str, Path]]
    """Word and file."""
    lists: dict[str, str]
    """Splits of the official lists, by `word/file`."""
    has_train_list: bool
    n_unlabelled: int


def find(data: Path, layout: Layout, speaker: str) -> Found:
    """Return what a folder holds.

    Args:
        data: the folder.
        layout: how it is laid out; auto looks.
        speaker: pattern of a file's name whose first group is its speaker.

    Raises:
        ConfigError: it is laid out otherwise.
        DataError: it holds nothing.
    """
    root = _root(data)
    kind = detect(root) if layout == "auto" else layout
    if kind == "kaggle":
        found = _kaggle(root, speaker)
    else:
        lists = read_lists(root)
        clips = list(_labelled(root, speaker, lists))
        n_noise = _audio(root / BACKGROUND)
        found = Found(kind, clips, n_noise, _spectrograms(root), lists, (root / LISTS["train"]).is_file(), 0)
    if not found.clips and not found.spectrograms:
        raise DataError(f"{data} holds no labelled clip", fix=_FIX)
    return found


def detect(root: Path) -> str:
    """Return the layout of a folder.

    Raises:
        DataError: there is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder", fix=_FIX)
    if (root / "speech_commands").is_dir() and (root / "noise" / "manifest.jsonl").is_file():
        return "pack"
    if (root / "train" / "audio").is_dir():
        return "kaggle"
    if (root / BACKGROUND).is_dir() or all((root / LISTS[split]).is_file() for split in ("dev", "test")):
        return "speech-commands"
    return "folders"


def read_lists(root: Path) -> dict[str, str]:
    """Return the split of each `word/file` that the lists of a folder name; empty where it has none."""
    found = {}
    for split, name in LISTS.items():
        if (root / name).is_file():
            lines = (root / name).read_text(encoding="utf-8").split("\n")
            found |= {line.strip().removeprefix("./"): split for line in lines if line.strip()}
    return found


def key(clip: Recording) -> str:
    """Return how the lists write a clip: `word/file`."""
    return f"{clip.label}/{clip.path.name}"


def speaker_of(path: Path, pattern: str) -> str:
    """Return the speaker in a file's name, or the file itself where the name says none."""
    found = re.search(pattern, path.name)
    return found.group(1) if found and found.group(1) else f"{_FILE}{path.parent.name}/{path.name}"


def is_known(group: str) -> bool:
    """Return whether a group is a speaker, and not a file whose speaker isn't known."""
    return not group.startswith(_FILE)


def merge(parts: Sequence[Found]) -> Found:
    """Return several folders as one data set; the first with clips names the layout."""
    named = next((part for part in parts if part.clips), parts[0])
    return Found(
        named.layout,
        [clip for part in parts for clip in part.clips],
        [path for part in parts for path in part.noise],
        [entry for part in parts for entry in part.spectrograms],
        {name: split for part in parts for name, split in part.lists.items()},
        any(part.has_train_list for part in parts),
        sum(part.n_unlabelled for part in parts),
    )


def noise_files(folder: Path) -> list[Path]:
    """Return the audio files below a folder of noise.

    Raises:
        DataError: it holds none.
    """
    found = sorted(path for path in folder.rglob("*") if _is_audio(path)) if folder.is_dir() else []
    if not found:
        raise DataError(f"{folder} holds no audio file", fix="name a folder of noise recordings with --noise")
    return found


def _root(data: Path) -> Path:
    """Return the folder itself, or the only one in it, as archives have it."""
    while data.is_dir():
        inside = [path for path in data.iterdir() if not path.name.startswith((".", "__"))]  # __MACOSX
        if len(inside) != 1 or not inside[0].is_dir() or any(map(_is_audio, inside[0].iterdir())):
            break
        data = inside[0]
    return data


def _kaggle(root: Path, speaker: str) -> Found:
    train = root / "train"
    if not (train / "audio").is_dir():
        raise ConfigError(f"{root}: no train/audio", fix="unpack train.7z and test.7z, and name the folder above them")
    lists = read_lists(train)
    unlabelled = len(_audio(root / "test" / "audio"))
    clips = list(_labelled(train / "audio", speaker, lists))
    return Found(
        "kaggle", clips, _audio(train / "audio" / BACKGROUND), _spectrograms(root), lists, has_train_list=False,
        n_unlabelled=unlabelled,
    )  # fmt: skip


def _labelled(root: Path, speaker: str, lists: dict[str, str]) -> Iterator[Recording]:
    if not root.is_dir():
        raise DataError(f"{root} is no folder", fix=_FIX)
    folders = _folders(root)
    if not lists and _are_splits(folders):
        for folder in folders:
            for clip in _labelled(folder, speaker, {"": ""}):
                yield replace(clip, split=_SPLIT_FOLDERS[folder.name])
        return
    for folder in folders:
        for path in _audio(folder):
            yield Recording(path, folder.name, "", speaker_of(path, speaker))


def _folders(root: Path) -> list[Path]:
    inside = sorted(path for path in root.iterdir() if path.is_dir())
    return [path for path in inside if path.name != BACKGROUND and not path.name.startswith(".")]


def _are_splits(folders: Sequence[Path]) -> bool:
    return bool(folders) and all(path.name in _SPLIT_FOLDERS and not _audio(path) for path in folders)


def _audio(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_audio(path)) if folder.is_dir() else []


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _spectrograms(root: Path) -> list[tuple[str, Path]]:
    return [(path.stem, path) for path in sorted(root.glob("*.npz"))]


def empty_folders(data: Path) -> list[str]:
    """Return the names of label folders without a clip; in Kaggle's layout there are none."""
    folders = _folders(_root(data))
    if _are_splits(folders):
        folders = [label for split in folders for label in _folders(split)]
    return sorted(path.name for path in folders if not path.name.startswith("_") and not _audio(path))
