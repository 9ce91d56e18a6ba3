"""A skill: sentences and the functions that answer them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from voice.bus.memory import matches
from voice.clock import Cancel
from voice.errors import SkillError
from voice.nlu.templates import ListValues, Policy, SkillSentences
from voice.skill.example import Example, Expected, example_of
from voice.skill.handler import Call, Handler
from voice.skill.listening import Fallback, Subscription, subscription_of
from voice.skill.replies import SHARED_ANSWERS
from voice.skill.schedule import Repeat, Schedule, later, new_schedule
from voice.skill.sentences import check_slots, check_syntax, list_values, sentences_of
from voice.skill.slots import Parameters, Range
from voice.skill.stage import Stage
from voice.skill.storage import Store
from voice.skill.translations import Translation, best_of, read_translations

_Function = TypeVar("_Function", bound=Callable[..., Any])

Template = str | tuple[str, Mapping[str, Any]]
"""A sentence in hassil's syntax, or one with slots that it sets without their being spoken."""

NEEDS = re.compile(r"network|programs|files:.+")
"""What a skill can ask for: the network, other programs, a folder to write in."""


@dataclass(eq=False)
class Skill:
    """A named set of intents and their handlers."""

    name: str
    publishes: Sequence[str] = ()
    """Topic filters of the messages that it may publish."""
    description: str = ""
    """One line for `voice skills list`."""
    settings: Any = None
    """Its own settings: give the pydantic model; when it runs, this is an instance."""
    translations: Path | str | None = None
    """Folder of its languages."""
    language: str = "en"
    """The language of the sentences in the module."""
    needs: Sequence[str] = ()
    """What it may do besides: "network", "programs", "files:FOLDER"; kept from it otherwise, where it is a process."""
    handlers: list[Handler] = field(default_factory=list, init=False)
    lists: dict[str, ListValues] = field(default_factory=dict, init=False)
    rules: dict[str, str] = field(default_factory=dict, init=False)
    examples: list[Example] = field(default_factory=list, init=False)
    """Conversations that `voice skills test` holds."""
    not_recognized: Handler | None = field(default=None, init=False)
    starts: list[Callable[[], Any]] = field(default_factory=list, init=False)
    """What the host calls when it starts the skill."""
    fallbacks: list[Fallback] = field(default_factory=list, init=False)
    subscriptions: list[Subscription] = field(default_factory=list, init=False)
    due: dict[str, Handler] = field(default_factory=dict, init=False)
    """What a schedule can call, by name."""
    repeats: list[tuple[float, Call]] = field(default_factory=list, init=False)
    """Seconds, and what is called that often."""
    model: Any = field(default=None, init=False)
    """The model of its settings; None where it has none."""
    _translated: dict[str, Translation] = field(default_factory=dict, init=False)
    _speaks: str = field(default="", init=False)
    _stage: Stage | None = field(default=None, init=False)
    _store: Store | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.name):
            raise SkillError(f"skill name {self.name!r}", fix="use lower-case letters, digits, - and _")
        if wrong := [need for need in self.needs if not NEEDS.fullmatch(need)]:
            raise SkillError(f"{self.name} needs {wrong[0]!r}", fix='"network", "programs" or "files:FOLDER"')
        self.model, self._speaks = self.settings, self.language
        if self.model is not None and not any(f.is_required() for f in self.model.model_fields.values()):
            self.settings = self.model()
        if self.translations is not None:
            self._translated = read_translations(Path(self.translations))

    # ---- what it answers ---------------------------------------------------------------------------------------

    def intent(
        self, name: str, *templates: Template, dangerous: bool = False, min_confidence: float = 0.0
    ) -> Callable[[_Function], _Function]:
        """Answer sentences: the decorated function is called with their slots as keyword arguments.

        Args:
            name: the intent, as on the topic `hermes/intent/<name>`.
            templates: sentences in hassil's syntax: `(a|b)`, `[optional]`, `{slot}`, `<rule>`.
            dangerous: whether it is asked back before anything happens.
            min_confidence: how sure the recogniser must be, 0 to 1.

        Raises:
            SkillError: there is no sentence, or a slot is no parameter of the function.
        """
        return self._register(name, templates, Policy(min_confidence, dangerous), is_answer=False)

    def answer(self, name: str, *templates: Template) -> Callable[[_Function], _Function]:
        """Answer a question of this skill: the function is called only for an `Ask` that expects `name`.

        Args:
            name: the intent; "Yes" and "No" come with sentences.
            templates: further sentences.

        Raises:
            SkillError: there is no sentence, or a slot is no parameter of the function.
        """
        return self._register(name, templates, Policy(), is_answer=True)

    def on_not_recognized(self, function: _Function) -> _Function:
        """Call the decorated function when the answer to a question was not understood.

        Its `Context` holds the words as free speech, so a question that expects nothing (`expect=[]`) takes dictation.
        """
        parameters = Parameters(function, f"{self.name}: on_not_recognized")
        self.not_recognized = Handler(self.name, "", {}, function, parameters, is_answer=True)
        return function

    def fallback(self, priority: int = 50) -> Callable[[_Function], _Function]:
        """Try the decorated function on what no sentence matches; None hands it to the next, the smallest first."""

        def decorate(function: _Function) -> _Function:
            self.fallbacks.append(Fallback(priority, function, Parameters(function, f"{self.name}: fallback")))
            return function

        return decorate

    def on_message(self, topic: str) -> Callable[[_Function], _Function]:
        """Call the decorated function with messages: `home/{room}/door` hands over `room`, and the `payload`.

        A text that it returns is spoken.

        Raises:
            SkillError: that is no topic filter, or a level or parameter has no counterpart.
        """

        def decorate(function: _Function) -> _Function:
            self.subscriptions.append(subscription_of(self.name, topic, function))
            return function

        return decorate

    def on_due(self, function: _Function) -> _Function:
        """Let `skill.schedule` call the decorated function; a text that it returns is spoken."""
        parameters = Parameters(function, f"{self.name}: on_due {function.__name__}")
        self.due[function.__name__] = Handler(self.name, "", {}, function, parameters, is_answer=True)
        return function

    def every(self, *, seconds: float = 0, minutes: float = 0) -> Callable[[_Function], _Function]:
        """Call the decorated function again and again while the skill runs; a text that it returns is spoken."""
        period_s = seconds + 60 * minutes
        if not period_s >= 1:
            raise SkillError(f"{self.name}: every {period_s:g} s", fix="give at least one second")

        def decorate(function: _Function) -> _Function:
            self.repeats.append((period_s, function))
            return function

        return decorate

    def on_start(self, function: Callable[[], None]) -> Callable[[], None]:
        """Call the decorated function when the skill starts, to begin with a clean state."""
        self.starts.append(function)
        return function

    def list(self, name: str, values: Sequence[str] | Mapping[str, Any] | Range) -> None:
        """Say what can fill `{name}`: words, spoken forms and what each means, or numbers.

        While the skill runs, this changes what is heard from then on.
        """
        self.lists[name] = list_values(values)
        if self._stage is not None:
            self._stage.relist(self, name)

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
        return sentences_of(self.name, *self.translated())

    def translated(self) -> tuple[Sequence[Handler], dict[str, ListValues], dict[str, str]]:
        """Return handlers, lists and rules in the language that was taken."""
        translation = best_of(self._translated, self._speaks, self.language)
        lists = {name: list_values(values) for name, values in translation.lists.items()}
        handlers = [self._translate(handler, translation) for handler in self.handlers]
        return handlers, {**self.lists, **lists}, {**self.rules, **translation.rules}

    # ---- what it does ------------------------------------------------------------------------------------------

    def publish(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish a message: bytes and text as they are, anything else as JSON.

        Raises:
            SkillError: the topic was not declared, or the skill is not running or publishes too fast.
        """
        if any(c in topic for c in "+#\0") or not any(matches(declared, topic) for declared in self.publishes):
            declare = f'declare it: Skill("{self.name}", publishes=["{topic}"])'
            raise SkillError(f"{self.name} may not publish {topic!r}", fix=declare)
        if isinstance(payload, str):
            payload = payload.encode()
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.stage.publish(self, topic, data, retain=retain)

    def say(self, text: str, site: str = "default") -> None:
        """Speak outside a session, as soon as the site is free."""
        self.stage.say(text, site)

    def after(self, seconds: float, callback: Call, site: str = "default") -> Cancel:
        """Call `callback` in `seconds`; a text that it returns is spoken at `site`. Returns a function that cancels.

        It is forgotten when the assistant stops; `schedule` is not.
        """
        return self.stage.after(seconds, callback, self, site)

    def schedule(
        self,
        call: Callable[..., Any],
        *,
        at: datetime | None = None,
        seconds: float | None = None,
        key: str | None = None,
        site: str = "default",
        repeat: Repeat | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Schedule:
        """Call a function later, after a restart too; it is on disk when this returns.

        Args:
            call: a function that `on_due` decorates.
            at: the local date and time; what is past is due at once.
            seconds: or how long from now.
            key: its name; a new one of the same name replaces it.
            site: where a text that it returns is spoken.
            repeat: "hourly", "daily", "weekdays", "weekends" or "weekly", at the same time of day.
            data: its arguments, as JSON; a parameter `due: datetime` receives when it was due, `key: str` the name.

        Raises:
            SkillError: `on_due` doesn't decorate it, there is no time or two, or too many are open.
        """
        name = getattr(call, "__name__", "")
        if name not in self.due or self.due[name].call is not call:
            raise SkillError(f"{self.name} can't schedule {name or call!r}", fix="decorate it with @skill.on_due")
        if (at is None) == (seconds is None) or (seconds is not None and not 0 <= seconds < 10**9):
            raise SkillError(f"{self.name}: a schedule at={at}, seconds={seconds}", fix="give one of them, from now on")
        due = at.astimezone().replace(tzinfo=None) if at and at.tzinfo else at or later(self.now(), seconds or 0)
        entry = new_schedule(name, due, key, site, repeat, data or {})
        self.stage.schedules(self).add(entry)
        return entry

    def unschedule(self, key: str) -> bool:
        """Take a schedule back; return whether there was one."""
        return self.stage.schedules(self).remove(key)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """What it has scheduled, the next one first."""
        return self.stage.schedules(self).entries

    @property
    def store(self) -> Store:
        """What it keeps: a dictionary of JSON values, on disk when an assignment returns."""
        if self._store is None:
            self._store = Store(self.stage.home(self))
        return self._store

    def text(self, key: str, /, **values: Any) -> str:
        """Return a text of the translation, its `{names}` filled in.

        Raises:
            SkillError: no translation has it, or a name is missing.
        """
        for language in (self._speaks, self.language):
            found = best_of(self._translated, language, self.language).texts.get(key)
            if found is not None:
                try:
                    return found.format(**values)
                except (KeyError, IndexError, ValueError) as error:
                    raise SkillError(
                        f"{self.name}: text {key!r} needs {error}", fix="give it as an argument"
                    ) from error
        raise SkillError(f"{self.name}: no text {key!r}", fix="write it under `texts:` in the translation")

    def now(self) -> datetime:
        """Return the local date and time (in tests, the virtual clock's)."""
        return self.stage.today()

    # ---- for the host ------------------------------------------------------------------------------------------

    @property
    def topics(self) -> tuple[str, ...]:
        """Topic filters that a broker must carry for it."""
        return (*self.publishes, *(subscription.topic_filter for subscription in self.subscriptions))

    def speak(self, language: str) -> None:
        """Take a language; without a translation it stays with its own."""
        self._speaks = language

    def bind(self, stage: Stage | None) -> None:
        """Put the skill on a stage, or take it off (the host does this)."""
        self._stage, self._store = stage, None

    @property
    def stage(self) -> Stage:
        """Who runs it.

        Raises:
            SkillError: nobody does.
        """
        if self._stage is None:
            raise SkillError(f"skill {self.name} is not running", fix="run it in a SkillHost or a Rehearsal")
        return self._stage

    def _translate(self, handler: Handler, translation: Translation) -> Handler:
        if handler.intent not in translation.sentences:
            return handler
        templates: dict[str, Mapping[str, Any]] = {t: {} for t in translation.sentences[handler.intent]}
        for template in templates:
            check_slots(f"{self.name}: {handler.intent}", template, {}, handler.parameters)
        return replace(handler, templates=templates)

    def _register(
        self, name: str, templates: Sequence[Template], policy: Policy, *, is_answer: bool
    ) -> Callable[[_Function], _Function]:
        where = f"{self.name}: {name}"
        sentences = {t if isinstance(t, str) else t[0]: {} if isinstance(t, str) else t[1] for t in templates}
        if is_answer:
            sentences = {**{t: {} for t in SHARED_ANSWERS.get(name, ())}, **sentences}
        if not sentences and not any(name in translation.sentences for translation in self._translated.values()):
            raise SkillError(f"{where} has no sentence", fix="give at least one template")

        def decorate(function: _Function) -> _Function:
            parameters = Parameters(function, where)
            for template, fixed in sentences.items():
                check_syntax(where, template, function)
                check_slots(where, template, fixed, parameters)
            self.handlers.append(Handler(self.name, name, sentences, function, parameters, is_answer, policy))
            return function

        return decorate
