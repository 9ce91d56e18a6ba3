"""A skill: sentences and the functions that answer them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from voice.bus.memory import matches
from voice.clock import Cancel
from voice.errors import SkillError
from voice.nlu.templates import ListValues, NumberRange, SkillSentences
from voice.skill.example import Example, Expected, example_of
from voice.skill.handler import Call, Handler
from voice.skill.replies import SHARED_ANSWERS
from voice.skill.sentences import sentences_of
from voice.skill.slots import SLOT, Parameters, Range

_Function = TypeVar("_Function", bound=Callable[..., Any])

Template = str | tuple[str, Mapping[str, Any]]
"""A sentence in hassil's syntax, or one with slots that it sets without their being spoken."""


class Stage(Protocol):
    """What a running skill can do to the world; the host provides it."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message."""
        ...

    def say(self, text: str, site: str) -> None:
        """Speak outside a session."""
        ...

    def after(self, seconds: float, callback: Call, skill: "Skill", site: str) -> Cancel:
        """Call back later; a text that it returns is spoken at `site`."""
        ...

    def today(self) -> datetime:
        """Return the local date and time."""
        ...


@dataclass(eq=False)
class Skill:
    """A named set of intents and their handlers."""

    name: str
    publishes: Sequence[str] = ()
    """Topic filters of the messages that it may publish."""
    description: str = ""
    """One line for `voice skills list`."""
    handlers: list[Handler] = field(default_factory=list, init=False)
    lists: dict[str, ListValues] = field(default_factory=dict, init=False)
    rules: dict[str, str] = field(default_factory=dict, init=False)
    examples: list[Example] = field(default_factory=list, init=False)
    """Conversations that `voice skills test` holds."""
    not_recognized: Handler | None = field(default=None, init=False)
    starts: list[Callable[[], None]] = field(default_factory=list, init=False)
    """What the host calls when it starts the skill."""
    _stage: Stage | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.name):
            raise SkillError(f"skill name {self.name!r}", fix="use lower-case letters, digits, - and _")

    def intent(self, name: str, *templates: Template) -> Callable[[_Function], _Function]:
        """Answer sentences: the decorated function is called with their slots as keyword arguments.

        Args:
            name: the intent, as on the topic `hermes/intent/<name>`.
            templates: sentences in hassil's syntax: `(a|b)`, `[optional]`, `{slot}`, `<rule>`.

        Raises:
            SkillError: there is no sentence, or a slot is no parameter of the function.
        """
        return self._register(name, templates, is_answer=False)

    def answer(self, name: str, *templates: Template) -> Callable[[_Function], _Function]:
        """Answer a question of this skill: the function is called only for an `Ask` that expects `name`.

        Args:
            name: the intent; "Yes" and "No" come with sentences.
            templates: further sentences.

        Raises:
            SkillError: there is no sentence, or a slot is no parameter of the function.
        """
        return self._register(name, templates, is_answer=True)

    def on_not_recognized(self, function: _Function) -> _Function:
        """Call the decorated function when the answer to a question was not understood."""
        parameters = Parameters(function, f"{self.name}: on_not_recognized")
        self.not_recognized = Handler(self.name, "", {}, function, parameters, is_answer=True)
        return function

    def on_start(self, function: Callable[[], None]) -> Callable[[], None]:
        """Call the decorated function when the skill starts, to begin with a clean state."""
        self.starts.append(function)
        return function

    def list(self, name: str, values: Sequence[str] | Mapping[str, Any] | Range) -> None:
        """Say what can fill `{name}`: words, spoken forms and what each means, or numbers."""
        if isinstance(values, Range):
            self.lists[name] = NumberRange(values.low, values.high, values.step)
        else:
            self.lists[name] = [*values.items()] if isinstance(values, Mapping) else [*values]

    def rule(self, name: str, template: str) -> None:
        """Name a piece of sentence, used as `<name>`."""
        self.rules[name] = template

    def example(self, *turns: Expected, published: Mapping[str, Any] | None = None) -> None:
        """Say how a conversation must go; `voice skills test` holds it.

        Args:
            turns: what is said and what is answered, in turn: `""` without words, `...` any words, None not understood.
            published: topic -> payload of everything that it publishes; None: whatever.

        Raises:
            SkillError: a sentence has no reply.
        """
        self.examples.append(example_of(self.name, turns, published))

    def sentences(self) -> SkillSentences:
        """Return the grammar of all intents and answers; lists and rules carry the skill's name.

        Raises:
            SkillError: nothing says what can fill a slot.
        """
        return sentences_of(self.name, self.handlers, self.lists, self.rules)

    def publish(self, topic: str, payload: Any) -> None:
        """Publish a message: bytes and text as they are, anything else as JSON.

        Raises:
            SkillError: the topic was not declared, or the skill is not running.
        """
        if any(c in topic for c in "+#\0") or not any(matches(declared, topic) for declared in self.publishes):
            declare = f'declare it: Skill("{self.name}", publishes=["{topic}"])'
            raise SkillError(f"{self.name} may not publish {topic!r}", fix=declare)
        if isinstance(payload, str):
            payload = payload.encode()
        self._running().publish(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    def say(self, text: str, site: str = "default") -> None:
        """Speak outside a session, as soon as the site is free."""
        self._running().say(text, site)

    def after(self, seconds: float, callback: Call, site: str = "default") -> Cancel:
        """Call `callback` in `seconds`; a text that it returns is spoken at `site`. Returns a function that cancels."""
        return self._running().after(seconds, callback, self, site)

    def now(self) -> datetime:
        """Return the local date and time (in tests, the virtual clock's)."""
        return self._running().today()

    def bind(self, stage: Stage | None) -> None:
        """Put the skill on a stage, or take it off (the host does this)."""
        self._stage = stage

    def _running(self) -> Stage:
        if self._stage is None:
            raise SkillError(f"skill {self.name} is not running", fix="run it in a SkillHost or a Rehearsal")
        return self._stage

    def _register(
        self, name: str, templates: Sequence[Template], *, is_answer: bool
    ) -> Callable[[_Function], _Function]:
        where = f"{self.name}: {name}"
        sentences = {t if isinstance(t, str) else t[0]: {} if isinstance(t, str) else t[1] for t in templates}
        if is_answer:
            sentences = {**{t: {} for t in SHARED_ANSWERS.get(name, ())}, **sentences}
        if not sentences:
            raise SkillError(f"{where} has no sentence", fix="give at least one template")

        def decorate(function: _Function) -> _Function:
            parameters = Parameters(function, where)
            for template, fixed in sentences.items():
                _check_slots(where, template, fixed, parameters)
            self.handlers.append(Handler(self.name, name, sentences, function, parameters, is_answer))
            return function

        return decorate


def _check_slots(where: str, template: str, fixed: Mapping[str, Any], parameters: Parameters) -> None:
    spoken = {match["slot"] or match["list"] for match in SLOT.finditer(template)}
    if unknown := sorted((spoken | set(fixed)) - parameters.names):
        raise SkillError(f"{where}: {template!r} fills {unknown[0]!r}", fix="add a parameter of that name")
