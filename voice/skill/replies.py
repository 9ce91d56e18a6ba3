"""What a skill answers: say something and end, ask and listen again; and the turn it answers to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text` and end the session. A handler may return the bare text instead."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak a question and listen for the answer in the same session."""

    text: str
    expect: Sequence[str]
    """Names of the intents that count as an answer. "Stop" always ends the session as well."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the answer's handler needs to know: it comes back as keyword arguments."""


Reply = str | Say | Ask | None
"""What a handler may return; None acknowledges without words."""


@dataclass(frozen=True, slots=True)
class Context:
    """The turn that a handler answers; a parameter annotated `Context` receives it."""

    site: str = "default"
    """Where it was said."""
    text: str = ""
    """What was said."""
    confidence: float = 1.0
    """How sure the recogniser is, 0 to 1."""
    session: str | None = None
    """The dialogue session; None where the intent came without one."""


SHARED_ANSWERS: Mapping[str, Sequence[str]] = {
    "Yes": ("yes [please]", "(yeah|yep|sure|okay|correct|exactly)", "do it", "go ahead", "(that is|that's) right"),
    "No": ("no [thanks|thank you]", "(nope|nah)", "do not", "don't", "never mind", "leave it"),
}
"""Sentences of the answers that every skill can expect."""
