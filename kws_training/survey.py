"""Look through a data set before anything is computed: what is there, what is wrong with it, who is in which split."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from kws_training.archives import is_archive, unpacked
from kws_training.clip_facts import ClipFacts, label_clashes, scan, unusable
from kws_training.corpora import Recording
from kws_training.data_settings import DataSettings, Layout
from kws_training.dataset import COMMANDS, SILENCE_LABEL, check_names, chosen_labels, words_of
from kws_training.layouts import Found, detect, empty_folders, find, is_known, merge
from kws_training.protocols import select
from kws_training.report import say
from kws_training.splits import check_classes, check_speakers, divide, rule_of
from voice.errors import ConfigError, DataError

_PUBLISHED = frozenset({"speech-commands", "kaggle"})


@dataclass(frozen=True, slots=True)
class Survey:
    """A data set that was looked through."""

    found: Found
    facts: dict[Path, ClipFacts]
    clips: list[Recording]
    """The usable ones, with their splits."""
    skipped: dict[str, list[Path]]
    """The others, by reason."""
    rule: str
    """How they were divided."""

    @property
    def n_words(self) -> Counter[str]:
        """Usable clips of each word; 0 where there is a folder without any."""
        count = Counter({clip.label: 0 for clip in self.found.clips})
        count.update(clip.label for clip in self.clips)
        return count


def survey(settings: DataSettings, work: Path, pool: Executor) -> Survey:
    """Look through the folders of a data set.

    Args:
        settings: which, and how they are divided.
        work: where archives are unpacked.
        pool: processes that read the clips.

    Raises:
        ConfigError: the layout or the rule of the split doesn't fit.
        DataError: there is nothing.
    """
    places = [inside for path in settings.folders for inside in _opened(path, work, settings.layout)]
    layout = "auto" if settings.layout == "pack" else settings.layout  # its parts have layouts of their own
    found = merge([find(place, layout, settings.speaker) for place in places])
    empty = {word for place in places for word in empty_folders(place)} if found.layout != "kaggle" else set()
    empty -= {clip.label for clip in found.clips}
    test = _test_clips(settings, work)
    say(f"{found.layout}: {len(found.clips) + len(test)} clips, {len(found.spectrograms)} spectrogram sets")
    facts = scan([*found.clips, *test], pool)
    skipped = unusable([*found.clips, *test], facts, resample=settings.resample)
    bad = {path for paths in skipped.values() for path in paths}
    usable = replace(found, clips=[clip for clip in found.clips if clip.path not in bad])
    clips = divide(usable, settings)
    if settings.test is not None:
        clips = [clip for clip in clips if clip.split != "test"] + [clip for clip in test if clip.path not in bad]
    listed = {clip.path for clip in clips}
    left_out = [clip.path for clip in usable.clips if clip.path not in listed]
    if left_out and settings.test is None:
        skipped["in no list"] = left_out
    with_empty = [*found.clips, *(Recording(Path(), word, "", "") for word in sorted(empty))]
    return Survey(replace(found, clips=with_empty), facts, clips, skipped, rule_of(found, settings))


def _opened(path: Path, work: Path, layout: Layout = "auto") -> list[Path]:
    """Return the folders of a folder or archive: of the data pack those that hold single words.

    Raises:
        ConfigError: it is said to be the data pack, and isn't.
        DataError: it is a file, but no archive that can be read.
    """
    if is_archive(path):
        path = unpacked(path, work / "unpacked")
    elif path.is_file():
        raise DataError(
            f"{path} is no archive that can be read", fix="give .tar.gz, .tar.xz or .zip; unpack a .7z with 7z first"
        )
    if detect(path) == "pack":
        inside = (path / "speech_commands", path / "speech_commands_logmel")
        return [folder for folder in inside if folder.is_dir()]
    if layout == "pack":
        raise ConfigError(f"{path} is not the data pack", fix="leave --layout out, or name the unpacked pack's folder")
    return [path]


def _test_clips(settings: DataSettings, work: Path) -> list[Recording]:
    """Return the clips of an official test set; its speakers are those of the testing list."""
    if settings.test is None:
        return []
    [place] = _opened(settings.test, work)
    return [replace(clip, split="test") for clip in find(place, "folders", settings.speaker).clips]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a survey goes into the stores."""

    labels: tuple[str, ...]
    other_words: tuple[str, ...]
    clips: list[Recording]
    skipped: dict[str, list[Path]]


