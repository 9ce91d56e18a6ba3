"""A small dictionary of regular words, and the file of pronunciations made from it."""

from itertools import product
from pathlib import Path

from asr_training.g2p import GraphoneSizes, learn
from voice.decoding.ngram import write_arrays
from voice.decoding.phones import Phones
from voice.decoding.pronounce import dictionary_arrays

_HEADS = {"b": "B", "d": "D", "f": "F", "k": "K", "l": "L", "m": "M", "p": "P", "s": "S", "sh": "SH", "t": "T"}
_HEARTS = {"a": "AE", "e": "EH", "i": "IH", "o": "AA", "ee": "IY"}
_TAILS = {"n": "N", "t": "T", "x": "K S", "ck": "K", "p": "P"}


def regular_words() -> dict[str, list[Phones]]:
    """Return 250 words of one syllable, said as they are spelt, and some with a story of their own."""
    words = {
        "".join(letters): [tuple(" ".join(phones).split())]
        for parts in product(_HEADS.items(), _HEARTS.items(), _TAILS.items())
        for letters, phones in [zip(*parts, strict=True)]
    }
    extra = {"tomato": "T AH M EY T OW|T AH M AA T OW", "light": "L AY T", "house": "HH AW S", "a": "AH|EY"}
    return words | {word: [tuple(way.split()) for way in ways.split("|")] for word, ways in extra.items()}


def write_pronunciations(path: Path, without: frozenset[str] = frozenset(), **extra: str) -> Path:
    """Write the file over all regular words but some.

    Args:
        path: NAME.bin.
        without: words to leave out.
        extra: further words and their phones.
    """
    words = {word: ways for word, ways in regular_words().items() if word not in without}
    words |= {word: [tuple(phones.split())] for word, phones in extra.items()}
    spoken = [(word, way) for word in sorted(words) for way in words[word]]
    write_arrays(path, {**dictionary_arrays(words), **learn(spoken, GraphoneSizes(order=4))})
    return path


def write_dictionary(path: Path) -> Path:
    """Write all regular words in CMUdict's format."""
    entries = [(word, i, way) for word, ways in regular_words().items() for i, way in enumerate(ways, 1)]
    lines = (f"{word}{f'({i})' if i > 1 else ''} {' '.join(way)}" for word, i, way in entries)
    path.write_text("\n".join(lines) + "\n")
    return path
