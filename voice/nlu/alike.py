"""From the phones of a path through the decoding graph back to words: what a sentence said so may be.

A path through the graph of pronunciations fixes the sounds, not the words: "for two" and "four to" are said alike. The
same automaton that the graph was made of is walked again, with each word's and each list value's labels for its arcs,
and every sentence found is offered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from voice.decoding.speller import Speller, spelled
from voice.nlu.acceptor import Acceptor, ListSymbol

Labels = tuple[str, ...]
Words = tuple[str, ...]
ByLabels = Mapping[Labels, Sequence[Words]]
"""What may be meant by labels."""


def by_labels(phrases: Iterable[Words], speller: Speller) -> ByLabels:
    """Return phrases by the labels that they may be, in the order of the phrases."""
    found: dict[Labels, list[Words]] = {}
    for words in phrases:
        for way in spelled(words, speller):
            found.setdefault(way, []).append(words)
    return found


class Reader:
    """Reads labels as sentences of an acceptor.

    Args:
        acceptor: the sentences.
        speller: what labels words are.
        skip: phrases of which one may stand at the beginning and one at the end.
        values: a list's values by their labels.
    """

    def __init__(
        self,
        acceptor: Acceptor,
        speller: Speller,
        skip: Iterable[Words],
        values: Callable[[ListSymbol], ByLabels],
    ) -> None:
        self._acceptor = acceptor
        self._speller = speller
        self._skip = by_labels(skip, speller)
        self._values = values
        self._words: dict[int, ByLabels] = {}

    def texts(self, labels: Sequence[str]) -> Iterator[str]:
        """Yield the different sentences that are said so, with single spaces."""
        labels = tuple(labels)
        failed: set[tuple[int, int]] = set()
        seen: set[str] = set()
        starts = [(0, ()), *self._from(self._skip, labels, 0)]
        for at, polite in starts:
            for words in self._walk(labels, 0, at, failed):
                text = " ".join((*polite, *words))
                if text not in seen:
                    seen.add(text)
                    yield text

    def _walk(self, labels: Labels, state: int, at: int, failed: set[tuple[int, int]]) -> Iterator[Words]:
        """Yield the words from a state on that labels from a place on may be."""
        if (state, at) in failed:
            return
        found = False
        if state in self._acceptor.finals:
            for polite in [(), *self._skip.get(labels[at:], ())] if at < len(labels) else [()]:
                if polite or at == len(labels):
                    found = True
                    yield polite
        for reached, end, words in self._onward(labels, state, at):
            for rest in self._walk(labels, reached, end, failed):
                found = True
                yield (*words, *rest)
        if not found:
            failed.add((state, at))

    def _onward(self, labels: Labels, state: int, at: int) -> Iterator[tuple[int, int, Words]]:
        """Yield each arc that fits: the state and the place after it, and its words."""
        row = self._acceptor.arcs[state]
        if state not in self._words:
            own = ((word,) for word in row if isinstance(word, str))
            self._words[state] = by_labels(own, self._speller)
        for end, words in self._from(self._words[state], labels, at):
            yield row[words[0]], end, words
        for symbol, target in row.items():
            if not isinstance(symbol, str):
                for end, words in self._from(self._values(symbol), labels, at):
                    yield target, end, words

    @staticmethod
    def _from(values: ByLabels, labels: Labels, at: int) -> Iterator[tuple[int, Words]]:
        """Yield what begins at a place: the place after it, and its words."""
        for end in range(at + 1, len(labels) + 1):
            for words in values.get(labels[at:end], ()):
                yield end, words
