"""The intent of written text, through the same graph as speech: text becomes log-probabilities without doubt."""

from collections.abc import Sequence

import numpy as np

from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.graph import Graph
from voice.events import Intent
from voice.text import ENGLISH_CHARACTERS, Alphabet, normalise

_EXACT = GrammarSettings(lead_ms=0, trail_ms=0)
_MAX_CHARACTERS = 500
_WRONG = np.float32(-1e4)


class TemplateParser:
    """Parses text against the skills' sentences.

    Args:
        graph: the compiled sentences.
    """

    def __init__(self, graph: Graph) -> None:
        self._alphabet = Alphabet(ENGLISH_CHARACTERS)
        self._decoder = GrammarDecoder(graph, self._alphabet, 1.0, _EXACT)

    def parse(self, text: str, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of a whole sentence of the grammar; None for any other text.

        Args:
            text: normalised here.
            intent_filter: the intents that count; None: all.
        """
        labels = self._alphabet.encode(normalise(text)[:_MAX_CHARACTERS])
        log_probs = np.full((2 * len(labels), len(self._alphabet)), _WRONG, np.float32)
        log_probs[0::2, :][np.arange(len(labels)), labels] = 0
        log_probs[1::2, self._alphabet.blank] = 0
        match = self._decoder.match(log_probs, intent_filter)
        if match is None or match.loss > 0:
            return None
        intent = match.intent
        return Intent(intent.name, intent.slots, intent.text, 1.0, "text")
