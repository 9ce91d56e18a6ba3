"""The intent of written text: a sentence of the grammar, or text that is nearly one."""

from collections.abc import Sequence

from voice.events import Intent
from voice.nlu.chart import Parse
from voice.nlu.grammar import Grammar
from voice.nlu.model import Context
from voice.nlu.repair import MAX_COST

MAX_CHARACTERS = 500
_SURE = 0.8  # a repair this good is likelier than free words that look like a slip
_CLOSE = 0.05  # repairs that cost so little more are as good


class TemplateParser:
    """Parses text against the sentences.

    Args:
        grammar: the compiled sentences; may be replaced between two calls, from any thread.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def parse(
        self, text: str, intent_filter: Sequence[str] | None = None, context: Context | None = None
    ) -> Intent | None:
        """Return the intent of a sentence of the grammar, or of text that is nearly one; None for any other text.

        Args:
            text: as written.
            intent_filter: the intents that count; None: all.
            context: facts that templates may require, such as the speaker's area.
        """
        grammar, text = self.grammar, text[:MAX_CHARACTERS]
        lattice = grammar.lattice(text)
        found = grammar.parses(lattice, intent_filter, context)
        intent = grammar.intent(found[0], lattice.words) if found else None
        if intent is None or any(filled.is_wild for filled in found[0].filled):
            mended = self._mended(grammar, text, intent_filter, context)
            if mended and (intent is None or mended.confidence >= _SURE):
                intent = mended
        return intent if intent and intent.confidence >= grammar.minimum(intent.name) else None

    def parse_open(self, text: str, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of a transcript that only a template with a wildcard explains; None for any other.

        The decoding graph holds every other sentence, and has refused the speech.
        """
        grammar = self.grammar
        lattice = grammar.lattice(text[:MAX_CHARACTERS])
        found = grammar.parses(lattice, intent_filter)
        if not found or not any(filled.is_wild for filled in found[0].filled):
            return None
        intent = grammar.intent(found[0], lattice.words)
        return intent if intent.confidence >= grammar.minimum(intent.name) else None

    def _mended(
        self, grammar: Grammar, text: str, intent_filter: Sequence[str] | None, context: Context | None
    ) -> Intent | None:
        """Return the intent of the cheapest repair, if no other meaning is as cheap."""
        lattice = grammar.near_lattice(text)
        if lattice is None:
            return None
        found = grammar.parses(lattice, intent_filter, context, wild=False)
        if not found or found[0].cost > MAX_COST:
            return None
        best = found[0]
        if any(_meaning(parse) != _meaning(best) for parse in found if parse.cost <= best.cost + _CLOSE and parse.cost):
            return None
        return grammar.intent(best, lattice.words, 1.0 - best.cost)


def _meaning(parse: Parse) -> tuple[str, str]:
    return parse.template.block.intent, repr(sorted(parse.slots().items(), key=repr))
