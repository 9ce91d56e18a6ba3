"""`docs/protocol.md`, written from the models."""

import json
from typing import Any

from voice.bus.topics import JSON_TOPICS, MAX_AUDIO, MAX_JSON, AudioFrame, ComponentError, Payload, PlayBytes

_JSON_KIB, _AUDIO_MIB = MAX_JSON // 2**10, MAX_AUDIO // 2**20

_INTRO = f"""# The topics

<!-- written by `voice mqtt protocol > docs/protocol.md`; a test reads it -->

Earshot speaks Hermes, the MQTT protocol of Snips and Rhasspy. Payloads are JSON with camelCase names. Unknown fields
are ignored, `null` is as good as absent, an empty payload is `{{}}`, and `siteId` is `"default"` where it is missing.
Messages are not retained, except `earshot/<client>/status`: `online`, or `offline` by the last will.

An id that stands in a topic is percent-encoded there when it holds `+`, `#`, `/`, `%` or NUL. A malformed message is
answered once on `hermes/error/<component>` and does nothing else; so is JSON of more than {_JSON_KIB} KiB, and a sound
of more than {_AUDIO_MIB} MiB.
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


def protocol() -> str:
    """Return the document in Markdown."""
    models = [model for model in JSON_TOPICS if model is not ComponentError]
    parts = [_INTRO, *(_json_section(model) for model in models), *map(_sound_section, (PlayBytes, AudioFrame)), _OUTRO]
    return "\n".join(parts)


def _json_section(model: type[Payload]) -> str:
    schema = model.model_json_schema(by_alias=True)
    rows = [
        _row(name, field, name in schema.get("required", []), schema.get("$defs", {}))
        for name, field in schema.get("properties", {}).items()
        if name != "component" or model.__name__ != "ErrorMessage"
    ]
    table = "| field | type | default |\n|---|---|---|\n" + "\n".join(rows)
    return f"## `{model.topic_filter}`\n\n{_sentence(model)}\n\n{table}\n"


def _sound_section(kind: type[PlayBytes] | type[AudioFrame]) -> str:
    return f"## `{kind.topic_filter}`\n\n{_sentence(kind)}\n\nThe payload is a whole RIFF/WAVE file, 16-bit PCM.\n"


def _sentence(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0]


def _row(name: str, field: dict[str, Any], required: bool, known: dict[str, Any]) -> str:
    default = "required" if required else _default(field)
    return f"| `{name}` | {_type(field, known)} | {default} |"


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "`[]`"
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
    if field.get("type") == "array":
        return f"list of {_type(field['items'], known)}"
    return field.get("type", "any")


def _object(schema: dict[str, Any], known: dict[str, Any]) -> str:
    fields = (f"{name}: {_type(field, known)}" for name, field in schema["properties"].items())
    return "{" + ", ".join(fields) + "}"
