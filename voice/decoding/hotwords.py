"""Words and phrases that are likelier than a language model knows: names of rooms, of people, of songs.

The phrases are a trie of characters. A hypothesis is credited for each character along it and loses the credit where it
leaves it, so that a hot word is not pruned before its end (Zhao et al. 2019, "Shallow-fusion end-to-end contextual
biasing", section 3.2: biasing at each character with a way back).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voice.errors import ConfigError

NOWHERE = None
"""The state inside a word that begins no phrase."""

State = str | None
"""What has been said of phrases that may still be completed, since a word's beginning; `NOWHERE`."""


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    nats: float | None = None
    """Of the phrase that ends here."""
    credit: float = 0.0
    """Of the best phrase below, for the characters so far."""


class HotWords:
    """Bonuses of phrases.

    What a text gains is found from left to right, at each word the longest phrase, none twice.

    Args:
        phrases: nats for each, normalised text of one or more words.

    Raises:
        ConfigError: a phrase is empty, or not of single spaces.
    """

    def __init__(self, phrases: Mapping[str, float]) -> None:
        for phrase in phrases:
            if not phrase or " ".join(phrase.split()) != phrase:
                raise ConfigError(f"hot word {phrase!r}", fix="give words in lower case, single spaces between them")
        self.phrases = dict(phrases)
        self._root = _Node()
        for phrase, nats in phrases.items():
            node = self._root
            for i, character in enumerate(phrase, 1):
                node = node.children.setdefault(character, _Node())
                node.credit = max(node.credit, nats * i / len(phrase))
            node.nats = nats
        self._known: dict[tuple[str, str], tuple[float, State]] = {}

    def after(self, state: State, character: str) -> tuple[float, State]:
        """Return what is gained for good when a character follows, and the new state.

        Args:
            state: "" at the beginning of a text.
            character: a label; a space ends a word.
        """
        if state is NOWHERE:
            return 0.0, "" if character == " " else NOWHERE
        if (state, character) not in self._known:
            self._known[state, character] = self._settled(state + character)
        return self._known[state, character]

    def credit(self, state: State) -> float:
        """Return what a state is worth while it lasts: of the phrase under way, or of one already complete."""
        if not state:
            return 0.0
        node = self._walk(state)
        return max(node.credit if node else 0.0, self.phrases.get(self._longest(state), 0.0))

    def ended(self, state: State) -> float:
        """Return what is gained when the text ends in a state."""
        gained, rest = 0.0, f"{state} " if state else ""
        while rest:
            phrase = self._longest(rest)
            gained += self.phrases.get(phrase, 0.0)
            rest = rest[len(phrase) + 1 :] if phrase else rest.partition(" ")[2]
        return gained

    def _settled(self, text: str) -> tuple[float, State]:
        """Return what is certain of a text that begins with a word, and the part that may still become a phrase."""
        gained = 0.0
        while text and self._walk(text) is None:
            phrase = self._longest(text)
            if not phrase and " " not in text:
                return gained, NOWHERE
            gained += self.phrases.get(phrase, 0.0)
            text = text[len(phrase) + 1 :] if phrase else text.partition(" ")[2]
        return gained, text

    def _walk(self, text: str) -> _Node | None:
        node: _Node | None = self._root
        for character in text:
            node = node.children.get(character) if node else None
        return node

    def _longest(self, text: str) -> str:
        """Return the longest phrase with which a text begins, a space after it; "" for none."""
        node, found = self._root, ""
        for i, character in enumerate(text):
            if character == " " and node.nats is not None:
                found = text[:i]
            step = node.children.get(character)
            if step is None:
                break
            node = step
        return found
