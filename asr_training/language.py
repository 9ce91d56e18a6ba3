"""The language model between `asr-train lm` and a bundle: NAME.bin, and NAME.json that lists its texts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from voice.decoding.lexicon import LexiconSettings
from voice.decoding.ngram import MARKS, NGram, write_arrays
from voice.decoding.trie import build_trie
from voice.errors import DataError
from voice.models.bundle import DataSource
from voice.text import ENGLISH_CHARACTERS


@dataclass(frozen=True, slots=True)
class Language:
    """A language model's file and what a bundle's manifest says of it."""

    data: bytes
    record: dict[str, Any]


def write(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    sources: Sequence[DataSource],
    alphabet: Sequence[str] = ENGLISH_CHARACTERS,
) -> None:
    """Write n-grams with the trie of their words, and the list of the texts.

    Args:
        path: NAME.bin.
        arrays: of `NGram`.
        sources: the texts.
        alphabet: the acoustic model's labels, blank first; a word with another character can't be recognised.

    Raises:
        DataError: the disk refuses.
    """
    model = NGram(arrays)
    labels = {label: i for i, label in enumerate(alphabet) if i}
    trie = build_trie(model.words, model.unigrams, labels, len(MARKS))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, {**arrays, **trie.arrays()})
        record = json.dumps([source.model_dump() for source in sources], indent=1)
        path.with_suffix(".json").write_text(record + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space or choose another place") from error


def read(path: Path) -> Language:
    """Return what `write` wrote.

    Raises:
        DataError: it can't be read.
    """
    defaults = LexiconSettings()
    try:
        sources = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        record = {"weight": defaults.weight, "word_bonus": defaults.word_bonus, "data": sources}
        return Language(path.read_bytes(), record)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}", fix="make it with `asr-train lm`") from error
