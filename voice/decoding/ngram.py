"""A word trigram model with back-off, looked up for many contexts at once, and the trie of its words.

One file: a line of JSON that says where each array lies, then the arrays, mapped into memory and never copied. Scores
are natural logarithms. Katz 1987, "Estimation of probabilities from sparse data"; the estimates themselves are made by
`asr-train lm`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.errors import BundleError

MAGIC = b"earshot-lm-1 "
BEGIN, END, UNKNOWN = 0, 1, 2
"""Ids of `<s>`, `</s>` and `<unk>`; words follow."""
MARKS = ("<s>", "</s>", "<unk>")
_ALIGN = 64

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class NGram:
    """A trigram model.

    A state is what the next word depends on: V + i for the i-th bigram as context, else the last word's id.

    Args:
        arrays: `words` (uint8, newline after each), `uni_score`, `uni_backoff` (V,), `bi_key` (B,) = first * V +
            second, ascending, `bi_score`, `bi_backoff` (B,), `tri_key` (T,) = bigram * V + third, ascending,
            `tri_score` (T,).

    Raises:
        BundleError: the arrays don't belong together.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        try:
            self.words = tuple(bytes(arrays["words"]).decode("utf-8").split("\n")[:-1])
            self._uni, self._uni_backoff = arrays["uni_score"], arrays["uni_backoff"]
            self._bi_key, self._bi, self._bi_backoff = arrays["bi_key"], arrays["bi_score"], arrays["bi_backoff"]
            self._tri_key, self._tri = arrays["tri_key"], arrays["tri_score"]
        except KeyError as error:
            raise BundleError(f"language model without {error}", fix="make it again with `asr-train lm`") from error
        if self.words[: len(MARKS)] != MARKS or len(self._uni) != len(self.words):
            raise BundleError("language model whose words and scores differ", fix="make it again with `asr-train lm`")
        self.arrays = arrays

    @property
    def unigrams(self) -> Scores:
        """Log-probability of each word without context, shape (V,)."""
        return np.asarray(self._uni, np.float32)

    def step(self, states: Ids, words: Ids) -> tuple[Scores, Ids]:
        """Return log p(word | state) and the states after the words; all of shape (n,)."""
        n_words = len(self.words)
        context = states - n_words  # the bigram, negative for a lone word
        last = np.where(
            context >= 0, self._bi_key[np.maximum(context, 0)] % n_words if len(self._bi_key) else 0, states
        )
        bigram, known = _find(self._bi_key, last * n_words + words)
        score = np.where(known, _at(self._bi, bigram), self._uni_backoff[last] + self._uni[words])
        trigram, seen = _find(self._tri_key, context * n_words + words)
        backed_off = np.where(context >= 0, _at(self._bi_backoff, np.maximum(context, 0)), 0) + score
        score = np.where(seen & (context >= 0), _at(self._tri, trigram), backed_off)
        return score.astype(np.float32), np.where(known, n_words + bigram, words)

    def score(self, sentence: list[str]) -> float:
        """Return the log-probability of a sentence with its end; unknown words count as `<unk>`."""
        index = {word: i for i, word in enumerate(self.words)}
        state, total = np.array([BEGIN], np.int64), 0.0
        for word in [*sentence, MARKS[END]]:
            score, state = self.step(state, np.array([index.get(word, UNKNOWN)], np.int64))
            total += float(score[0])
        return total


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a model file, mapped read-only.

    Raises:
        BundleError: it can't be read, is cut, or is something else.
    """
    try:
        with path.open("rb") as stream:
            head = stream.readline(1 << 16)
        if not head.startswith(MAGIC):
            raise BundleError(f"{path}: not a language model", fix="make it with `asr-train lm`")
        size = path.stat().st_size
        arrays = {}
        for name, dtype, length, offset in json.loads(head[len(MAGIC) :]):
            if offset + np.dtype(dtype).itemsize * length > size:
                raise BundleError(f"{path}: cut short", fix="make or install it again")
            arrays[name] = np.memmap(path, dtype, "r", offset, (length,)) if length else np.zeros(0, dtype)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: {error}", fix="make it again with `asr-train lm`") from error
    return arrays


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a model file; an interrupted write leaves the former one whole.

    Raises:
        OSError: the disk refuses.
    """
    table: list[tuple[str, str, int, int]] = []
    offset = 1 << 12  # the table fits before it
    for name, array in arrays.items():
        table.append((name, array.dtype.str, len(array), offset))
        offset += -(-array.nbytes // _ALIGN) * _ALIGN
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as stream:
        stream.write(MAGIC + json.dumps(table).encode() + b"\n")
        for (_, _, _, start), array in zip(table, arrays.values(), strict=True):
            stream.seek(start)
            stream.write(np.ascontiguousarray(array).tobytes())
        stream.truncate(offset)
    part.replace(path)


def _find(keys: npt.NDArray[Any], wanted: Ids) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """Return where `wanted` stands in the ascending `keys`, and whether it does."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def _at(values: npt.NDArray[Any], index: Ids) -> Scores:
    return values[index].astype(np.float32) if len(values) else np.zeros(len(index), np.float32)
