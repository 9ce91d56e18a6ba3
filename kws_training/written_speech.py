"""How often a phrase's sounds occur in endless text of the shipped language model: inside its words, and across two."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kws_training.phone_distance import Sequences, distances_within, sequences
from kws_training.pronounce import Pronouncer, installed_pronouncer
from kws_training.word_rates import WORDS_AN_HOUR, shipped_pairs, shipped_rates
from voice.decoding.phones import Phones

_REACH = 12
"""Phones of each word of a pair that are looked at, next to the boundary."""


@lru_cache(maxsize=1)
def written_speech() -> "WrittenSpeech":
    """Return the text of the bundle `asr-en` as the installed dictionary says it.

    Raises:
        DataError: there is no dictionary.
    """
    return WrittenSpeech(installed_pronouncer())


class WrittenSpeech:
    """Words and pairs of words with their shares of all text, as phones.

    Args:
        pronouncer: whose dictionary says how they are said; what it lacks is left out.
    """

    def __init__(self, pronouncer: Pronouncer) -> None:
        said = {word: found[0] for word in shipped_rates() if (found := pronouncer.dictionary.get(word))}
        self._place = {word: i for i, word in enumerate(said)}
        self._shares = np.array([shipped_rates()[word] / 1e6 for word in said])
        self._words = sequences(list(said.values()))
        pairs = [(one, two, share) for one, two, share in shipped_pairs() if one in said and two in said]
        self._first = np.array([self._place[one] for one, _, _ in pairs])
        self._second = np.array([self._place[two] for _, two, _ in pairs])
        self._pair_shares = np.array([share for _, _, share in pairs])
        self._pairs = sequences([(*said[one][-_REACH:], *said[two][:_REACH]) for one, two, _ in pairs])

    def times_an_hour(self, variants: Sequence[Phones], furthest: float) -> float:
        """Return how often something within a weighted phone distance of a phrase is heard in an hour of speech.

        Args:
            variants: pronunciations of the phrase.
            furthest: from the nearest of them.
        """
        inside, across = _runs(variants, self._words, furthest), _runs(variants, self._pairs, furthest)
        across[(inside[self._first] > 0) | (inside[self._second] > 0)] = 0
        return WORDS_AN_HOUR * float(self._shares @ inside + self._pair_shares @ across)


def _runs(variants: Sequence[Phones], spoken: Sequences, furthest: float) -> npt.NDArray[np.int64]:
    """Return how often each sequence holds one of the pronunciations."""
    within = np.min([distances_within(phones, spoken) for phones in variants], axis=0) < furthest
    return np.count_nonzero(within[1:] & ~within[:-1], axis=0)
