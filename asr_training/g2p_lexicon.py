"""The pronunciations between `asr-train lexicon` and a bundle: NAME.bin, and NAME.json with sources and figures.

How good they are is measured on words that a second model, made alike, has not seen.
"""

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from asr_training.bundles import Companion
from asr_training.g2p import DEFAULT_SIZES, GraphoneSizes, Spoken, learn
from asr_training.scoring import aligned
from voice.decoding.ngram import read_arrays, write_arrays
from voice.decoding.phones import Phones, installed_dictionary, read_dictionary
from voice.decoding.pronounce import Pronunciations, dictionary_arrays
from voice.errors import DataError
from voice.models.bundle import DataSource

Dictionary = Mapping[str, list[Phones]]

_WORD = re.compile("[a-z']*[a-z][a-z']*")
_HELD_OUT = 20  # one word of so many
_MOST_MEASURED = 5000
_CMUDICT = DataSource(
    name="CMUdict",
    licence="BSD-2-Clause-like, Copyright (C) 1993-2015 Carnegie Mellon University",
    attribution="The CMU Pronouncing Dictionary, Carnegie Mellon University; the copy in the pocketsphinx wheel",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """How words outside the dictionary are said, over held-out words of the dictionary."""

    phone_error_rate: float
    """Errors of the usual pronunciation against the nearest one of the dictionary, of its phones, %."""
    word_accuracy: float
    """Words whose usual pronunciation is one of the dictionary's, %."""
    any_accuracy: float
    """Words that have one of the dictionary's among all their pronunciations, %."""
    pronunciations: float
    """Of a word, on average."""
    n_words: int


def make(
    out: Path,
    dictionary: Path | None = None,
    *,
    sizes: GraphoneSizes = DEFAULT_SIZES,
    seed: int = 1,
    say: Callable[[str], None],
) -> Measured:
    """Write the pronunciations of a dictionary with a model for all other words, and measure them.

    Args:
        out: NAME.bin; NAME.json goes beside it.
        dictionary: in CMUdict's format; None: the one of the `pocketsphinx` wheel.
        sizes: of the model.
        seed: chooses the words that are held out.
        say: receives lines about what is done.

    Raises:
        DataError: there is no dictionary, it is too small, or the disk refuses.
    """
    path = dictionary or installed_dictionary()
    if path is None:
        raise DataError("there is no dictionary", fix="give --lexicon, or pip install pocketsphinx")
    words = {word: list(dict.fromkeys(ways)) for word, ways in read_dictionary(path).items() if _WORD.fullmatch(word)}
    say(f"{path.name}: {len(words)} words")
    measured = measure(words, sizes, seed)
    say(
        f"{measured.n_words} words held out: phone error rate {measured.phone_error_rate:.1f} %, "
        f"{measured.word_accuracy:.1f} % of the words right, {measured.any_accuracy:.1f} % with one of "
        f"{measured.pronunciations:.2f} pronunciations"
    )
    record = {
        "data": [_source(path).model_dump()],
        "words": len(words),
        "seed": seed,
        "sizes": asdict(sizes),
        "measured": asdict(measured),
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, words, sizes)
        out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out}: {error.strerror or error}", fix="free disk space or choose another place") from error
    say(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB")
    return measured


def measure(words: Dictionary, sizes: GraphoneSizes = DEFAULT_SIZES, seed: int = 1) -> Measured:
    """Return how well words are said that were held out.

    Args:
        words: the dictionary; one word in 20 of it is held out.
        sizes: of the model.
        seed: chooses them.

    Raises:
        DataError: the words are too few.
    """
    held_out = random.Random(seed).sample(sorted(words), len(words) // _HELD_OUT)  # noqa: S311 - no secret
    if not held_out:
        raise DataError("too few words for a model of pronunciations", fix="give a larger dictionary")
    hidden = set(held_out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lexicon.bin"
        _write(path, {word: ways for word, ways in words.items() if word not in hidden}, sizes)
        said, measured = Pronunciations(path), held_out[:_MOST_MEASURED]
        said.prepare(measured)
        rows = [(words[word], said.ways(word)) for word in measured]
    best = [min((_errors(way, ways[0]), len(way)) for way in known) for known, ways in rows]
    n = len(rows)
    return Measured(
        round(100 * sum(errors for errors, _ in best) / sum(length for _, length in best), 2),
        round(100 * sum(ways[0] in known for known, ways in rows) / n, 2),
        round(100 * sum(any(way in known for way in ways) for known, ways in rows) / n, 2),
        round(sum(len(ways) for _, ways in rows) / n, 3),
        n,
    )


def read(path: Path, beforehand: Iterable[str] = ()) -> Companion:
    """Return what `make` wrote.

    Args:
        path: NAME.bin.
        beforehand: words that are looked up at run time instead of being thought of there; those of the language model.

    Raises:
        BundleError: it is no file of pronunciations.
        DataError: it can't be read.
    """
    known = Pronunciations(path)
    try:
        sources = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["data"]
        return Companion(_with_words(path, known, beforehand), {"data": sources})
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}", fix="make it with `asr-train lexicon`") from error
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path.with_suffix('.json')}: {error}", fix="make it with `asr-train lexicon`") from error


def _with_words(path: Path, known: Pronunciations, beforehand: Iterable[str]) -> bytes:
    """Return the file with some more words in its dictionary, said as its model says them."""
    unknown = [word for word in beforehand if _WORD.fullmatch(word) and not known.known(word)]
    if not unknown:
        return path.read_bytes()
    known.prepare(unknown)
    new = {word: list(known.ways(word)) for word in unknown}
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / path.name
        write_arrays(longer, {**read_arrays(path), **dictionary_arrays(dict(known.words()) | new)})
        return longer.read_bytes()


def _write(path: Path, words: Dictionary, sizes: GraphoneSizes) -> None:
    spoken: list[Spoken] = [(word, way) for word in sorted(words) for way in words[word]]
    write_arrays(path, {**dictionary_arrays(words), **learn(spoken, sizes)})


def _source(path: Path) -> DataSource:
    """Return what a manifest says of a dictionary: CMUdict is known by its name."""
    if "cmudict" in path.name.lower():
        return _CMUDICT
    return DataSource(name=path.name, licence="see the dictionary", attribution="see the dictionary")


def _errors(reference: Sequence[str], said: Sequence[str]) -> int:
    return sum(one != other for one, other in aligned(reference, said))
