"""The intent of written text: a sentence of the grammar, or text that is nearly one."""

from collections.abc import Sequence

from voice.events import Intent
from voice.nlu.grammar import Grammar
from voice.nlu.model import Context

MAX_CHARACTERS = 500


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
        """Return the intent of a whole sentence of the grammar; None for any other text.

        Args:
            text: as written.
            intent_filter: the intents that count; None: all.
            context: facts that templates may require, such as the speaker's area.
        """
        return self.grammar.read(text[:MAX_CHARACTERS], intent_filter, context)
