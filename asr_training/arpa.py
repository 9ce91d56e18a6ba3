"""The ARPA text format of back-off n-grams, as SRILM and KenLM write it: read up to order 4, and written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite, log, log10
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice.decoding.ngram import MARKS, ORDERS
from voice.errors import DataError

_NEPER = log(10)  # ARPA's logarithms are decimal


@dataclass
class _Section:
    """The n-grams of one order."""

    words: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """The line of each."""
    score: list[float] = field(default_factory=list)
    backoff: list[float] = field(default_factory=list)


def read_arpa(path: Path) -> dict[str, npt.NDArray]:
    """Return the arrays of `voice.decoding.ngram.NGram`.

    Raises:
        DataError: the file can't be read, a line is wrong (its number is named), or the order is not 2 to 4.
    """
    sections = _sections(path)
    names = [words[0] for words in sections[0].words]
    if missing := [mark for mark in MARKS if mark not in names]:
        raise DataError(f"{path}: no {' '.join(missing)} among the words", fix="make the model with sentence marks")
    words = [*MARKS, *(name for name in names if name not in MARKS)]
    index = {word: i for i, word in enumerate(words)}
    arrays: dict[str, npt.NDArray] = {"words": np.frombuffer("".join(f"{w}\n" for w in words).encode(), np.uint8)}
    place: dict[tuple[str, ...], int] = {}
    for n, (name, section) in enumerate(zip(ORDERS, sections, strict=False)):
        keys = np.array(_keys(path, section, index, place if n > 1 else None), np.int64)
        order = np.argsort(keys, kind="stable")
        if len(twice := np.flatnonzero(np.diff(keys[order]) == 0)):
            line = section.lines[int(order[twice[0] + 1])]
            raise DataError(f"{path} line {line}: an n-gram that stands there twice", fix="delete the line")
        precision = np.float16 if n else np.float32
        if n:
            arrays[f"{name}_key"] = keys[order]
            place = {section.words[i]: at for at, i in enumerate(order.tolist())}
        arrays[f"{name}_score"] = np.asarray(section.score, precision)[order]
        if n + 1 < len(sections):
            arrays[f"{name}_backoff"] = np.asarray(section.backoff, precision)[order]
    return arrays


def write_arpa(path: Path, arrays: dict[str, npt.NDArray]) -> None:
    """Write a model as ARPA text.

    Raises:
        DataError: the disk refuses.
    """
    words = bytes(arrays["words"]).decode().split("\n")[:-1]
    names = [name for name in ORDERS if f"{name}_score" in arrays]
    grams = [[(word,) for word in words]]
    for name in names[1:]:
        pairs = [divmod(key, len(words)) for key in arrays[f"{name}_key"].tolist()]
        grams.append([(*grams[-1][context], words[last]) for context, last in pairs])
    try:
        with path.open("w", encoding="utf-8") as out:
            out.write("\\data\\\n" + "".join(f"ngram {n}={len(gram)}\n" for n, gram in enumerate(grams, 1)))
            for n, (gram, name) in enumerate(zip(grams, names, strict=True), 1):
                backoff = arrays.get(f"{name}_backoff")
                out.write(f"\n\\{n}-grams:\n")
                for i, text in enumerate(gram):
                    tail = "" if backoff is None else f"\t{float(backoff[i]) / _NEPER:.6f}"
                    out.write(f"{float(arrays[f'{name}_score'][i]) / _NEPER:.6f}\t{' '.join(text)}{tail}\n")
            out.write("\n\\end\\\n")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space or choose another place") from error


def _sections(path: Path) -> list[_Section]:
    sections = [_Section() for _ in ORDERS]
    promised: dict[int, int] = {}
    n = 0
    ended = False
    for number, line in _lines(path):
        where = f"{path} line {number}"
        if line.startswith("\\"):
            _count(path, sections, promised, n)
            ended = line == "\\end\\"
            n = int(line[1]) if line.endswith("-grams:") and line[1].isdigit() else 0
            if n > len(ORDERS):
                raise DataError(
                    f"{where}: {n}-grams; at most {len(ORDERS)} are read", fix="make a model of lower order"
                )
        elif n:
            _add(sections[n - 1], line, n, number, where)
        elif line.startswith("ngram "):
            promised |= _promise(line, where)
    if not ended or not sections[0].words:
        raise DataError(f"{path}: not a whole ARPA file (no \\end\\)", fix="make the model again")
    found = sections[: max(n for n, section in enumerate(sections, 1) if section.words)]
    return found if len(found) > 1 else sections[:2]


def _promise(line: str, where: str) -> dict[int, int]:
    """Return the order and the number of n-grams that a line of the head promises."""
    try:
        order, _, count = line.removeprefix("ngram ").partition("=")
        return {int(order): int(count)}
    except ValueError as error:
        raise DataError(f"{where}: not `ngram ORDER=COUNT`", fix="correct the line") from error


def _count(path: Path, sections: list[_Section], promised: dict[int, int], n: int) -> None:
    """Check that a section has as many lines as the head promised."""
    if n and n in promised and len(sections[n - 1].words) != promised[n]:
        last = sections[n - 1].lines[-1] if sections[n - 1].lines else "?"
        raise DataError(
            f"{path} line {last}: {len(sections[n - 1].words)} {n}-grams, the head promises {promised[n]}",
            fix="the file was cut or altered; make the model again",
        )


def _add(section: _Section, line: str, n: int, number: int, where: str) -> None:
    fields = line.split()
    try:
        if len(fields) not in (n + 1, n + 2):
            raise ValueError(f"{len(fields)} fields")
        score, backoff = float(fields[0]), float(fields[n + 1]) if len(fields) == n + 2 else 0.0
        if not score <= 1e-6 or not isfinite(backoff):
            raise ValueError("a logarithm above 0")
    except ValueError as error:
        raise DataError(f"{where}: not a {n}-gram with its logarithm ({error})", fix="correct the line") from error
    section.words.append(tuple(fields[1 : n + 1]))
    section.lines.append(number)
    section.score.append(max(score, log10(1e-30)) * _NEPER)
    section.backoff.append(backoff * _NEPER)


def _keys(path: Path, section: _Section, index: dict[str, int], place: dict[tuple[str, ...], int] | None) -> list[int]:
    """Return each n-gram's key: its context's place times the number of words, plus its last word."""
    keys = []
    for ngram, line in zip(section.words, section.lines, strict=True):
        if stranger := next((word for word in ngram if word not in index), None):
            raise DataError(
                f"{path} line {line}: {stranger!r} stands in an n-gram and not among the words",
                fix="make the model again",
            )
        context = 0
        if len(ngram) > 1:
            known = index.get(ngram[0]) if place is None else place.get(ngram[:-1])
            if known is None:
                raise DataError(f"{path} line {line}: {' '.join(ngram[:-1])!r} is no n-gram itself", fix="add it")
            context = known
        keys.append(context * len(index) + index[ngram[-1]])
    return keys


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}", fix="check the path") from error
