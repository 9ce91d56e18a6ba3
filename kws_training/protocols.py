"""Which unknown and silence clips a data set gets, by the rules of the papers.

A   Warden (arXiv 1804.03209) and BC-ResNet (arXiv 2106.04140): in each split as many as a word has on average
B   TensorFlow's speech_commands example, kws_streaming: in each split 10 % of the number of clips of all words

Both round up: 3,077, 371 and 408 for v0.02. For ten words the counts agree; the papers' splits don't (lists, hash).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil

import numpy as np

from kws_training.corpora import Recording
from kws_training.dataset import Protocol
from kws_training.splits import SPLITS

_TENTH = 10  # percent


def special_count(n_clips: int, n_words: int, protocol: Protocol) -> int:
    """Return how many silence clips, and how many unknown clips, belong to a split.

    Args:
        n_clips: clips of all words in the split.
        n_words: labels that are words.
        protocol: whose rule; `all` takes A's count for silence.
    """
    return ceil(n_clips * _TENTH / 100) if protocol == "B" else ceil(n_clips / n_words)


def special_counts(clips: Sequence[Recording], words: Sequence[str], protocol: Protocol) -> dict[str, int]:
    """Return `special_count` of each split."""
    n_clips = Counter(clip.split for clip in clips if clip.label in words)
    return {split: special_count(n_clips[split], len(words), protocol) for split in SPLITS}


def select(clips: Sequence[Recording], words: Sequence[str], protocol: Protocol, seed: int) -> list[Recording]:
    """Return the clips of a protocol, in order: all words, and the unknown clips that `seed` draws.

    Args:
        clips: with their splits.
        words: labels that are words; every other clip is unknown.
        protocol: `all` keeps every clip.
        seed: of the draw.
    """
    if protocol == "all":
        return list(clips)
    wanted = special_counts(clips, words, protocol)
    unknown: dict[str, list[int]] = defaultdict(list)
    for i, clip in enumerate(clips):
        if clip.label not in words:
            unknown[clip.split].append(i)
    rng = np.random.default_rng(seed)
    kept = {int(i) for split in SPLITS for i in rng.permutation(unknown[split])[: wanted[split]]}
    return [clip for i, clip in enumerate(clips) if clip.label in words or i in kept]
