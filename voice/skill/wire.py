"""What a skill's process and its host tell each other: one JSON object a line, over a pair of sockets.

Everything that the process sends is checked here: it may run somebody else's code.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voice.nlu.templates import ListValue, ListValues, NumberRange, Wildcard
from voice.skill.replies import Ask, Reply, Say
from voice.skill.schedule import Schedule

MAX_LINE = 256 * 1024
"""Longest line, bytes."""
OUT_OF_MEMORY = 77
"""Exit status of a process whose allocation failed: what is left of the skill can't be trusted."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Values(_Wire):
    """What can fill a slot."""

    words: list[str | tuple[str, Any] | ListValue] | None = None
    numbers: NumberRange | None = None

    @classmethod
    def of(cls, values: ListValues | None) -> Self | None:
        """Return the values as they go over the wire."""
        if values is None:
            return None
        if isinstance(values, NumberRange):
            return cls(numbers=values)
        return cls(words=None if isinstance(values, Wildcard) else [*values])

    def plain(self) -> ListValues:
        """Return the values as the grammar takes them."""
        if self.numbers is not None:
            return self.numbers
        return Wildcard() if self.words is None else [*self.words]


class CardHandler(_Wire):
    """A function that answers an intent."""

    intent: str
    is_answer: bool
    templates: list[tuple[str, dict[str, Any]]]
    dangerous: bool = False
    min_confidence: float = 0.0
    slots: dict[str, Values | None]


class Card(_Wire):
    """What a skill says of itself when it has been loaded."""

    kind: Literal["card"] = "card"
    name: str
    description: str
    publishes: list[str]
    needs: list[str]
    language: str
    handlers: list[CardHandler]
    lists: dict[str, Values]
    rules: dict[str, str]
    not_recognized: bool
    starts: int
    fallbacks: list[int]
    subscriptions: list[str]
    due: list[str]
    repeats: list[Annotated[float, Field(ge=1)]]
    files: list[str]
    """What it was made of; a change of one makes it another skill."""


class Failed(_Wire):
    """It could not be loaded."""

    kind: Literal["failed"] = "failed"
    error: str


class Answered(_Wire):
    """A call returned."""

    kind: Literal["answered"] = "answered"
    id: int
    say: str | None = None
    ask: bool = False
    expect: list[str] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, number: int, reply: Reply) -> Self:
        """Return a reply as it goes over the wire."""
        if isinstance(reply, Ask):
            return cls(id=number, say=reply.text, ask=True, expect=[*reply.expect], data={**reply.data})
        return cls(id=number, say=reply.text if isinstance(reply, Say) else reply)

    def reply(self) -> Reply:
        """Return the reply."""
        return Ask(self.say or "", self.expect, self.data) if self.ask else self.say


class Raised(_Wire):
    """A call raised."""

    kind: Literal["raised"] = "raised"
    id: int
    error: str
    fatal: bool = False
    """The process ends now."""


class Published(_Wire):
    """The skill publishes a message; the payload as Latin-1, which carries any bytes."""

    kind: Literal["published"] = "published"
    topic: str
    payload: str
    retain: bool = False


class Spoken(_Wire):
    """The skill speaks outside a session."""

    kind: Literal["spoken"] = "spoken"
    text: str
    site: str


class Later(_Wire):
    """The skill wants to be called later."""

    kind: Literal["later"] = "later"
    id: int
    seconds: float
    site: str


class Cancelled(_Wire):
    """The skill no longer wants to be called."""

    kind: Literal["cancelled"] = "cancelled"
    id: int


class Scheduled(_Wire):
    """The skill schedules something."""

    kind: Literal["scheduled"] = "scheduled"
    entry: Schedule


class Unscheduled(_Wire):
    """The skill takes a schedule back."""

    kind: Literal["unscheduled"] = "unscheduled"
    key: str


class Relisted(_Wire):
    """The skill has changed a list."""

    kind: Literal["relisted"] = "relisted"
    name: str
    values: Values


FromSkill = Annotated[
    Card | Failed | Answered | Raised | Published | Spoken | Later | Cancelled | Scheduled | Unscheduled | Relisted,
    Field(discriminator="kind"),
]
from_skill: TypeAdapter[FromSkill] = TypeAdapter(FromSkill)
"""Reads a line of a skill's process."""


class Load(_Wire):
    """Load this skill, then say what it is."""

    kind: Literal["load"] = "load"
    target: str
    language: str
    settings: Mapping[str, Any]
    state: str | None
    memory_mb: int


class Begin(_Wire):
    """You are on stage."""

    kind: Literal["begin"] = "begin"
    id: int
    now: datetime
    schedules: Sequence[Schedule]


class CallPart(_Wire):
    """Call one of your functions."""

    kind: Literal["call"] = "call"
    id: int
    now: datetime
    part: str
    """Which list of functions: handler, not_recognized, fallback, message, due, repeat or later."""
    which: str
    """Which of them: its index, name or number."""
    given: Mapping[str, Any]
    site: str = "default"
    text: str = ""
    confidence: float = 1.0
    session: str | None = None


FromHost = Annotated[Load | Begin | CallPart, Field(discriminator="kind")]
from_host: TypeAdapter[FromHost] = TypeAdapter(FromHost)
"""Reads a line of the host."""


def line_of(message: BaseModel) -> bytes:
    """Return a message as a line."""
    return message.model_dump_json().encode() + b"\n"
