"""The door of understanding: what can be said, and how it is compiled."""

from collections.abc import Iterable

from voice.nlu.grammar import Grammar
from voice.nlu.model import (
    Block,
    Context,
    ListValue,
    ListValues,
    NumberRange,
    Policy,
    SkillSentences,
    Wildcard,
)
from voice.nlu.reading import SentenceSettings, read_sentences
from voice.nlu.values import spoken_forms


def compile_grammar(sentences: SkillSentences, wake_words: Iterable[str] = ()) -> Grammar:
    """Return the compiled sentences: one source for recognition, intent and slots.

    Args:
        sentences: what can be said.
        wake_words: phrases that may stand before a spoken sentence.

    Raises:
        GrammarError: names the file, the intent and the template that is wrong.
    """
    return Grammar(sentences, wake_words)


__all__ = [
    "Block",
    "Context",
    "Grammar",
    "ListValue",
    "ListValues",
    "NumberRange",
    "Policy",
    "SentenceSettings",
    "SkillSentences",
    "Wildcard",
    "compile_grammar",
    "read_sentences",
    "spoken_forms",
]
