"""`docs/protocol.md`, written from the models."""

import json
from collections.abc import Sequence
from typing import Any

from voice.bus.topics import JSON_TOPICS, MAX_AUDIO, MAX_JSON, SOUND_TOPICS, ComponentError, Payload, Recording

_JSON_KIB, _AUDIO_MIB = MAX_JSON // 2**10, MAX_AUDIO // 2**20

_INTRO = f"""# The topics

<!-- written by `voice mqtt protocol > docs/protocol.md`; a test reads it -->

Earshot speaks Hermes, the MQTT protocol of Snips and Rhasspy. Payloads are JSON with camelCase names. Unknown fields
are ignored, `null` is as good as absent, an empty payload is `{{}}`, and `siteId` is `"default"` where it is missing.
Messages are not retained, except `earshot/<client>/status`: `online`, or `offline` by the last will.

An id that stands in a topic is percent-encoded there when it holds `+`, `#`, `/`, `%` or NUL. A malformed message is
answered once on `hermes/error/<component>` and does nothing else; so is JSON of more than {_JSON_KIB} KiB (8 MiB for
an injection), and a sound of more than {_AUDIO_MIB} MiB.

"Read" and "written" say what Earshot does with a topic. The same models give [schemas.json](schemas.json) (JSON Schema)
and [asyncapi.yaml](asyncapi.yaml) (AsyncAPI 3.0). How a program answers intents: [remote skills](remote-skills.md).
"""

_OUTRO = """
## What is read but never written

| form | read as |
|---|---|
| `hermes/<component>/error` (Snips) | `hermes/error/<component>` |
| `tokens`, flat, in `textCaptured` (Snips) | `asrTokens` with one list |
| only one of a slot's `confidence` and `confidenceScore` | both |
| `termination` as a string | `{"reason": ...}` |
| `canBeEnqueued` missing | `true` |
"""

_DIRECTIONS = {"read": "Read.", "written": "Written.", "both": "Read and written."}
_NAMES = {
    "hermes/hotword/+/detected": ["wakewordId"],
    "hermes/intent/#": ["intentName"],
    "hermes/error/#": ["component"],
}


def documented() -> list[type[Payload] | type[Recording]]:
    """Return the messages in the order of their topics; Snips' form of errors has a line of its own."""
    models: list[type[Payload] | type[Recording]] = [*JSON_TOPICS, *SOUND_TOPICS]
    return sorted((m for m in models if m is not ComponentError), key=lambda m: m.topic_filter)


def address(model: type[Payload] | type[Recording]) -> str:
    """Return a message's topic with names in braces in place of wildcards."""
    names = iter(parameters(model))
    levels = model.topic_filter.split("/")
    return "/".join("{" + next(names) + "}" if level in "+#" else level for level in levels)


def parameters(model: type[Payload] | type[Recording]) -> Sequence[str]:
    """Return the names of what stands in a message's topic."""
    if model.topic_filter in _NAMES:
        return _NAMES[model.topic_filter]
    return [head + "".join(map(str.capitalize, rest)) for head, *rest in (name.split("_") for name in model.in_topic)]


def sentence(model: type) -> str:
    """Return the first line of a message's docstring."""
    return (model.__doc__ or "").splitlines()[0]


def protocol() -> str:
    """Return the document in Markdown."""
    return "\n".join([_INTRO, *map(_section, documented()), _OUTRO])


def _section(model: type[Payload] | type[Recording]) -> str:
    body = _table(model) if issubclass(model, Payload) else "The payload is a whole RIFF/WAVE file, 16-bit PCM.\n"
    said = f"{sentence(model)} {_DIRECTIONS[model.direction]}"
    topic = f"`{address(model)}`: {said}" if "+" in model.topic_filter or "#" in model.topic_filter else said
    return f"## `{model.topic_filter}`\n\n{topic}\n\n{body}"


def _table(model: type[Payload]) -> str:
    schema = model.model_json_schema(by_alias=True)
    rows = [
        _row(name, field, name in schema.get("required", []), schema.get("$defs", {}))
        for name, field in schema.get("properties", {}).items()
        if name not in ("component", "skillId")
    ]
    if not rows:
        return "No fields.\n"
    return "| field | type | default |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(name: str, field: dict[str, Any], required: bool, known: dict[str, Any]) -> str:
    default = "required" if required else _default(field)
    note = f": {field['description']}" if "description" in field else ""
    return f"| `{name}` | {_type(field, known)}{note} | {default} |"


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "`{}`" if field.get("type") == "object" else "`[]`"
    return "absent" if field["default"] is None else f"`{json.dumps(field['default'])}`"


def _type(field: dict[str, Any], known: dict[str, Any]) -> str:
    if "$ref" in field:
        return _object(known[field["$ref"].rsplit("/", 1)[1]], known)
    if options := field.get("anyOf") or field.get("oneOf"):
        return " or ".join(_type(option, known) for option in options if option.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "prefixItems" in field:
        return f"[{', '.join(_type(item, known) for item in field['prefixItems'])}]"
    if field.get("type") == "array":
        return f"list of {_type(field['items'], known)}"
    if isinstance(values := field.get("additionalProperties"), dict):
        return f"object of name to {_type(values, known)}"
    return field.get("type", "any")


def _object(schema: dict[str, Any], known: dict[str, Any]) -> str:
    fields = (f"{name}: {_type(field, known)}" for name, field in schema["properties"].items())
    return "{" + ", ".join(fields) + "}"
