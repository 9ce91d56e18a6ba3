"""From written text to words, and back to what stood there: "Set it to 72.5°" is set it to seventy two point five."""

import re
from dataclasses import dataclass
from functools import lru_cache

from voice.text import normalise

_CHUNK = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words."""

    original: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """First character and one past the last of what each word stands for in `original`."""

    def raw(self, start: int, end: int) -> str:
        """Return what words `start` to `end` stand for, as written, without punctuation around."""
        if start >= end:
            return ""
        text = self.original[self.spans[start][0] : self.spans[end - 1][1]]
        return text.strip(' \t\n.,;:!?"')


@lru_cache(maxsize=16384)
def plain(text: str) -> str:
    """Return normalised text."""
    return normalise(text)


def words_of_text(text: str) -> Words:
    """Return the words of `text` and where each came from."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in _CHUNK.finditer(text):
        found = plain(match.group()).split()
        words += found
        spans += [match.span()] * len(found)
    return Words(text, tuple(words), tuple(spans))
