"""A handler's signature says what its slots are: which values can be spoken, and what reaches the call."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError

from voice.errors import SkillError
from voice.nlu.templates import ListValues, NumberRange
from voice.skill.replies import Context

SLOT = re.compile(r"\{(?P<list>[a-z_][a-z0-9_]*)(?::(?P<slot>[a-z_][a-z0-9_]*))?\}")
"""A slot in a template: `{minutes}`, or `{list:slot}` where the list has another name."""

MISSING = inspect.Parameter.empty


class Takes(Protocol):
    """What a function takes."""

    @property
    def names(self) -> frozenset[str]:
        """The slots."""
        ...

    def spoken(self, slot: str) -> ListValues | None:
        """Return what can be said for a slot, None where nothing tells."""
        ...

    def bind(self, given: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Return checked keyword arguments.

        Raises:
            SkillError: a slot is missing or has the wrong type or size.
        """
        ...


@dataclass(frozen=True, slots=True)
class Range(GroupedMetadata):
    """The whole numbers `low` to `high`: what can be said, and what the handler accepts.

    Used as `minutes: Annotated[int, Range(1, 90)]`.
    """

    low: int
    high: int
    step: int = 1

    def __iter__(self) -> Iterator[BaseMetadata]:
        """Yield the bounds, for pydantic."""
        yield Ge(self.low)
        yield Le(self.high)


class Parameters:
    """The parameters of a handler.

    Args:
        function: a handler with annotated parameters.
        where: names it in errors.

    Raises:
        SkillError: a parameter has no annotation or one that can't be checked.
    """

    def __init__(self, function: Callable[..., Any], where: str) -> None:
        self._where = where
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._required: set[str] = set()
        self._lists: dict[str, ListValues] = {}
        self._contexts: list[str] = []
        hints = get_type_hints(function, include_extras=True)
        for name, parameter in inspect.signature(function).parameters.items():
            self._add(name, hints.get(name, MISSING), parameter)

    @property
    def names(self) -> frozenset[str]:
        """The slots that the handler takes."""
        return frozenset(self._adapters)

    def spoken(self, slot: str) -> ListValues | None:
        """Return what can be said for a slot, None where its annotation doesn't tell."""
        return self._lists.get(slot)

    def bind(self, given: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Return checked keyword arguments; slots that the handler doesn't take are left out.

        Raises:
            SkillError: a slot is missing or has the wrong type or size.
        """
        if missing := sorted(self._required - set(given)):
            raise SkillError(f"{self._where}: slot {missing[0]!r} is missing", fix="give the parameter a default")
        arguments: dict[str, Any] = dict.fromkeys(self._contexts, context)
        for name, adapter in self._adapters.items():
            if name in given:
                arguments[name] = self._checked(name, adapter, given[name])
        return arguments

    def _checked(self, name: str, adapter: TypeAdapter[Any], value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise SkillError(f"{self._where}: slot {name}={value!r}", fix=reason) from error

    def _add(self, name: str, annotation: Any, parameter: inspect.Parameter) -> None:
        if annotation is Context:
            self._contexts.append(name)
            return
        if annotation is MISSING or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise SkillError(f"{self._where}: parameter {name!r}", fix="annotate each slot, e.g. `minutes: int`")
        self._adapters[name] = TypeAdapter(annotation, config=_config(annotation))
        if parameter.default is MISSING:
            self._required.add(name)
        if values := _values(annotation):
            self._lists[name] = values


def _config(annotation: Any) -> ConfigDict | None:
    return None if hasattr(annotation, "__pydantic_core_schema__") else ConfigDict(arbitrary_types_allowed=True)


def _values(annotation: Any) -> ListValues | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        ranges = [extra for extra in arguments[1:] if isinstance(extra, Range)]
        return NumberRange(ranges[0].low, ranges[0].high, ranges[0].step) if ranges else _values(arguments[0])
    if origin is Literal:
        return [(str(value), value) for value in arguments]
    if origin is Union or type(annotation).__name__ == "UnionType":
        found = [values for argument in arguments if (values := _values(argument))]
        return found[0] if len(found) == 1 else None
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [(str(member.value), member.value) for member in annotation]
    return None
