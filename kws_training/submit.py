"""`kws-train submit`: Kaggle's `fname,label` for a folder of clips (TensorFlow Speech Recognition Challenge)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kws_training.assess import Subject
from kws_training.corpora import AUDIO_SUFFIXES, COMMANDS
from kws_training.report import say
from voice.audio.files import read_audio
from voice.errors import AudioError, ConfigError, DataError
from voice.models.bundle import Bundle

LABELS = ("silence", "unknown", *COMMANDS)
"""What Kaggle accepts."""
UNREADABLE = "unknown"
"""The label of a clip that can't be read: a submission must name every clip."""
_TOLD_EVERY = 10_000  # clips


@dataclass(frozen=True, slots=True)
class Submission:
    """What was written."""

    counts: dict[str, int]
    """Clips of each label."""
    unreadable: list[str]
    """What is wrong with each clip that couldn't be read."""


def submit(bundle: Bundle, folder: Path, out: Path) -> Submission:
    """Write the most probable label of every clip in a folder, in the order of the names.

    A label of the bundle that is none of Kaggle's twelve is `unknown`. The file appears when it is complete.

    Args:
        bundle: of kind commands, with the ten words among its labels.
        folder: of the clips, without subfolders, as Kaggle's `test/audio`.
        out: the CSV.

    Raises:
        ConfigError: the bundle lacks one of the ten words.
        DataError: the folder holds no clip, or the disk refuses.
    """
    subject = Subject(bundle)
    missing = sorted(set(COMMANDS) - set(subject.names))
    if missing:
        raise ConfigError(f"{bundle.folder} has no label for {', '.join(missing)}", fix="train on all ten words")
    clips = _clips(folder)
    unreadable: list[str] = []
    counts: Counter[str] = Counter()
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write("fname,label\n")
            for name, label in _rows(subject, clips, unreadable):
                file.write(f"{name},{label}\n")
                counts[label] += 1
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{out}: {error.strerror}", fix="free disk space or choose another file") from error
    return Submission({label: counts[label] for label in LABELS}, unreadable)


def _clips(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror}", fix="name the folder of the clips, such as test/audio"
        ) from error
    if not found:
        raise DataError(f"{folder} holds no clip", fix="name the folder of the clips, such as test/audio")
    return found


def _rows(subject: Subject, clips: list[Path], unreadable: list[str]) -> Iterator[tuple[str, str]]:
    for n_done, path in enumerate(clips, 1):
        try:
            chances = subject.chances(read_audio(path))
        except AudioError as error:
            unreadable.append(str(error))
            say(f"{error}; it is {UNREADABLE!r} in the submission")
            yield path.name, UNREADABLE
            continue
        yield path.name, _kaggle(subject, subject.names[int(chances.argmax())])
        if n_done % _TOLD_EVERY == 0:
            say(f"{n_done} of {len(clips)} clips")


def _kaggle(subject: Subject, label: str) -> str:
    if label == subject.decision.silence:
        return "silence"
    return label if label in COMMANDS else "unknown"
