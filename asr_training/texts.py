"""What a language model is made from: text files and the transcripts of corpora."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from asr_training.lines import read_lines
from asr_training.manifest import corpora, read_manifest
from voice.errors import DataError
from voice.models.bundle import DataSource
from voice.text import ENGLISH_CHARACTERS, normalise

_KNOWN = {
    "books": (
        "public domain in the US",
        "477 books by way of mlschmitt/classic-books-markdown, listed in the data pack",
    ),
    "assistant": (
        "CC BY 4.0, CC BY 3.0, CC0 1.0",
        "Snips NLU (CC0), CLINC OOS (S. Larson et al. 2019, CC BY 3.0), SLURP (E. Bastianelli et al. 2020, CC BY 4.0), "
        "Home Assistant intents (CC BY 4.0)",
    ),
}


@dataclass
class Texts:
    """Normalised sentences and where they come from."""

    sentences: list[str] = field(default_factory=list)
    sources: list[DataSource] = field(default_factory=list)

    def add(self, name: str, sentences: list[str], licence: str, attribution: str, alphabet: Collection[str]) -> None:
        """Append a source."""
        kept = [text for sentence in sentences if (text := normalise(sentence, alphabet))]
        self.sentences += kept
        self.sources.append(DataSource(name=name, licence=licence, attribution=attribution, clips=len(kept)))


def read_texts(
    files: list[Path],
    data: list[Path],
    *,
    without: tuple[str, ...] = (),
    alphabet: Collection[str] = ENGLISH_CHARACTERS,
) -> Texts:
    """Return the sentences of text files and of the train splits of corpora.

    Args:
        files: a sentence a line; in a `.tsv` what follows the last tabulator.
        data: folders with corpora.
        without: names of corpora to leave out.
        alphabet: characters that may stay.

    Raises:
        DataError: a file can't be read, or nothing was found.
    """
    texts = Texts()
    for path in files:
        licence, attribution = _KNOWN.get(path.stem, ("unknown", "see the text"))
        texts.add(path.stem, [line.rpartition("\t")[2] for line in read_lines(path)], licence, attribution, alphabet)
    for folder in (folder for root in data for folder in corpora(root) if folder.name not in without):
        train = [u for u in read_manifest(folder) if u.text and (u.split or "train") == "train"]
        if train:
            texts.add(
                folder.name, [u.text or "" for u in train], train[0].licence, "transcripts of the corpus", alphabet
            )
    if not texts.sentences:
        raise DataError("no sentence for a language model", fix="give --text or --data")
    return texts
