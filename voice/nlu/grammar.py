"""The compiled sentences: parses text, gives the decoding graph, and says what a decoded sentence means."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from voice.decoding.graph import Graph
from voice.decoding.speller import LETTERS, Speller, spelled
from voice.errors import GrammarError
from voice.events import Intent, Slot
from voice.nlu.acceptor import Acceptor, ListSymbol, Spelling, Symbol, acceptor_of, graph_of, spelling_of
from voice.nlu.alike import ByLabels, Reader, by_labels
from voice.nlu.chart import Allowed, Chart, Filled, Lattice, Parse
from voice.nlu.model import Context, ListValues, Policy, SkillSentences, Wildcard
from voice.nlu.network import Network, network_of, spellings
from voice.nlu.polarity import DENYING, rivals
from voice.nlu.repair import Vocabulary
from voice.nlu.values import Entry, Trie, entries_of, meets, trie_of
from voice.nlu.words import Words, plain, words_of_text

NAME_SLOT = "name"
"""The slot for which a value is preferred to words of a template, as in Home Assistant."""
_FILTERS = 16  # graphs kept for different filters


class Grammar:
    """Compiled sentences. Immutable: `with_lists` returns another one that shares what did not change.

    Args:
        sentences: what can be said.
        wake_words: phrases that may stand before a spoken sentence.

    Raises:
        GrammarError: a template or list is wrong; names it.
    """

    def __init__(self, sentences: SkillSentences, wake_words: Iterable[str] = ()) -> None:
        self._set(sentences, tuple(wake_words), network_of(sentences))
        for place in self.network.places:
            if not place.is_wild:
                self.entries(place.values)

    def _set(self, sentences: SkillSentences, wake_words: tuple[str, ...], network: Network) -> None:
        self.sentences = sentences
        self.network = network
        self._wake_words = wake_words
        self._acceptors: dict[frozenset[str] | None, Acceptor] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._facts: dict[str, frozenset[str]] = {}
        self._limits: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._spelt: dict[tuple[ListSymbol, Speller], Spelling] = {}
        self._alike: dict[tuple[ListSymbol, Speller], ByLabels] = {}
        self._readers: dict[tuple[frozenset[str] | None, Speller], Reader] = {}
        self._tries: dict[tuple[str, str, str], Trie] = {}
        self._vocabulary: Vocabulary | None = None
        self._graphs: dict[tuple[frozenset[str] | None, Speller], Graph] = {}
        self._skip = [tuple(plain(phrase).split()) for phrase in sentences.skip_words]
        self._skip = sorted((phrase for phrase in self._skip if phrase), key=len, reverse=True)

    @property
    def intents(self) -> tuple[str, ...]:
        """The names of all intents."""
        return self.sentences.names

    def with_lists(self, lists: Mapping[str, ListValues]) -> "Grammar":
        """Return the same sentences over other values of some lists; nothing else is compiled again.

        Args:
            lists: the new values, in full, by the name of a list that the sentences use.

        Raises:
            GrammarError: there is no such list, or it can't be changed.
        """
        for name, values in lists.items():
            if name not in self.sentences.lists:
                known = ", ".join(sorted(self.sentences.lists)) or "none"
                raise GrammarError(f"no list {name!r} to change", fix=f"lists are: {known}")
            if isinstance(values, Wildcard) != isinstance(self.sentences.lists[name], Wildcard):
                raise GrammarError(f"list {name!r} is a wildcard, or is made one", fix="change lists of values only")
        new = object.__new__(Grammar)
        new._set(self.sentences.with_lists(lists), self._wake_words, self.network)
        new._entries = {name: found for name, found in self._entries.items() if name not in lists}
        new._spelt = {key: found for key, found in self._spelt.items() if key[0][0] not in lists}
        new._alike = {key: found for key, found in self._alike.items() if key[0][0] not in lists}
        new._tries = {key: trie for key, trie in self._tries.items() if key[0] not in lists}
        if all(new._facts_of(name) == self._facts_of(name) for name in lists):
            new._acceptors, new._limits = self._acceptors.copy(), self._limits.copy()
        return new

    # ---- text --------------------------------------------------------------------------------------------------

    def parses(
        self,
        lattice: Lattice,
        intent_filter: Sequence[str] | None = None,
        context: Context | None = None,
        *,
        wild: bool = True,
    ) -> list[Parse]:
        """Return every way in which words are a sentence, best first."""
        chart = Chart(self.network, self._trie)
        found = chart.parses(lattice, self._allowed(intent_filter), context or {})
        kept = (parse for parse in found if wild or not any(f.is_wild for f in parse.filled))
        return sorted(kept, key=lambda parse: parse.rank(NAME_SLOT))

    def lattice(self, text: str) -> Lattice:
        """Return the words of a text, taken as they are."""
        return Lattice.of(words_of_text(text), self._skip)

    def near_lattice(self, text: str) -> Lattice | None:
        """Return the words of a text and what they may be taken for; None where it can't be mended."""
        return self.vocabulary.lattice(words_of_text(text), self._skip)

    def prepare(self) -> None:
        """Compile what text needs now, instead of with the first sentence."""
        for row in self.network.uses:
            for before, index, behind in row:
                if not self.network.places[index].is_wild:
                    self._trie(self.network.places[index].values, before, behind)
        self.vocabulary.prepare()

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of all sentences, collected when first needed."""
        if self._vocabulary is None:
            words = {word for row in self.network.words for word in row}
            for name in {place.values for place in self.network.places if not place.is_wild}:
                words |= {word for entry in self.entries(name) for word in entry.words}
            words |= {word for phrase in self._skip for word in phrase}
            self._vocabulary = Vocabulary(words)
        return self._vocabulary

    def read(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Context | None = None
    ) -> Intent | None:
        """Return what a text means that is a sentence word by word; None for any other."""
        lattice = self.lattice(text)
        found = self.parses(lattice, intent_filter, context)
        return self.intent(found[0], lattice.words) if found else None

    def intent(self, parse: Parse, words: Words, confidence: float = 1.0) -> Intent:
        """Return a parse as an intent over the words' text."""
        text = " ".join(words.words)
        starts = [0]
        for word in words.words:
            starts.append(starts[-1] + len(word) + 1)
        slots = [_slot(filled, words, text, starts) for filled in parse.filled]
        slots += [Slot(name, value, str(value)) for name, value in parse.fixed.items()]
        name = parse.template.block.intent
        return Intent(name, tuple(slots), text, confidence, "text", dangerous=self.policy(name).dangerous)

    def opposed(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Context | None = None
    ) -> list[tuple[str, bool]]:
        """Return the sentences that one other word turns around, and whether `text` swallows a syllable of it."""
        words, known = text.split(), self.vocabulary.words
        others = [
            (" ".join([*words[:i], other, *words[i + 1 :]]), other.endswith(word))
            for i, word in enumerate(words)
            for other in rivals(word)
            if other in known
        ]
        meant = _meaning(self.read(text, intent_filter, context)) if others else None
        meanings = ((other, _meaning(self.read(other[0], intent_filter, context))) for other in others)
        return [other for other, meaning in meanings if meaning and meaning != meant]

    def policy(self, intent: str) -> Policy:
        """Return how sure an intent must be, and whether it is asked back."""
        return self.sentences.policies.get(intent, _ANY)

    def minimum(self, intent: str) -> float:
        """Return the least confidence that an intent must have."""
        return self.policy(intent).min_confidence

    # ---- speech ------------------------------------------------------------------------------------------------

    def graph(self, intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS) -> Graph:
        """Return the decoding graph of some intents (None: of all); the last ones are kept."""
        key = (None if intent_filter is None else frozenset(intent_filter), speller)
        if key not in self._graphs:
            if len(self._graphs) >= _FILTERS:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[key] = graph_of(
                self.acceptor(intent_filter),
                partial(self._spelling, speller=speller),
                speller,
                self._wake_words,
                map(" ".join, self._skip),
                DENYING,
            )
        return self._graphs[key]

    def texts(
        self, labels: Sequence[str], intent_filter: Sequence[str] | None = None, speller: Speller = LETTERS
    ) -> Iterable[str]:
        """Return the sentences that labels of a path through the graph may be: several where words sound alike."""
        if speller.separator:
            return ["".join(labels)]
        key = (None if intent_filter is None else frozenset(intent_filter), speller)
        if key not in self._readers:
            if len(self._readers) >= _FILTERS:
                self._readers.pop(next(iter(self._readers)))
            acceptor = self.acceptor(intent_filter)
            self._readers[key] = Reader(
                acceptor, speller, self._skip, lambda symbol: self._words_alike(symbol, speller)
            )
        return self._readers[key].texts(labels)

    def acceptor(self, intent_filter: Sequence[str] | None = None) -> Acceptor:
        """Return the automaton behind the decoding graph."""
        key = None if intent_filter is None else frozenset(intent_filter)
        if key not in self._acceptors:
            if len(self._acceptors) >= _FILTERS:
                self._acceptors.pop(next(iter(self._acceptors)))
            self._acceptors[key] = acceptor_of(self.network, self._allowed(intent_filter), self._symbols)
        return self._acceptors[key]

    def _allowed(self, intent_filter: Sequence[str] | None) -> Allowed:
        if intent_filter is None:
            return lambda template: True
        names = frozenset(intent_filter)
        allowed = [template.block.intent in names for template in self.network.templates]
        return allowed.__getitem__

    def _symbols(self, template: int, place: tuple[str, int, str]) -> list[Symbol]:
        """Return a list's symbols: its values without facts, and those whose facts the template allows."""
        before, index, behind = place
        name = self.network.places[index].values
        keys = self._facts_of(name)
        symbols: list[Symbol] = [(name, before, behind, _PLAIN)]
        if keys:
            block = self.network.templates[template].block
            requires = {key: value for key, value in block.requires.items() if key in keys}
            excludes = {key: value for key, value in block.excludes.items() if key in keys}
            limits = repr((sorted(requires.items()), sorted(excludes.items())))
            self._limits[limits] = (requires, excludes)
            symbols.append((name, before, behind, limits))
        return symbols

    def _spelling(self, symbol: ListSymbol, speller: Speller) -> Spelling:
        key = (symbol, speller)
        if key not in self._spelt:
            if speller.separator:
                ways: Iterable[Sequence[str]] = (
                    way for words in self._forms(symbol) for way in spelled(words, speller)
                )
            else:
                ways = self._words_alike(symbol, speller)
            self._spelt[key] = spelling_of(ways)
        return self._spelt[key]

    def _words_alike(self, symbol: ListSymbol, speller: Speller) -> ByLabels:
        """Return a list's values by the labels that they may be."""
        key = (symbol, speller)
        if key not in self._alike:
            self._alike[key] = by_labels(self._forms(symbol), speller)
        return self._alike[key]

    def _forms(self, symbol: ListSymbol) -> Iterator[tuple[str, ...]]:
        """Yield the words of a list's values, with the letters that are glued to them."""
        name, before, behind, limits = symbol
        if limits == _PLAIN:
            entries = [entry for entry in self.entries(name) if not entry.context]
        else:
            requires, excludes = self._limits[limits]
            found = (entry for entry in self.entries(name) if entry.context)
            entries = [entry for entry in found if meets(requires, excludes, entry.context, partly=True)]
        for entry in entries:
            yield tuple(f"{before}{' '.join(entry.words)}{behind}".split(" "))

    # ---- lists -------------------------------------------------------------------------------------------------

    def _values_of(self, name: str) -> ListValues:
        return self.network.local[name] if name in self.network.local else self.sentences.lists[name]

    def entries(self, name: str) -> list[Entry]:
        """Return the spoken forms of a list."""
        if name not in self._entries:
            where = f"list {name.partition('@')[0]!r}"
            self._entries[name] = entries_of(
                self._values_of(name), lambda text: spellings(text, self.sentences, where), where
            )
        return self._entries[name]

    def _facts_of(self, name: str) -> frozenset[str]:
        """Return the keys of the facts that a list's values bring along."""
        if name not in self._facts:
            self._facts[name] = frozenset(key for entry in self.entries(name) for key in entry.context)
        return self._facts[name]

    def _trie(self, name: str, before: str, behind: str) -> Trie:
        key = (name, before, behind)
        if key not in self._tries:
            self._tries[key] = trie_of(self.entries(name), before, behind)
        return self._tries[key]


_ANY = Policy()
_PLAIN = ""  # the limits of values without facts


def _meaning(intent: Intent | None) -> tuple[str, str] | None:
    return (intent.name, repr(sorted((slot.name, repr(slot.value)) for slot in intent.slots))) if intent else None


def _slot(filled: Filled, words: Words, text: str, starts: list[int]) -> Slot:
    start, end = starts[filled.start], starts[filled.end] - 1
    raw = text[start:end]
    value = words.raw(filled.start, filled.end) if filled.value is None else filled.value
    confidence = max(0.0, 1.0 - filled.cost)
    return Slot(filled.slot, value, raw, filled.entity, start, end, confidence)
