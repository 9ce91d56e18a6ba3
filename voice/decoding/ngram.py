"""A word n-gram model with back-off, looked up for many contexts at once.

One file: a line of JSON that says where each array lies, then the arrays, mapped into memory and never copied. Scores
are natural logarithms. Katz 1987, "Estimation of probabilities from sparse data"; the estimates themselves are made by
`asr-train lm`.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.errors import BundleError

MAGIC = b"earshot-lm-1 "
BEGIN, END, UNKNOWN = 0, 1, 2
"""Ids of `<s>`, `</s>` and `<unk>`; words follow."""
MARKS = ("<s>", "</s>", "<unk>")
ORDERS = ("uni", "bi", "tri", "quad")
"""Names of the orders in a file."""
_ALIGN = 64

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class NGram:
    """A back-off model of order 2 to 4.

    A state is what the next word depends on, as one number: the last word's id, V + i for the i-th bigram as context,
    V + B + i for the i-th trigram.

    Args:
        arrays: `words` (uint8, newline after each), `uni_score`, `uni_backoff` (V,); then for each longer order `bi`,
            `tri`, `quad`: its keys, ascending, `bi_key` (B,) = first word * V + second, `tri_key` (T,) = bigram * V +
            third, `quad_key` = trigram * V + fourth, with `_score`, and `_backoff` but for the longest. Scores are
            natural logarithms.

    Raises:
        BundleError: the arrays don't belong together.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.order = max((n for n, name in enumerate(ORDERS, 1) if f"{name}_score" in arrays), default=1)
        names = ORDERS[: self.order]
        try:
            self.words = tuple(bytes(arrays["words"]).decode("utf-8").split("\n")[:-1])
            self._scores = [arrays[f"{name}_score"] for name in names]
            self._keys = [arrays[f"{name}_key"] for name in names[1:]]
            self._backoffs = [arrays[f"{name}_backoff"] for name in names[:-1]]
        except KeyError as error:
            raise BundleError(f"language model without {error}", fix="make it again with `asr-train lm`") from error
        if self.words[: len(MARKS)] != MARKS or len(self._scores[0]) != len(self.words) or self.order < 2:
            raise BundleError("language model whose words and scores differ", fix="make it again with `asr-train lm`")
        self.arrays = arrays

    @property
    def unigrams(self) -> Scores:
        """Log-probability of each word without context, shape (V,)."""
        return np.asarray(self._scores[0], np.float32)

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of each word."""
        return {word: i for i, word in enumerate(self.words)}

    def step(self, states: Ids, words: Ids) -> tuple[Scores, Ids]:
        """Return log p(word | state) and the states after the words; all of shape (n,)."""
        score = _at(self._scores[0], words)
        after = words
        first = 0  # state of the first n-gram of an order
        for n, context in enumerate(self._contexts(states)):
            given = context >= 0
            at, known = _find(self._keys[n], context * len(self.words) + words)
            known &= given
            backoff = np.where(given, _at(self._backoffs[n], np.maximum(context, 0)), np.float32(0))
            score = np.where(known, _at(self._scores[n + 1], at), backoff + score)
            first += len(self._scores[n])
            if n + 2 < self.order:
                after = np.where(known, first + at, after)
        return score.astype(np.float32), after

    def _contexts(self, states: Ids) -> list[Ids]:
        """Return what ends a state: the last word, the last bigram, ...: indices of n-grams, -1 where it has none."""
        n_words = len(self.words)
        bi = self._keys[0]
        bigram = states - n_words
        if self.order < 4:
            last = np.where(bigram >= 0, _key(bi, bigram) % n_words, states)
            return [last, bigram][: self.order - 1]
        trigram = bigram - len(bi)
        bigram = np.where(trigram >= 0, -1, bigram)
        key = _key(self._keys[1], trigram)
        last = np.where(bigram >= 0, _key(bi, bigram) % n_words, np.where(trigram >= 0, key % n_words, states))
        tail, known = _find(bi, _key(bi, key // n_words) % n_words * n_words + last)
        return [last, np.where((trigram >= 0) & known, tail, bigram), trigram]

    def score(self, sentence: list[str]) -> float:
        """Return the log-probability of a sentence with its end; unknown words count as `<unk>`."""
        state, total = np.array([BEGIN], np.int64), 0.0
        for word in [*sentence, MARKS[END]]:
            score, state = self.step(state, np.array([self.index.get(word, UNKNOWN)], np.int64))
            total += float(score[0])
        return total


def read_arrays(
    path: Path, what: str = "a language model", make: str = "make it again with `asr-train lm`"
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a model file, mapped read-only.

    Args:
        path: the file.
        what: it should be, for the error.
        make: how to get it, for the error.

    Raises:
        BundleError: it can't be read, is cut, or is something else.
    """
    try:
        with path.open("rb") as stream:
            head = stream.readline(1 << 16)
        if not head.startswith(MAGIC):
            raise BundleError(f"{path}: not {what}", fix=make)
        size = path.stat().st_size
        arrays = {}
        for name, dtype, length, offset in json.loads(head[len(MAGIC) :]):
            if offset + np.dtype(dtype).itemsize * length > size:
                raise BundleError(f"{path}: cut short", fix="make or install it again")
            arrays[name] = np.memmap(path, dtype, "r", offset, (length,)) if length else np.zeros(0, dtype)
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(f"{path}: {getattr(error, 'strerror', None) or error}", fix=make) from error
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


def _key(keys: npt.NDArray[Any], index: Ids) -> Ids:
    """Return the keys at an index; that of the first for a negative one."""
    return np.asarray(keys[np.maximum(index, 0)], np.int64) if len(keys) else np.zeros(len(index), np.int64)


def _at(values: npt.NDArray[Any], index: Ids) -> Scores:
    return values[index].astype(np.float32) if len(values) else np.zeros(len(index), np.float32)