def choose(found: Survey, settings: DataSettings) -> Chosen:
    """Return labels and clips after looking for everything that would spoil a training.

    Raises:
        ConfigError: a label can't be one.
        DataError: too few clips, one sound under two labels, or a speaker in two splits.
    """
    if not found.clips and not found.found.spectrograms:
        raise DataError(f"no usable clip: {reasons(found.skipped)}", fix=_advice(found.skipped))
    counts = dict(found.n_words)
    for word, _ in found.found.spectrograms:
        counts[word] = counts.get(word, 0) + 2  # a set stands for many clips
    wanted = settings.labels
    if wanted == "auto":
        is_published = found.found.layout in _PUBLISHED and all(counts.get(word) for word in COMMANDS)
        wanted = "12" if is_published else "all"
    try:
        labels, others = chosen_labels(wanted, counts, silence=settings.silence, unknown=settings.unknown)
    except DataError as error:
        raise DataError(f"{error} ({reasons(found.skipped)})" if found.skipped else str(error)) from error
    words = words_of(labels)
    check_names((*words, *others))
    clashing = _clashing(found, settings)
    wanted_words = {*labels, *others, SILENCE_LABEL}  # silence is worth having as noise, label or not
    clips = [clip for clip in found.clips if clip.path not in clashing and clip.label in wanted_words]
    check_speakers(clips)
    if not found.found.spectrograms:
        check_classes(clips, words)
    silence = [clip for clip in clips if clip.label == SILENCE_LABEL]
    kept = select([c for c in clips if c.label != SILENCE_LABEL], words, settings.protocol, settings.seed)
    skipped = found.skipped | ({"under two labels": sorted(clashing)} if clashing else {})
    return Chosen(labels, others, kept + silence, skipped)


def _clashing(found: Survey, settings: DataSettings) -> set[Path]:
    clashes = label_clashes(found.clips, found.facts)
    drop = found.found.layout in _PUBLISHED if settings.drop_clashes is None else settings.drop_clashes
    if clashes and not drop:
        one, *others = clashes[0]
        other = next(clip for clip in others if clip.label != one.label)
        raise DataError(
            f"one sound under two labels ({len(clashes)} times): {one.path} is also {other.path}",
            fix="delete the wrong copy, or leave both out with --drop-clashes",
        )
    return {clip.path for group in clashes for clip in group}


def reasons(skipped: dict[str, list[Path]]) -> str:
    """Return how many clips were left out and why, in one line."""
    return ", ".join(f"{len(paths)} {reason}" for reason, paths in sorted(skipped.items())) or "none skipped"


def _advice(skipped: dict[str, list[Path]]) -> str:
    if any(reason.endswith("Hz") for reason in skipped):
        return "convert them to 16 kHz, or take them as they are with --resample"
    return "convert them to WAV or FLAC"


def n_unknown_speakers(clips: Sequence[Recording]) -> int:
    """Return the number of clips whose name tells no speaker."""
    return sum(not is_known(clip.group) for clip in clips)


def require_data(settings: DataSettings) -> None:
    """Refuse settings without data.

    Raises:
        ConfigError: neither folders nor words to synthesise are named.
    """
    if not settings.folders and settings.spoken is None and settings.download is None:
        raise ConfigError("no data", fix="name folders: kws-train prepare DATA, or --download v2, or EARSHOT_DATA")
