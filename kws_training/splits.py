"""Divide clips into train, dev and test: speakers, never files.

official   the data set's own validation_list.txt and testing_list.txt; what is in neither trains
hash       Speech Commands' own rule: SHA-1 of the speaker, 10 % validate, 10 % test
speaker    speakers are dealt out so that every word has its share in each split
listed     own lists (training_list.txt, ...: what is in none is left out) or folders train/, dev/, test/
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kws_training.corpora import Recording, hash_percent
from kws_training.data_settings import DataSettings
from kws_training.layouts import Found, is_known, key
from voice.errors import ConfigError, DataError

SPLITS = ("train", "dev", "test")


def hash_split(name: str, dev_percent: float = 10, test_percent: float = 10) -> str:
    """Return the split that Speech Commands' rule gives a file: dev below 10 %, test below 20 %, else train.

    Args:
        name: of the file, without its folder.
        dev_percent: share that validates.
        test_percent: share that tests.
    """
    percent = hash_percent(name)
    if percent < dev_percent:
        return "dev"
    return "test" if percent < dev_percent + test_percent else "train"


def rule_of(found: Found, settings: DataSettings) -> str:
    """Return the rule that `auto` means for a data set."""
    if settings.split != "auto":
        return settings.split
    if any(clip.split for clip in found.clips):
        return "listed"
    return "official" if {"dev", "test"} <= set(found.lists.values()) else "speaker"


def divide(found: Found, settings: DataSettings) -> list[Recording]:
    """Return the clips with their splits; those that own lists leave out are missing.

    Raises:
        ConfigError: the rule needs lists or folders that the data set doesn't have.
    """
    rule = rule_of(found, settings)
    if rule == "hash":
        return [replace(clip, split=hash_split(clip.path.name)) for clip in found.clips]
    if rule == "speaker":
        return by_speaker(found.clips, settings.dev_share, settings.test_share, settings.seed)
    if rule == "official":
        if not {"dev", "test"} <= set(found.lists.values()):
            raise ConfigError(
                "no validation_list.txt and testing_list.txt beside the words",
                fix="use --split hash, which is the rule that they were made by",
            )
        return [replace(clip, split=found.lists.get(key(clip), "train")) for clip in found.clips]
    if any(clip.split for clip in found.clips):
        return found.clips
    if not found.lists:
        raise ConfigError("no lists and no folders train, dev, test", fix="use --split speaker")
    rest = "" if found.has_train_list else "train"
    listed = [replace(clip, split=found.lists.get(key(clip), rest)) for clip in found.clips]
    return [clip for clip in listed if clip.split]


def by_speaker(clips: Sequence[Recording], dev_share: float, test_share: float, seed: int) -> list[Recording]:
    """Return clips whose speakers were dealt out so that each word's clips come near their share in each split.

    First every word gets a speaker that validates and one that tests, where three or more say it (two: no test). Then
    the others are dealt out in random order, each to the split that lacks the largest share of what he says.
    """
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        said[clip.group][clip.label] += 1
    order = [str(speaker) for speaker in np.random.default_rng(seed).permutation(sorted(said))]
    share = {"train": 1 - dev_share - test_share, "dev": dev_share, "test": test_share}
    split_of = _one_each(order, said, [split for split in ("dev", "test") if share[split]])
    n_clips = Counter(clip.label for clip in clips)
    given: Counter[tuple[str, str]] = Counter()
    for speaker, split in split_of.items():
        given.update({(split, word): n for word, n in said[speaker].items()})

    def lack(split: str, words: Counter[str]) -> float:
        return sum(1 - given[split, word] / (share[split] * n_clips[word]) for word in words)

    for speaker in order:
        if speaker not in split_of:
            words = said[speaker]
            split_of[speaker] = max((split for split in SPLITS if share[split]), key=lambda s: lack(s, words))
            given.update({(split_of[speaker], word): n for word, n in words.items()})
    return [replace(clip, split=split_of[clip.group]) for clip in clips]


def _one_each(order: Sequence[str], said: dict[str, Counter[str]], splits: Sequence[str]) -> dict[str, str]:
    """Return a speaker for each word in each of `splits`, as long as one is left to train."""
    saying: dict[str, list[str]] = defaultdict(list)
    for speaker in order:
        for word in said[speaker]:
            saying[word].append(speaker)
    split_of: dict[str, str] = {}
    for split in splits:
        for _, speakers in sorted(saying.items()):
            free = [speaker for speaker in speakers if speaker not in split_of]
            if len(free) > 1 and not any(split_of.get(speaker) == split for speaker in speakers):
                split_of[free[0]] = split
    return split_of


def shared_speakers(clips: Sequence[Recording]) -> dict[str, list[str]]:
    """Return the speakers whose clips are in more than one split, with those splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if is_known(clip.group):
            splits[clip.group].add(clip.split)
    return {speaker: sorted(found) for speaker, found in sorted(splits.items()) if len(found) > 1}


def check_speakers(clips: Sequence[Recording]) -> None:
    """Refuse a division that puts a speaker into two splits.

    Raises:
        DataError: names the first of them.
    """
    shared = shared_speakers(clips)
    if shared:
        speaker, splits = next(iter(shared.items()))
        raise DataError(
            f"{len(shared)} speakers are in two splits, {speaker!r} in {' and '.join(splits)}",
            fix="split speakers, never files: correct the lists, or use --split speaker",
        )


def check_classes(clips: Sequence[Recording], words: Sequence[str]) -> None:
    """Refuse a division that leaves a word without training or validation clips.

    Raises:
        DataError: names the words.
    """
    check_counts(Counter((clip.split, clip.label) for clip in clips), words)


def check_counts(count: Mapping[tuple[str, str], int], words: Sequence[str]) -> None:
    """Refuse counts, by split and word, in which a word has no training or no validation clip; see `check_classes`."""
    for split in ("train", "dev"):
        missing = [word for word in words if not count.get((split, word))]
        if missing:
            raise DataError(
                f"no {split} clip of {', '.join(map(repr, missing[:8]))}",
                fix="record more speakers, or use another --split",
            )
