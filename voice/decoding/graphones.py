"""How an unknown word is said: the likeliest phones for its letters, by a joint-sequence model.

A graphone is a letter with the none, one or two phones that it stands for; a word is a sequence of them, and an n-gram
model over graphones gives its probability. Bisani and Ney 2008, "Joint-sequence models for grapheme-to-phoneme
conversion", section 3, with one letter in each graphone and a beam for the sum over alignments.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import BEGIN, END, MARKS, Ids, Scores
from voice.decoding.phones import Phones
from voice.errors import BundleError

MAKE_AGAIN = "make them again with `asr-train lexicon`"
MAX_ORDER = 9
_BEAM = 16  # partial words kept after each letter
_FURTHER = 4  # times as many are looked at before equal ones are added up
_MIN_LOG_PROB = -14.0  # behind the best: what is less likely is dropped


class Graphones:
    """An n-gram model with back-off over graphones, of any order.

    Args:
        arrays: `graphones` (uint8, a line each: the letter, then its phones, separated by spaces; the first three are
            `MARKS`); for n from 1 `graph<n>_score`, natural logarithms, and for all but the longest `graph<n>_backoff`;
            from 2 on `graph<n>_key`, ascending = index of the n-gram without its last graphone * V + the last.

    Raises:
        BundleError: the arrays don't belong together.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        order = max((n for n in range(1, MAX_ORDER + 1) if f"graph{n}_score" in arrays), default=0)
        try:
            lines = bytes(arrays["graphones"]).decode("ascii").split("\n")[:-1]
            self._scores = [np.asarray(arrays[f"graph{n}_score"]) for n in range(1, order + 1)]
            self._keys = [np.asarray(arrays[f"graph{n}_key"]) for n in range(2, order + 1)]
            self._backoffs = [np.asarray(arrays[f"graph{n}_backoff"]) for n in range(1, order)]
        except (KeyError, UnicodeDecodeError) as error:
            raise BundleError(f"pronunciations without {error}", fix=MAKE_AGAIN) from error
        if order < 2 or tuple(lines[: len(MARKS)]) != MARKS or len(lines) != len(self._scores[0]):
            raise BundleError("pronunciations whose graphones and scores differ", fix=MAKE_AGAIN)
        self._n_graphones = len(lines)
        self._phones: list[Phones] = [tuple(line.split()[1:]) for line in lines]
        by_letter: dict[str, list[int]] = {}
        for i, line in enumerate(lines[len(MARKS) :], len(MARKS)):
            by_letter.setdefault(line.split()[0], []).append(i)
        self._of_letter = {letter: np.array(ids, np.int64) for letter, ids in by_letter.items()}

    def best(self, word: str) -> list[tuple[Phones, float]]:
        """Return pronunciations with their probabilities among those found, the likeliest first.

        Args:
            word: letters that no graphone has are passed over.
        """
        said: list[Phones] = [()]
        scores = np.zeros(1, np.float32)
        contexts = np.full((1, len(self._keys)), -1, np.int64)  # contexts[:, n]: the last n + 1 graphones
        contexts[0, 0] = BEGIN
        for letter in word:
            if (choices := self._of_letter.get(letter)) is not None:
                said, scores, contexts = self._after(said, scores, contexts, choices)
        ends, _ = self._step(contexts, np.full(len(said), END, np.int64))
        total: dict[Phones, float] = {}
        for phones, score in zip(said, np.exp(scores + ends - np.max(scores + ends)), strict=True):
            if phones:
                total[phones] = total.get(phones, 0.0) + float(score)
        everything = sum(total.values())
        return sorted(((phones, score / everything) for phones, score in total.items()), key=lambda pair: -pair[1])

    def _after(
        self, said: list[Phones], scores: Scores, contexts: Ids, choices: Ids
    ) -> tuple[list[Phones], Scores, Ids]:
        """Return the beam after one more letter; what is said alike and goes on alike is added up."""
        source = np.repeat(np.arange(len(said)), len(choices))
        token = np.tile(choices, len(said))
        step, after = self._step(contexts[source], token)
        score = scores[source] + step
        likely = np.argsort(-score, kind="stable")[: _FURTHER * _BEAM]
        likely = likely[score[likely] >= score[likely[0]] + _MIN_LOG_PROB]
        merged: dict[tuple[Phones, bytes], tuple[float, int]] = {}
        for i in likely:
            key = ((*said[source[i]], *self._phones[token[i]]), after[i].tobytes())
            so_far, first = merged.get(key, (-np.inf, i))
            merged[key] = (float(np.logaddexp(so_far, score[i])), first)
        kept = sorted(merged.items(), key=lambda item: -item[1][0])[:_BEAM]
        found = np.array([first for _, (_, first) in kept], np.int64)
        return [key[0] for key, _ in kept], np.array([total for _, (total, _) in kept], np.float32), after[found]

    def _step(self, contexts: Ids, tokens: Ids) -> tuple[Scores, Ids]:
        """Return log p(token | context), shape (n,), and the contexts after it, (n, order - 1)."""
        score = self._scores[0][tokens].astype(np.float32)
        after = np.full_like(contexts, -1)
        after[:, 0] = tokens
        for n, keys in enumerate(self._keys):
            context = contexts[:, n]
            given = context >= 0
            base = np.maximum(context, 0)
            wanted = (base * self._n_graphones + tokens).astype(keys.dtype)
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            known = given & (keys[at] == wanted)
            backed = score + np.where(given, self._backoffs[n][base].astype(np.float32), np.float32(0))
            score = np.where(known, self._scores[n + 1][at].astype(np.float32), backed)
            if n + 1 < after.shape[1]:
                after[:, n + 1] = np.where(known, at, -1)
        return score, after
