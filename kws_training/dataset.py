"""What a work folder holds: labels, split rule, counts and feature definition, in `dataset.json`.

The stores keep the words as they are; this file says which of them are labels. Training, evaluation and export read it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kws_training.corpora import COMMANDS
from kws_training.feature_store import SETTINGS
from voice.audio.features import FeatureSettings
from voice.errors import ConfigError, DataError

SILENCE_LABEL, UNKNOWN_LABEL = "_silence_", "_unknown_"
NOISE = "noise"
"""The word of recordings without speech: they are `_silence_`."""
LABELS = (SILENCE_LABEL, UNKNOWN_LABEL, *COMMANDS)
DIGITS = ("eight", "five", "four", "nine", "one", "seven", "six", "three", "two", "zero")
V1_WORDS = tuple(
    sorted((*COMMANDS, *DIGITS, *"bed bird cat dog happy house marvin sheila tree wow".split()))  # v0.01: 30 words
)
V2_WORDS = tuple(sorted((*V1_WORDS, "backward", "follow", "forward", "learn", "visual")))  # v0.02: 35 words
OTHER_WORDS = tuple(word for word in V2_WORDS if word not in COMMANDS)
LABEL_SETS = {"12": COMMANDS, "20": tuple(sorted((*COMMANDS, *DIGITS))), "30": V1_WORDS, "35": V2_WORDS}
"""Words of the published label sets; 12 and 20 have `_silence_` and `_unknown_` beside them, 30 and 35 have not."""
_RESERVED = {"silence", "unknown", SILENCE_LABEL, UNKNOWN_LABEL, NOISE, "_background_noise_"}

Protocol = Literal["all", "A", "B"]


class Dataset(BaseModel):
    """The contents of `dataset.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    sources: tuple[str, ...] = Field((), description="folders and archives, without what is above them")
    layout: str = "pack"
    split: str = "listed"
    protocol: Protocol = Field("all", description="which unknown and silence clips: all, or by the papers' rules")
    labels: tuple[str, ...] = Field(LABELS, min_length=2, description="in the order of a bundle's outputs")
    other_words: tuple[str, ...] = Field(OTHER_WORDS, description="words in the data that are `_unknown_`")
    apart: bool = Field(True, description="whether the network learns each other word for itself")
    counts: dict[str, dict[str, int]] = Field({}, description="clips of each word, by split")
    skipped: dict[str, int] = Field({}, description="clips left out, by reason")
    features: FeatureSettings = SETTINGS

    @property
    def words(self) -> tuple[str, ...]:
        """The labels that are words."""
        return words_of(self.labels)

    @property
    def silence(self) -> int | None:
        """Index of `_silence_`, where there is that label."""
        return self.labels.index(SILENCE_LABEL) if SILENCE_LABEL in self.labels else None

    @property
    def unknown(self) -> int | None:
        """Index of `_unknown_`, where there is that label."""
        return self.labels.index(UNKNOWN_LABEL) if UNKNOWN_LABEL in self.labels else None

    @property
    def n_special(self) -> int:
        """How many labels are no words; they come first."""
        return len(self.labels) - len(self.words)

    @property
    def targets(self) -> tuple[str, ...]:
        """What a network learns: the labels, then each other word if they are told apart."""
        return (*self.labels, *self.other_words) if self.unknown is not None and self.apart else self.labels

    def label_of(self, word: str) -> int | None:
        """Return the index of a word's label; None where the data set has no label for it."""
        if word == NOISE:
            return self.silence
        return self.labels.index(word) if word in self.words else self.unknown

    def target_of(self, word: str) -> int | None:
        """Return the index among `targets` of a word; None where there is none."""
        if word != NOISE and word in self.targets:
            return self.targets.index(word)
        return self.label_of(word)


def words_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that are words."""
    return tuple(label for label in labels if label not in (SILENCE_LABEL, UNKNOWN_LABEL))


PACK = Dataset()
"""The speech data pack with its twelve labels; also what a work folder without `dataset.json` holds."""


def read_dataset(work: Path) -> Dataset:
    """Return what a work folder holds.

    Raises:
        DataError: nothing was prepared there, the file is damaged, or its features have another definition.
    """
    path = work / "dataset.json"
    if not path.exists():
        if any((work / store / "clips.jsonl").exists() for store in ("words", "images")):
            return PACK
        raise DataError(f"{work}: no prepared data", fix="run `kws-train prepare` first")
    try:
        dataset = Dataset.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise DataError(f"{path}: {reason}", fix="run `kws-train prepare` again, with another --work") from error
    if dataset.features != SETTINGS:
        raise DataError(
            f"{work}: features of another definition ({_difference(dataset.features)})",
            fix="prepare the data again, with another --work",
        )
    return dataset


def write_dataset(folder: Path, dataset: Dataset) -> None:
    """Write `dataset.json` into a work folder, or into a run's, to know later what the network was trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(dataset.model_dump_json(indent=1) + "\n", encoding="utf-8")


def check_run(run: Path, work: Path, *, to_train: bool = False) -> Dataset:
    """Return the data set of a work folder after comparing it with the one that a run was trained on.

    Args:
        run: of the training; one that has just begun fits anything.
        work: what `prepare` wrote.
        to_train: the training is to go on, so that the other words must be the same too.

    Raises:
        DataError: labels or features differ.
    """
    dataset = read_dataset(work)
    if not (run / "dataset.json").exists():
        return dataset
    trained = read_dataset(run)
    if trained.labels != dataset.labels:
        differing = sorted(set(trained.labels) ^ set(dataset.labels)) or ["their order"]
        raise DataError(
            f"{run} was trained on {len(trained.labels)} labels, {work} holds {len(dataset.labels)} "
            f"(they differ in {', '.join(differing[:5])})",
            fix="give the --work that it was trained on, or train with another --run",
        )
    if to_train and trained.targets != dataset.targets:
        differing = sorted(set(trained.targets) ^ set(dataset.targets)) or ["their order"]
        raise DataError(
            f"{run} learned other words than {work} holds (they differ in {', '.join(differing[:5])})",
            fix="give the --work that it was trained on, or train with another --run",
        )
    return dataset


def chosen_labels(
    wanted: str, found: Mapping[str, int], *, silence: bool | None = None, unknown: bool | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return labels and other words for a label set.

    Args:
        wanted: 12, 20, 30, 35, all, or words with commas between.
        found: how many clips of each word there are.
        silence: whether there is a `_silence_`; None: as the label set's papers have it, own words with it.
        unknown: the same for `_unknown_`; own words have it where other words are in the data.

    Raises:
        ConfigError: a label can't be one, or stands twice.
        DataError: a label has no clip, or only one.
    """
    words = LABEL_SETS.get(wanted) or (words_of(sorted(found)) if wanted == "all" else _own(wanted))
    check_names(words)
    few = {word: found.get(word, 0) for word in words if found.get(word, 0) < 2}
    if few:
        listed = ", ".join(f"{word!r} has {'one clip' if n else 'no clip'}" for word, n in few.items())
        raise DataError(
            f"too few clips to train and to judge: {listed}", fix="record more, or leave the label out with --labels"
        )
    others = tuple(word for word in words_of(sorted(found)) if word not in words)
    paper = wanted in ("12", "20")
    bare = wanted in ("30", "35")
    has_silence = (paper or not bare) if silence is None else silence
    has_unknown = (paper or (not bare and bool(others or UNKNOWN_LABEL in found))) if unknown is None else unknown
    if has_unknown and not others and UNKNOWN_LABEL not in found:
        raise DataError(
            "there is no other word to be _unknown_", fix="add folders of other words, or prepare with --no-unknown"
        )
    special = ((SILENCE_LABEL,) if has_silence else ()) + ((UNKNOWN_LABEL,) if has_unknown else ())
    return (*special, *words), others if has_unknown else ()


def check_names(words: tuple[str, ...]) -> None:
    """Refuse names that can't be told apart, or that mean something else.

    Raises:
        ConfigError: two names differ in their case only, or one is reserved.
    """
    seen: dict[str, str] = {}
    for word in words:
        same = seen.setdefault(word.casefold(), word)
        if same is not word:
            what = (
                f"label {word!r} stands twice" if same == word else f"labels {same!r} and {word!r} differ in case only"
            )
            raise ConfigError(what, fix="rename one of the folders, or name each label once")
        if word.casefold() in _RESERVED:
            raise ConfigError(
                f"label {word!r} collides with {_meaning(word)}",
                fix="rename the folder: `_unknown_` holds other speech, `_silence_` none, other names are words",
            )


def _meaning(word: str) -> str:
    return UNKNOWN_LABEL if "unknown" in word.casefold() else SILENCE_LABEL


def _own(wanted: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in wanted.split(","))
    if not all(words) or len(words) < 2:
        raise ConfigError(
            f"--labels {wanted!r}: at least two words are needed", fix="give 12, 20, 30, 35, all, or a,b,c"
        )
    return words


def _difference(features: FeatureSettings) -> str:
    here = SETTINGS.model_dump()
    return ", ".join(
        f"{key} {json.dumps(value)}, not {json.dumps(here[key])}"
        for key, value in features.model_dump().items()
        if value != here[key]
    )
