"""A part of the training speech: what would be known with fewer recordings.

Smaller parts lie in larger ones: a hash of the name decides who comes first, whatever the share.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from asr_training.prepare import Cached

_MANY = 10  # speakers, so that a part of a corpus is a part of its speakers


def part_of(utterances: Sequence[Cached], share: float, whole: Iterable[str] = ()) -> list[Cached]:
    """Return a share of each corpus' seconds in whole speakers; of a corpus of few speakers, in utterances.

    Args:
        utterances: of the training.
        share: above 0, at most 1; the last speaker taken may exceed it.
        whole: corpora that stay as they are.
    """
    if share >= 1:
        return list(utterances)
    stay = set(whole)
    found: list[Cached] = []
    for corpus, group in groupby(sorted(utterances, key=lambda u: u.corpus), key=lambda u: u.corpus):
        own = list(group)
        found += own if corpus in stay else _first(own, share)
    return found


def hours(utterances: Iterable[Cached], without: Iterable[str] = ()) -> float:
    """Return the length of utterances, but of those of some corpora."""
    left_out = set(without)
    return sum(utterance.seconds for utterance in utterances if utterance.corpus not in left_out) / 3600


def _first(utterances: list[Cached], share: float) -> list[Cached]:
    """Return the utterances of one corpus that come first, unit by unit, until the share is reached."""
    by_speaker = len({u.speaker for u in utterances}) >= _MANY
    name: Callable[[Cached], str] = (lambda u: u.speaker) if by_speaker else (lambda u: u.audio)
    wanted = share * sum(u.seconds for u in utterances)
    taken: set[str] = set()
    seconds = 0.0
    for utterance in sorted(utterances, key=lambda u: (_place(u.corpus, name(u)), name(u))):
        if seconds >= wanted and name(utterance) not in taken:
            break
        taken.add(name(utterance))
        seconds += utterance.seconds
    return [u for u in utterances if name(u) in taken]


def _place(corpus: str, name: str) -> bytes:
    return hashlib.sha256(f"{corpus}/{name}".encode()).digest()
