"""A model that says words which no dictionary has: n-grams of graphones, see `voice.decoding.graphones`.

Letters and phones are aligned (`g2p_align`), and the modified Kneser-Ney estimate of `lm` does the rest. Bisani and Ney
2008, "Joint-sequence models for grapheme-to-phoneme conversion".
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asr_training.g2p_align import LETTERS, align
from asr_training.lm import estimated
from voice.decoding.graphones import MAX_ORDER
from voice.decoding.ngram import MARKS
from voice.decoding.phones import Phones
from voice.errors import ConfigError, DataError

Spoken = tuple[str, Phones]
"""A word and one of its pronunciations."""

_MIN_COUNT = 3  # a graphone seen less often is a slip of the dictionary
_MANY = 1 << 31


@dataclass(frozen=True, slots=True)
class GraphoneSizes:
    """How large the model may get."""

    order: int = 8
    """Graphones in the longest n-gram."""
    each: int = 50_000
    """N-grams of one order, from the third on."""

    def most(self, order: int) -> int:
        """Return the largest number of n-grams of an order."""
        return self.each if order > 2 else _MANY


DEFAULT_SIZES = GraphoneSizes()


def learn(spoken: Sequence[Spoken], sizes: GraphoneSizes = DEFAULT_SIZES) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `Graphones`.

    Args:
        spoken: words of `LETTERS`, each with a pronunciation; others are passed over.
        sizes: limits.

    Raises:
        ConfigError: an order that the decoder doesn't know.
        DataError: the words are too few.
    """
    if not 2 <= sizes.order <= MAX_ORDER:
        raise ConfigError(f"order {sizes.order} of graphones", fix=f"choose 2 to {MAX_ORDER}")
    sayable = [pair for pair in spoken if set(pair[0]) <= set(LETTERS)]
    lines = [
        [" ".join([letter, *phones]) for letter, phones in zip(word, taken, strict=True)]
        for (word, _), taken in zip(sayable, align(sayable), strict=True)
        if taken
    ]
    counts = Counter(graphone for line in lines for graphone in line)
    names = [*MARKS, *sorted(graphone for graphone, n in counts.items() if n >= _MIN_COUNT)]
    lines = [line for line in lines if all(counts[graphone] >= _MIN_COUNT for graphone in line)]
    try:
        levels = estimated(lines, names, sizes, sizes.order)
    except DataError as error:
        raise DataError("too few words for a model of pronunciations", fix="give a larger dictionary") from error
    arrays: dict[str, npt.NDArray[Any]] = {"graphones": np.frombuffer("\n".join([*names, ""]).encode(), np.uint8)}
    for n, level in enumerate(levels, 1):
        if n > 1:
            arrays[f"graph{n}_key"] = level.key.astype(np.uint32)
        arrays[f"graph{n}_score"] = level.score.astype(np.float16)
        if n < sizes.order:
            arrays[f"graph{n}_backoff"] = level.backoff.astype(np.float16)
    return arrays
