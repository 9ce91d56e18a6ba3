"""The language model between `asr-train lm` and a bundle: NAME.bin, and NAME.json that lists its texts."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from asr_training.bundles import Companion
from voice.decoding.inflections import made_of_known
from voice.decoding.lexicon import LexiconSettings
from voice.decoding.ngram import MARKS, NGram, read_arrays, write_arrays
from voice.decoding.phones import Phones, read_dictionary
from voice.decoding.pronounce import Pronunciations
from voice.decoding.trie import trie_of
from voice.errors import DataError
from voice.models.bundle import DataSource
from voice.text import ENGLISH_CHARACTERS


def write(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    sources: Sequence[DataSource],
    alphabet: Sequence[str] = ENGLISH_CHARACTERS,
    dictionary: Path | None = None,
) -> int:
    """Write n-grams with the trie of their words, and the list of the texts.

    Args:
        path: NAME.bin.
        arrays: of `NGram`.
        sources: the texts.
        alphabet: the acoustic model's labels, blank first; a word with another character can't be recognised.
        dictionary: how words are pronounced, where the labels are phones: in CMUdict's format, or NAME.bin that
            `asr-train lexicon` wrote, which knows every word; None: the labels are characters.

    Returns:
        How many of the words can be recognised.

    Raises:
        BundleError: the dictionary is a NAME.bin of something else.
        DataError: the disk refuses, or the dictionary can't be read.
    """
    model = NGram(arrays)
    labels = {label: i for i, label in enumerate(alphabet) if i}
    ways = _pronounced(dictionary) if dictionary else _as_written
    spelled = [
        (i, [labels[label] for label in spelling])
        for i, word in enumerate(model.words[len(MARKS) :], len(MARKS))
        for spelling in ways(word)
        if all(label in labels for label in spelling)
    ]
    trie = trie_of(spelled, model.unigrams)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, {**arrays, **trie.arrays()})
        record = json.dumps([source.model_dump() for source in sources], indent=1)
        path.with_suffix(".json").write_text(record + "\n", encoding="utf-8")
        return len({i for i, _ in spelled})
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", fix="free disk space or choose another place") from error


def read(path: Path) -> Companion:
    """Return what `write` wrote.

    Raises:
        DataError: it can't be read.
    """
    defaults = LexiconSettings()
    try:
        sources = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        record = {"weight": defaults.weight, "word_bonus": defaults.word_bonus, "data": sources}
        return Companion(path.read_bytes(), record)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}", fix="make it with `asr-train lm`") from error


def words_of(path: Path) -> tuple[str, ...]:
    """Return the words of a language model that `write` wrote.

    Raises:
        BundleError: it is none.
    """
    return NGram(read_arrays(path)).words[len(MARKS) :]


def _as_written(word: str) -> list[Sequence[str]]:
    return [word]


def _pronounced(dictionary: Path) -> Callable[[str], Sequence[Sequence[str]]]:
    """Return what gives all pronunciations of a word, and that of an inflection or a compound of words in there."""
    if dictionary.suffix == ".bin":
        return Pronunciations(dictionary).ways
    known = read_dictionary(dictionary)

    def look_up(word: str) -> list[Phones]:
        return known.get(word, [])

    return lambda word: look_up(word) or made_of_known(word, look_up)
