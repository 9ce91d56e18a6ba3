"""The ARPA text format of back-off n-grams, as SRILM and KenLM write it: read up to trigrams, and written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log, log10
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import MARKS
from voice.errors import DataError

_NEPER = log(10)  # ARPA's logarithms are decimal
_ORDERS = 3


@dataclass
class _Section:
    """The n-grams of one order."""

    words: list[tuple[str, ...]] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    backoff: list[float] = field(default_factory=list)


def read_arpa(path: Path) -> dict[str, npt.NDArray]:
    """Return the arrays of `voice.decoding.ngram.NGram`.

    Raises:
        DataError: the file can't be read, a line is malformed (its number is named), or the order is above 3.
    """
    sections = _sections(path)
    names = [words[0] for words in sections[0].words]
    if missing := [mark for mark in MARKS if mark not in names]:
        raise DataError(f"{path}: no {' '.join(missing)} among the words", fix="make the model with sentence marks")
    words = [*MARKS, *(name for name in names if name not in MARKS)]
    index = {word: i for i, word in enumerate(words)}
    order = np.argsort([index[name] for name in names])
    bi_key = np.array([_key(path, ngram, index) for ngram in sections[1].words], np.int64)
    by = np.argsort(bi_key)
    bi_key = bi_key[by]
    context = np.array([_key(path, ngram[:2], index) for ngram in sections[2].words], np.int64)
    place = np.searchsorted(bi_key, context)
    if len(context) and (bi_key[np.minimum(place, len(bi_key) - 1)] != context).any():
        raise DataError(f"{path}: a trigram whose first two words are no bigram", fix="make the model again")
    last = np.array([_key(path, ngram[2:], index) for ngram in sections[2].words], np.int64)
    tri_key = place * len(words) + last
    third = np.argsort(tri_key)
    return {
        "words": np.frombuffer("".join(f"{word}\n" for word in words).encode(), np.uint8),
        "uni_score": np.asarray(sections[0].score, np.float32)[order],
        "uni_backoff": np.asarray(sections[0].backoff, np.float32)[order],
        "bi_key": bi_key,
        "bi_score": np.asarray(sections[1].score, np.float16)[by],
        "bi_backoff": np.asarray(sections[1].backoff, np.float16)[by],
        "tri_key": tri_key[third],
        "tri_score": np.asarray(sections[2].score, np.float16)[third],
    }


def write_arpa(path: Path, arrays: dict[str, npt.NDArray]) -> None:
    """Write a model as ARPA text.

    Raises:
        DataError: the disk refuses.
    """
    words = bytes(arrays["words"]).decode().split("\n")[:-1]
    v, bi_key, tri_key = len(words), arrays["bi_key"], arrays["tri_key"]
    pair = [(words[key // v], words[key % v]) for key in bi_key.tolist()]
    triple = [(*pair[key // v], words[key % v]) for key in tri_key.tolist()]
    grams = ([(word,) for word in words], pair, triple)
    try:
        with path.open("w", encoding="utf-8") as out:
            out.write("\\data\\\n" + "".join(f"ngram {n}={len(gram)}\n" for n, gram in enumerate(grams, 1)))
            for n, (gram, name) in enumerate(zip(grams, ("uni", "bi", "tri"), strict=True), 1):
                backoff = arrays.get(f"{name}_backoff")
                out.write(f"\n\\{n}-grams:\n")
                for i, text in enumerate(gram):
                    tail = "" if backoff is None else f"\t{float(backoff[i]) / _NEPER:.6f}"
                    out.write(f"{float(arrays[f'{name}_score'][i]) / _NEPER:.6f}\t{' '.join(text)}{tail}\n")
            out.write("\n\\end\\\n")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space or choose another place") from error


def _sections(path: Path) -> list[_Section]:
    sections = [_Section() for _ in range(_ORDERS)]
    n = 0
    ended = False
    for number, line in _lines(path):
        if line.startswith("\\"):
            ended = line == "\\end\\"
            n = int(line[1]) if line.endswith("-grams:") and line[1].isdigit() else 0
            if n > _ORDERS:
                raise DataError(
                    f"{path} line {number}: {n}-grams; at most {_ORDERS} are read", fix="make a trigram model"
                )
        elif n:
            _add(sections[n - 1], line, n, f"{path} line {number}")
    if not ended or not sections[0].words:
        raise DataError(f"{path}: not a whole ARPA file (no \\end\\)", fix="make the model again")
    return sections


def _add(section: _Section, line: str, n: int, where: str) -> None:
    fields = line.split()
    try:
        if len(fields) not in (n + 1, n + 2):
            raise ValueError(f"{len(fields)} fields")
        score, backoff = float(fields[0]), float(fields[n + 1]) if len(fields) == n + 2 else 0.0
    except ValueError as error:
        raise DataError(f"{where}: not a {n}-gram with its logarithm ({error})", fix="correct the line") from error
    section.words.append(tuple(fields[1 : n + 1]))
    section.score.append(max(score, log10(1e-30)) * _NEPER)
    section.backoff.append(backoff * _NEPER)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}", fix="check the path") from error


def _key(path: Path, ngram: tuple[str, ...], index: dict[str, int]) -> int:
    """Return the words as one number in base V."""
    key = 0
    for word in ngram:
        if word not in index:
            raise DataError(f"{path}: {word!r} stands in an n-gram and not among the words", fix="make the model again")
        key = key * len(index) + index[word]
    return key
