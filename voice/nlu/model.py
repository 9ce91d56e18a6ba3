"""What can be said, before it is compiled: templates with their lists, rules, context and policy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Context = Mapping[str, Any]
"""Facts about a turn or a name: {"area": "kitchen"}, {"domain": "light"}."""


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Whole numbers `low` to `high`, both included, spoken as words."""

    low: int
    high: int
    step: int = 1
    parts: int = 1
    """What each is divided into: 2 adds halves, 10 adds tenths."""
    multiplier: float | None = None
    """Times the spoken number is the slot's value."""


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Any words. Found in text only: the decoding graph is closed."""


@dataclass(frozen=True, slots=True)
class ListValue:
    """One value of a list."""

    spoken: str
    """A template where `is_template`, otherwise plain words."""
    value: Any = None
    """What the slot becomes; None: the words as spoken."""
    context: Context = field(default_factory=dict)
    """Facts that hold once it was said."""
    is_template: bool = False


ListValues = Sequence[str | tuple[str, Any] | ListValue] | NumberRange | Wildcard
"""What may fill a slot: words, (spoken form, value) pairs, numbers, or anything."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How sure an intent must be, and whether it is asked back."""

    min_confidence: float = 0.0
    dangerous: bool = False
    """Whether the dialogue must have it confirmed before anything happens."""


@dataclass(frozen=True)
class Block:
    """Templates of one intent that share slots, context, lists and rules: an entry under `data` in a YAML file."""

    intent: str
    templates: tuple[str, ...]
    slots: Context = field(default_factory=dict)
    """Slots that are set without being spoken."""
    requires: Context = field(default_factory=dict)
    """Facts that must hold: key -> value, any of a list, or None for "known".

    {"value": ..., "slot": True} also makes the fact a slot; a name instead of True is the slot's.
    """
    excludes: Context = field(default_factory=dict)
    """Facts that must not hold."""
    lists: Mapping[str, ListValues] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    metadata: Context = field(default_factory=dict)
    file: Path | None = None


@dataclass(frozen=True)
class SkillSentences:
    """Templates by intent, with the lists and rules that they use."""

    intents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lists: Mapping[str, ListValues] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Slots set by a template without being spoken, by (intent, template)."""
    blocks: tuple[Block, ...] = ()
    """Templates that need more than `intents` can say."""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    skip_words: tuple[str, ...] = ()
    """Phrases that mean nothing wherever they stand: "please"."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Where a rule was read, for errors."""

    @property
    def names(self) -> tuple[str, ...]:
        """The intents, in order."""
        return tuple(dict.fromkeys([*self.intents, *(block.intent for block in self.blocks)]))

    def all_blocks(self) -> Iterator[Block]:
        """Yield everything that can be said, as blocks."""
        for intent, templates in self.intents.items():
            for template in templates:
                yield Block(intent, (template,), self.fixed.get((intent, template), {}))
        yield from self.blocks

    def merged(self, other: "SkillSentences") -> "SkillSentences":
        """Return both; templates add up, a list or rule of `other` replaces one of the same name."""
        intents = {
            name: [*self.intents.get(name, ()), *other.intents.get(name, ())]
            for name in {**self.intents, **other.intents}
        }
        return SkillSentences(
            intents,
            {**self.lists, **other.lists},
            {**self.rules, **other.rules},
            {**self.fixed, **other.fixed},
            self.blocks + other.blocks,
            {**self.policies, **other.policies},
            tuple(dict.fromkeys(self.skip_words + other.skip_words)),
            {**self.files, **other.files},
        )

    def with_lists(self, lists: Mapping[str, ListValues]) -> "SkillSentences":
        """Return the same sentences over other values of some lists."""
        return replace(self, lists={**self.lists, **lists})
