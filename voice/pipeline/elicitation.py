"""The answer to a question for one slot: its bare value, "in the kitchen", as well as the whole sentence."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from voice.decoding.grammar import GrammarDecoder
from voice.events import Intent, Slot
from voice.nlu.grammar import Grammar
from voice.nlu.model import Block, SkillSentences
from voice.nlu.parser import TemplateParser
from voice.stages import LogProbs

_LIST = re.compile(r"\{([^}:]+)(?::([^}]+))?\}")
_RULE = re.compile(r"<([\w-]+)>")
_LEAD = "[(it is|i want|i mean|make it|to|in|at|on|for|of|from)] [(the|a|an|my)]"
_KEPT = 16  # grammars for the last questions


class SlotAnswers:
    """Decodes and parses what may answer a question for a slot.

    Args:
        parser: holds the sentences; whoever replaces its grammar changes the answers too.
        decoder: decodes speech.
    """

    def __init__(self, parser: TemplateParser, decoder: GrammarDecoder) -> None:
        self._parser = parser
        self._decoder = decoder
        self._of: Grammar | None = None
        self._grammars: OrderedDict[tuple[str, ...], Grammar | None] = OrderedDict()

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str], slot: str) -> Intent | None:
        """Return what was said among the answers and the sentences of the filter; None where it is neither.

        Args:
            log_probs: shape (frames, labels).
            intent_filter: the intent that asks, then others that may be said instead.
            slot: the slot of the first intent.
        """
        grammar = self._grammar(tuple(intent_filter), slot)
        chosen = self._decoder if grammar is None else self._decoder.over(grammar)
        return chosen.decode(log_probs, intent_filter)

    def parse(self, text: str, intent: str, slot: str) -> Slot | None:
        """Return the value that a text gives a slot; None where it gives none, or is a whole sentence."""
        if self._parser.parse(text, [intent]) is not None:
            return None
        grammar = self._grammar((intent,), slot)
        answer = grammar and TemplateParser(grammar).parse(text, [intent])
        return next((found for found in answer.slots if found.name == slot), None) if answer else None

    def _grammar(self, intents: tuple[str, ...], slot: str) -> Grammar | None:
        """Return the sentences of some intents and the answers to the first; None where it has no such slot."""
        sentences = self._parser.grammar
        if self._of is not sentences:
            self._of = sentences
            self._grammars.clear()
        key = (slot, *intents)
        if key not in self._grammars:
            self._grammars[key] = _compiled(sentences.sentences, intents, slot)
            while len(self._grammars) > _KEPT:
                self._grammars.popitem(last=False)
        return self._grammars[key]


def _compiled(sentences: SkillSentences, intents: tuple[str, ...], slot: str) -> Grammar | None:
    blocks = tuple(block for block in sentences.all_blocks() if block.intent in intents)
    answers = tuple(_answers(sentences, blocks, intents[0], slot))
    return Grammar(replace(sentences, intents={}, fixed={}, blocks=blocks + answers)) if answers else None


def _answers(sentences: SkillSentences, blocks: Sequence[Block], intent: str, slot: str) -> Iterator[Block]:
    """Yield one block for each list that fills the slot in the intent's templates."""
    seen: set[str] = set()
    for block in blocks:
        if block.intent != intent:
            continue
        for text in block.templates:
            for name, filled in _lists_in(text, partial(_rule_of, sentences, block)):
                if filled == slot and name not in seen:
                    seen.add(name)
                    yield replace(block, templates=(f"{_LEAD} {{{name}:{slot}}} [please]",), slots={}, requires={})


def _rule_of(sentences: SkillSentences, block: Block, name: str) -> str:
    return block.rules.get(name) or sentences.rules.get(name, "")


def _lists_in(text: str, rule: "partial[str]") -> Iterator[tuple[str, str]]:
    """Yield (list, slot) of a template and of the rules that it uses."""
    waiting, seen = [text], set()
    while waiting:
        template = waiting.pop()
        yield from ((name, slot or name) for name, slot in _LIST.findall(template))
        for name in _RULE.findall(template):
            if name not in seen:
                seen.add(name)
                waiting.append(rule(name))
