"""What every Hermes payload has in common: names, null, size limits, errors."""

import json
from typing import Any, ClassVar, Self
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

    def topic(self) -> str:
        """Return the topic that this message goes out on."""
        return self.topic_filter

    def encode(self) -> bytes:
        """Return the JSON payload."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    @classmethod
    def parse(cls, message: Message) -> Self:
        """Return the message's model.

        Raises:
            BusError: it is too large, not JSON, or breaks the schema.
        """
        if len(message.payload) > MAX_JSON:
            raise BusError(f"{message.topic}: {len(message.payload)} bytes", fix=f"send at most {MAX_JSON}")
        try:
            data = json.loads(message.payload or b"{}")
            return cls.model_validate(cls._with_topic({} if data is None else data, message.topic.split("/")))
        except (ValueError, RecursionError) as error:
            raise BusError(f"{message.topic}: {_reason(error)}", fix="see docs/protocol.md") from error

    @classmethod
    def _with_topic(cls, data: Any, levels: list[str]) -> Any:
        """Return the payload with what stands in the topic instead."""
        return data


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(map(str, detail['loc'])) or 'payload'}: {detail['msg']}"
    return f"not JSON ({str(error).splitlines()[0]})"


class SitePayload(Payload):
    """A message about one site."""

    site_id: str = "default"
