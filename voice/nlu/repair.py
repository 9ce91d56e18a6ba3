"""Text that is nearly a sentence: misspelt, misheard, split or joined words, and words that say nothing.

Only words that the grammar doesn't know are changed, to words that it knows, by few edits or where they sound alike.
What could turn a command around is never changed (`voice.nlu.polarity`).
"""

from collections.abc import Iterable, Iterator

from voice.nlu.chart import Alternative, Lattice
from voice.nlu.polarity import may_become
from voice.nlu.words import Words
from voice.text import edit_distance

MAX_COST = 0.5
"""Dearest repair of a sentence; its confidence is one less the cost."""
_JOIN = 0.1
_FILLER = 0.05
_FILLERS = frozenset("um uh er erm ah oh hmm please just kindly okay ok well so hey the a an my our".split())
_SOUNDS = tuple(
    pair.split("=")
    for pair in "ph=f ght=t gh= kn=n wr=r wh=w ck=k tch=x ch=x sh=x th=0 ce=se ci=si cy=sy c=k q=k z=s dge=j".split()
)


class Vocabulary:
    """The words that a grammar knows, found by what they look and sound like.

    Args:
        words: all of them.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self._near: dict[str, list[str]] = {}
        self._alike: dict[str, list[str]] = {}

    def prepare(self) -> None:
        """Index the words; done with the first word that needs it otherwise."""
        near: dict[str, list[str]] = {}
        alike: dict[str, list[str]] = {}
        for word in sorted(self.words):
            for form in _shortened(word):
                near.setdefault(form, []).append(word)
            alike.setdefault(sound(word), []).append(word)
        self._near, self._alike = near, alike

    def near(self, said: str) -> dict[str, float]:
        """Return what an unknown word may be taken for, and the cost of each."""
        if not self._near:
            self.prepare()
        found: dict[str, float] = {}
        for word in {word for form in _shortened(said) for word in self._near.get(form, ())}:
            edits = _edits(said, word)
            if _is_near(said, word, edits) and may_become(said, word):
                found[word] = edits / len(word)
        for word in self._alike.get(sound(said), ()) if len(sound(said)) > 1 else ():
            edits = _edits(said, word)
            if edits <= 3 and said[0] == word[0] and may_become(said, word):
                found[word] = min(found.get(word, 1.0), edits / len(word) / 2)
        return found

    def lattice(self, words: Words, skip: list[tuple[str, ...]]) -> Lattice | None:
        """Return words with what each may be taken for; None where nothing can be mended or too much had to be."""
        plain = Lattice.of(words, skip)
        rows, unknown = [], 0
        for i, word in enumerate(words.words):
            more = list(self._alternatives(words.words, i))
            rows.append((*plain.at[i], *more))
            unknown += word not in self.words and word not in _FILLERS
        mended = any(len(row) > len(base) for row, base in zip(rows, plain.at, strict=True))
        return Lattice(words, tuple(rows)) if mended and unknown * 2 <= len(rows) else None

    def _alternatives(self, words: tuple[str, ...], i: int) -> Iterator[Alternative]:
        word = words[i]
        if word in _FILLERS:
            yield Alternative((), i + 1, _FILLER)
        if i + 1 < len(words) and len(word) > 1 and len(words[i + 1]) > 1 and word + words[i + 1] in self.words:
            yield Alternative((word + words[i + 1],), i + 2, _JOIN)
        if word in self.words:
            return
        for meant, cost in self.near(word).items():
            yield Alternative((meant,), i + 1, cost)
        for cut in range(2, len(word) - 1):
            if word[:cut] in self.words and word[cut:] in self.words:
                yield Alternative((word[:cut], word[cut:]), i + 1, _JOIN)


def sound(word: str) -> str:
    """Return how a word sounds, roughly: consonants as English speaks them, vowels only at the beginning."""
    for letters, spoken in _SOUNDS:
        word = word.replace(letters, spoken)
    kept: list[str] = []
    for i, letter in enumerate(word):
        spoken = "a" if letter in "aeiouy" and i == 0 else "" if letter in "aeiouyhw'" else letter
        if spoken and (not kept or kept[-1] != spoken):
            kept.append(spoken)
    return "".join(kept)


def _is_near(said: str, word: str, edits: int) -> bool:
    """Return whether so few edits are a slip: one in four letters if none is replaced, one in five, two in eight."""
    shorter = min(len(said), len(word))
    if edits == 1:
        return shorter >= 5 or (shorter >= 3 and max(len(said), len(word)) >= 4 and len(said) != len(word))
    return edits == 2 and shorter >= 8


def _edits(said: str, word: str) -> int:
    """Return the edit distance, where two letters in the wrong order are one edit."""
    if len(said) == len(word) and sorted(said) == sorted(word):
        differ = [i for i, (a, b) in enumerate(zip(said, word, strict=True)) if a != b]
        if len(differ) == 2 and differ[1] == differ[0] + 1:
            return 1
    return edit_distance(said, word)


def _shortened(word: str) -> set[str]:
    """Return a word, and what is left of it without one letter."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}
