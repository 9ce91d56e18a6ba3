"""What a skill hears besides intents: messages on topics, sentences that nobody understood."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voice.errors import SkillError
from voice.skill.slots import Parameters, Takes

_LEVEL = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
PAYLOAD = "payload"
"""The parameter that receives a message's payload."""


@dataclass(frozen=True)
class Subscription:
    """A function, and the messages that it is called with."""

    pattern: str
    """A topic filter; `{room}` stands for a level that becomes an argument."""
    call: Callable[..., Any]
    parameters: Takes

    @property
    def topic_filter(self) -> str:
        """The topic filter as MQTT knows it."""
        return _LEVEL.sub("+", self.pattern)

    def given(self, topic: str, payload: bytes) -> Mapping[str, Any]:
        """Return what a message gives: its named levels, and its payload as JSON where it is JSON, else as text."""
        levels = zip(self.pattern.split("/"), topic.split("/"), strict=False)
        named = {match[1]: level for name, level in levels if (match := _LEVEL.fullmatch(name))}
        text = payload.decode(errors="replace")
        try:
            return {**named, PAYLOAD: json.loads(text)}
        except ValueError:
            return {**named, PAYLOAD: text}


@dataclass(frozen=True)
class Fallback:
    """A function that is tried on what no sentence matches."""

    priority: int
    """The smaller is tried first."""
    call: Callable[..., Any]
    parameters: Takes


def subscription_of(skill: str, pattern: str, function: Callable[..., Any]) -> Subscription:
    """Return the subscription that a skill's author wrote.

    Raises:
        SkillError: the pattern is no topic filter, names a level that is no parameter, or the function takes more.
    """
    where = f"{skill}: on_message({pattern!r})"
    plain = _LEVEL.sub("+", pattern)
    levels = plain.split("/")
    wrong = "#" in levels[:-1] or any(set(level) & set("+#{}\0") and len(level) > 1 for level in levels)
    if not plain or wrong:
        raise SkillError(where, fix='write a topic filter, such as "home/{room}/temperature" or "home/#"')
    parameters = Parameters(function, where)
    names = set(_LEVEL.findall(pattern))
    if missing := sorted(names - parameters.names):
        raise SkillError(f"{where} names {missing[0]!r}", fix="add a parameter of that name")
    required = {name for name in parameters.names if _has_no_default(function, name)}
    if extra := sorted(required - names - {PAYLOAD}):
        raise SkillError(f"{where}: nothing fills {extra[0]!r}", fix=f"name a level {{{extra[0]}}}")
    return Subscription(pattern, function, parameters)


def _has_no_default(function: Callable[..., Any], name: str) -> bool:
    return inspect.signature(function).parameters[name].default is inspect.Parameter.empty
