"""Record what goes over the bus during a conversation, and hold the conversation again later: did anything change?"""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from voice.bus.base import Message
from voice.errors import ConfigError
from voice.testing.assistant import Assistant

_IDS = re.compile(r'"(sessionId|id|reactivatedFromSessionId|requestId)":\s*"([^"]*)"')
_TIMES = re.compile(r'"(seconds|detectionSignalMs)":\s*[\d.]+')


@dataclass
class Tape:
    """Steps, and the messages that each led to; ids are numbered in the order of their coming."""

    steps: list[tuple[str, list[Any]]] = field(default_factory=list)
    """Name of the assistant's method (say, advance, receive) and its arguments."""
    messages: list[list[str]] = field(default_factory=list)
    """One list a step: `topic payload`."""

    @classmethod
    async def record(cls, assistant: Assistant, steps: Sequence[tuple[str, list[Any]]]) -> Self:
        """Hold a conversation and return its tape."""
        tape, names = cls(), _Names()
        for name, arguments in steps:
            if name not in ("say", "advance", "receive"):
                raise ConfigError(f"{name!r} is no step of a tape", fix="use say, advance, receive")
            await getattr(assistant, name)(*arguments)
            tape.steps.append((name, [*arguments]))
            tape.messages.append([names.line(message) for message in assistant.recent])
        return tape

    async def replay(self, assistant: Assistant) -> list[str]:
        """Hold the conversation again and return how the messages differ, as lines of a diff."""
        again = await Tape.record(assistant, self.steps)
        differences = []
        for (name, arguments), before, now in zip(self.steps, self.messages, again.messages, strict=True):
            found = [*difflib.unified_diff(before, now, "recorded", "now", lineterm="", n=1)]
            differences += [f"{name} {' '.join(map(str, arguments))}", *found] if found else []
        return differences

    def save(self, path: Path) -> None:
        """Write the tape as JSON."""
        steps = [
            {name: arguments, "messages": lines}
            for (name, arguments), lines in zip(self.steps, self.messages, strict=True)
        ]
        path.write_text(json.dumps(steps, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return a tape that was saved.

        Raises:
            ConfigError: it is none.
        """
        tape = cls()
        try:
            for step in json.loads(path.read_text(encoding="utf-8")):
                lines = step.pop("messages")
                ((name, arguments),) = step.items()
                tape.steps.append((name, [*arguments]))
                tape.messages.append([*lines])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path} is no tape ({error})", fix="record it again") from error
        return tape


class _Names:
    """Numbers instead of ids, which differ each time."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def line(self, message: Message) -> str:
        text = f"{message.topic} {message.payload.decode(errors='replace')}"
        text = _IDS.sub(lambda match: f'"{match[1]}":"{self._number(match[2])}"', text)
        return _TIMES.sub(r'"\1":0', text)

    def _number(self, name: str) -> str:
        return self._known.setdefault(name, f"<{len(self._known) + 1}>")
