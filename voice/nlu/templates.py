"""Sentence templates in hassil's syntax, compiled to the decoding graph: one source for recognition, intent and slots.

hassil parses a template to an expression tree; `compile_grammar` walks the tree. Sentences are never enumerated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    TextChunk,
)
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

from voice.decoding.graph import Ends, Graph, GraphBuilder, SlotUse, Template
from voice.errors import GrammarError
from voice.text import normalise, number_words
from voice.yaml12 import read_yaml

MAX_DEPTH = 24
"""Expansion rules within rules; more is a loop."""


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Whole numbers `low` to `high`, both included, spoken as words."""

    low: int
    high: int
    step: int = 1


ListValues = Sequence[str | tuple[str, Any]] | NumberRange
"""What may fill a slot: words, (spoken form, value) pairs, or numbers."""


@dataclass(frozen=True)
class SkillSentences:
    """Templates by intent, with the lists and rules that they use."""

    intents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lists: Mapping[str, ListValues] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Slots set by a template without being spoken, by (intent, template)."""

    def merged(self, other: "SkillSentences") -> "SkillSentences":
        """Return both; templates add up, a list or rule of `other` replaces one of the same name."""
        intents = {
            name: [*self.intents.get(name, ()), *other.intents.get(name, ())]
            for name in {**self.intents, **other.intents}
        }
        return SkillSentences(
            intents, {**self.lists, **other.lists}, {**self.rules, **other.rules}, {**self.fixed, **other.fixed}
        )


def compile_grammar(sentences: SkillSentences, wake_words: Iterable[str] = ()) -> Graph:
    """Return the decoding graph of all templates.

    Args:
        sentences: what can be said.
        wake_words: phrases that may stand before a sentence.

    Raises:
        GrammarError: names the intent and the template that is wrong.
    """
    builder = GraphBuilder(wake_words)
    lists = {name: spoken_forms(values) for name, values in sentences.lists.items()}
    for intent, templates in sentences.intents.items():
        for text in templates:
            where = f"{intent}: {text!r}"
            template = Template(intent, text, sentences.fixed.get((intent, text), {}))
            compiler = _Compiler(builder, lists, sentences.rules, where)
            builder.end(compiler.walk(_parse(text, where), builder.begin(template), 0))
    return builder.build()


def spoken_forms(values: ListValues) -> dict[str, Any]:
    """Return spoken form -> value, normalised as transcripts are."""
    if isinstance(values, NumberRange):
        numbers = range(values.low, values.high + 1, values.step)
        forms = {number_words(number): number for number in numbers}
        hundreds = {words.replace("one hundred", "a hundred"): n for words, n in forms.items()}
        return {**hundreds, **{words.replace("hundred ", "hundred and "): n for words, n in forms.items()}, **forms}
    pairs = (value if isinstance(value, tuple) else (value, value) for value in values)
    return {spoken: value for text, value in pairs if (spoken := normalise(text))}


def _parse(text: str, where: str) -> Expression:
    try:
        return parse_sentence(text).expression
    except (ParseError, ValueError, IndexError) as error:
        raise GrammarError(
            f"{where}: can't be parsed ({error})", fix="check brackets: (a|b) [optional] {list} <rule>"
        ) from error


@dataclass(frozen=True, slots=True)
class _Compiler:
    builder: GraphBuilder
    lists: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, str]
    where: str

    def walk(self, expression: Expression, ends: Ends, depth: int) -> Ends:
        """Append an expression after `ends`; return the ends after it."""
        if isinstance(expression, TextChunk):
            return self._text(expression.text, ends)
        if isinstance(expression, ListReference):
            return self._list(expression, ends)
        if isinstance(expression, RuleReference):
            return self._rule(expression.rule_name, ends, depth)
        if isinstance(expression, Alternative):
            return frozenset().union(*(self.walk(item, ends, depth) for item in expression.items))
        if isinstance(expression, Permutation):
            return frozenset().union(*(self._sequence(order, ends, depth) for order in permutations(expression.items)))
        if isinstance(expression, Group):
            return self._sequence(expression.items, ends, depth)
        raise GrammarError(f"{self.where}: {type(expression).__name__} is not supported", fix="write it differently")

    def _sequence(self, items: Iterable[Expression], ends: Ends, depth: int) -> Ends:
        for item in items:
            ends = self.walk(item, ends, depth)
        return ends

    def _text(self, text: str, ends: Ends) -> Ends:
        words = normalise(text)
        lead = " " if text[:1].isspace() else ""
        tail = " " if words and text[-1:].isspace() else ""
        return self.builder.text(ends, f"{lead}{words}{tail}")

    def _list(self, reference: ListReference, ends: Ends) -> Ends:
        if bounds := reference.get_inline_range():
            values: Mapping[str, Any] = spoken_forms(NumberRange(*bounds))
        elif reference.list_name in self.lists:
            values = self.lists[reference.list_name]
        else:
            raise GrammarError(f"{self.where}: no list {reference.list_name!r}", fix="define it")
        if not values:
            raise GrammarError(f"{self.where}: list {reference.list_name!r} is empty", fix="give it values")
        return self.builder.slot(ends, SlotUse(reference.slot_name, reference.list_name, values))

    def _rule(self, name: str, ends: Ends, depth: int) -> Ends:
        if name not in self.rules:
            raise GrammarError(f"{self.where}: no rule <{name}>", fix="define it under expansion_rules")
        if depth >= MAX_DEPTH:
            raise GrammarError(f"{self.where}: rule <{name}> refers to itself", fix="break the loop")
        return self.walk(_parse(self.rules[name], f"rule <{name}>"), ends, depth + 1)


def read_sentences(path: Path) -> SkillSentences:
    """Return the sentences of a YAML file in Home Assistant's format, or of all in a folder, merged.

    Raises:
        ConfigError: a file can't be read or isn't YAML.
        GrammarError: it is not in the format; names file and key.
    """
    files = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
    if not files:
        raise GrammarError(f"{path}: no YAML file in it", fix="point at sentences in hassil's format")
    result = SkillSentences()
    for file in files:
        result = result.merged(_sentences_of(read_yaml(file), str(file)))
    return result


def _sentences_of(data: Any, where: str) -> SkillSentences:
    if not isinstance(data, dict):
        raise GrammarError(f"{where}: not a mapping", fix="begin with `intents:`")
    unknown = sorted(
        set(data) - {"language", "settings", "intents", "lists", "expansion_rules", "skip_words", "responses"}
    )
    if unknown:
        raise GrammarError(f"{where}: unknown key {unknown[0]!r}", fix="use intents, lists, expansion_rules")
    intents: dict[str, list[str]] = {}
    fixed: dict[tuple[str, str], Mapping[str, Any]] = {}
    for intent, body in (data.get("intents") or {}).items():
        blocks = body.get("data") if isinstance(body, dict) else None
        if not isinstance(blocks, list):
            raise GrammarError(f"{where}: intents.{intent}: no `data` list", fix="see docs/skills.md")
        for block in blocks:
            if not isinstance(block, dict) or not isinstance(block.get("sentences"), list):
                raise GrammarError(f"{where}: intents.{intent}: a block without `sentences`", fix="add the list")
            for sentence in block["sentences"]:
                intents.setdefault(intent, []).append(str(sentence))
                if block.get("slots"):
                    fixed[intent, str(sentence)] = block["slots"]
    lists = {name: _list_of(body, f"{where}: lists.{name}") for name, body in (data.get("lists") or {}).items()}
    rules = {name: str(rule) for name, rule in (data.get("expansion_rules") or {}).items()}
    return SkillSentences(intents, dict(lists.items()), rules, fixed)


def _list_of(body: Any, where: str) -> ListValues:
    if isinstance(body, dict) and isinstance(body.get("range"), dict):
        bounds = body["range"]
        try:
            return NumberRange(int(bounds["from"]), int(bounds["to"]), int(bounds.get("step", 1)))
        except (KeyError, TypeError, ValueError) as error:
            raise GrammarError(f"{where}: bad range ({error})", fix="give whole numbers `from` and `to`") from error
    if isinstance(body, dict) and isinstance(body.get("values"), list):
        return [(str(v["in"]), v.get("out", v["in"])) if isinstance(v, dict) else str(v) for v in body["values"]]
    raise GrammarError(f"{where}: neither `values` nor `range`", fix="give one of them")
