"""What every Hermes payload has in common: names, null, size limits, errors."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from voice.bus.base import Message
from voice.errors import BusError

MAX_JSON = 256 * 1024
MAX_AUDIO = 16 * 1024 * 1024
"""Largest payload taken, bytes. Divergence 12 speaks of 5 MB as too much sound; our own longest speech takes 5.1."""


def safe_level(text: str) -> str:
    """Return `text` as one topic level: wildcards, separators and NUL are percent-encoded (divergence 7)."""
    return "".join(f"%{ord(c):02X}" if c in "+#/\0%" else c for c in text)


def plain_level(level: str) -> str:
    """Return the text that `safe_level` made a topic level of."""
    return unquote(level)


Direction = Literal["read", "written", "both"]
"""What Earshot does with a topic."""


def filled(topic_filter: str, texts: Sequence[str]) -> str:
    """Return the topic whose `+` levels are `texts`, escaped."""
    rest = iter(texts)
    return "/".join(safe_level(next(rest)) if level == "+" else level for level in topic_filter.split("/"))


def levels_of(topic_filter: str, topic: str) -> list[str]:
    """Return what stands in a topic at the `+` levels of its filter."""
    pairs = zip(topic_filter.split("/"), topic.split("/"), strict=False)
    return [plain_level(level) for wanted, level in pairs if wanted == "+"]


class Wire(BaseModel):
    """A JSON object on the wire: camelCase, unknown fields ignored, null as good as absent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


class Payload(Wire):
    """A JSON message. Subclasses name their topic."""

    topic_filter: ClassVar[str]
    direction: ClassVar[Direction] = "both"
    in_topic: ClassVar[Sequence[str]] = ()
    """Fields that stand in the topic, at its `+` levels; what is there counts more than what the payload says."""
    max_bytes: ClassVar[int] = MAX_JSON
    """Longest payload read."""

    def topic(self) -> str:
        """Return the topic that this message goes out on."""
        return filled(self.topic_filter, [getattr(self, name) or "" for name in self.in_topic])

    def encode(self) -> bytes:
        """Return the JSON payload."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Return the message's model.

        Raises:
            BusError: it is too large, not JSON, or breaks the schema.
        """
        if len(message.payload) > cls.max_bytes:
            raise BusError(f"{message.topic}: {len(message.payload)} bytes", fix=f"send at most {cls.max_bytes}")
        try:
            data = json.loads(message.payload or b"{}")
            if b"\\u" in message.payload:
                _check_text(data)
            return cls.model_validate(cls._with_topic({} if data is None else data, message.topic.split("/")))
        except (ValueError, RecursionError) as error:
            raise BusError(f"{message.topic}: {_reason(error)}", fix="see docs/protocol.md") from error

    @classmethod
    def _with_topic(cls, data: Any, levels: list[str]) -> Any:
        """Return the payload with what stands in the topic instead."""
        if not cls.in_topic or not isinstance(data, dict):
            return data
        return {
            **data,
            **dict(zip(map(to_camel, cls.in_topic), levels_of(cls.topic_filter, "/".join(levels)), strict=False)),
        }


def _check_text(data: Any) -> None:
    r"""Refuse halves of surrogate pairs, which `\ud800` brings in and no message can carry on (RFC 8259, section 8.2).

    Raises:
        ValueError: there is one.
    """
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("half a surrogate pair in a text") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(map(str, detail['loc'])) or 'payload'}: {detail['msg']}"
    return f"not JSON ({str(error).splitlines()[0]})"


class SitePayload(Payload):
    """A message about one site."""

    site_id: str = "default"
