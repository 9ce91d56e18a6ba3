"""Who trains, develops and tests: by speaker, and by sentence where speakers are unknown or too few.

A hash of the name decides, so that a corpus that grows keeps everybody where they were.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from asr_training.manifest import Utterance
from voice.errors import ConfigError
from voice.text import normalise

_FEW = 3  # fewer speakers can't be divided in three


@dataclass
class Division:
    """The utterances of each split."""

    utterances: list[Utterance]
    by: str
    """`speaker`, `sentence`, or `the corpus` where it brought its own splits."""
    counts: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """Return one readable line."""
        if set(self.counts) <= {"train"}:
            return "all train"
        counts = ", ".join(f"{self.counts[name]} {name}" for name in ("train", "dev", "test") if self.counts[name])
        return f"split by {self.by}: {counts}"


def divide(utterances: Sequence[Utterance], *, dev: float, test: float) -> Division:
    """Return the utterances with a split each; dev and test splits that the corpus brings stay, with their speakers.

    Args:
        utterances: of one corpus.
        dev: share of the speakers (or sentences) for the dev split, 0 to 1.
        test: share for the test split.

    Raises:
        ConfigError: the shares leave nothing to train on.
    """
    if dev < 0 or test < 0 or dev + test >= 1:
        raise ConfigError(f"shares of {dev:g} dev and {test:g} test", fix="leave something for training")
    given = {utterance.split for utterance in utterances} & {"dev", "test"}
    speakers = {utterance.speaker for utterance in utterances if utterance.speaker}
    by_speaker = len(speakers) >= _FEW
    if given:
        known = {
            utterance.speaker: utterance.split for utterance in utterances if utterance.split and utterance.speaker
        }
        places = [utterance.split or known.get(utterance.speaker) or "train" for utterance in utterances]
    else:
        places = [_place(utterance, by_speaker, dev, test) for utterance in utterances]
    lines = [utterance.model_copy(update={"split": place}) for utterance, place in zip(utterances, places, strict=True)]
    by = "the corpus" if given else "speaker" if by_speaker else "sentence"
    return Division(lines, by, Counter(places))


def _place(utterance: Utterance, by_speaker: bool, dev: float, test: float) -> str:
    name = (by_speaker and utterance.speaker) or normalise(utterance.text or "")
    at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
    return "test" if at < test else "dev" if at < test + dev else "train"
