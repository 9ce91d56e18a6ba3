"""Hermes payloads of injection: names that can be said from now on."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator

from voice.bus.topics.wire import Payload, Wire

MAX_VALUES = 100_000
"""Names in one request."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A spoken name; Earshot also reads a pair of spoken form and value."""

Values = dict[Name, list[Name | tuple[Name, Any]]]


class InjectionPerform(Payload):
    """Add names to lists: `operations` holds pairs of `add` or `addFromVanilla` and {list: [names]}."""

    topic_filter = "hermes/injection/perform"
    direction = "read"
    max_bytes: ClassVar[int] = 8 * 2**20
    id: str | None = None
    cross_language: str | None = None
    lexicon: dict[str, list[str]] | None = None
    operations: list[tuple[Literal["add", "addFromVanilla"], Values]] = Field(max_length=1000)

    @field_validator("operations")
    @classmethod
    def _bounded(cls, operations: list[tuple[str, Values]]) -> list[tuple[str, Values]]:
        n = sum(len(names) for _, lists in operations for names in lists.values())
        if n > MAX_VALUES:
            raise ValueError(f"{n} names; at most {MAX_VALUES} in one request")
        return operations


class InjectionComplete(Payload):
    """The names of a request can be said."""

    topic_filter = "hermes/injection/complete"
    direction = "written"
    request_id: str | None = None


class InjectionReset(Payload):
    """Forget every injected name."""

    topic_filter = "hermes/injection/reset/perform"
    direction = "read"
    request_id: str | None = None


class InjectionResetComplete(Payload):
    """Every injected name is forgotten."""

    topic_filter = "hermes/injection/reset/complete"
    direction = "written"
    request_id: str | None = None


class InjectionStatusRequest(Payload):
    """How far are the injections?"""

    topic_filter = "hermes/injection/statusRequest"
    direction = "read"


class Injected(Wire):
    """A list, and how many names were injected into it."""

    entity: str
    count: int


class InjectionStatus(Payload):
    """How many injections run or wait, when the last one ended, and what is injected."""

    topic_filter = "hermes/injection/status"
    direction = "written"
    running: int = 0
    completed: int = 0
    failed: int = 0
    last_injection_date: str | None = None
    entities: list[Injected] = Field(default_factory=list)
