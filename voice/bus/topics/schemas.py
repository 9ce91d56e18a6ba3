"""JSON Schema and AsyncAPI documents, written from the models."""

import json
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from voice import __version__
from voice.bus.topics import JSON_TOPICS, Payload, Recording
from voice.bus.topics.document import address, documented, parameters, sentence

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ACTIONS = {"read": ("receive",), "written": ("send",), "both": ("receive", "send")}


def json_schemas() -> str:
    """Return one JSON Schema document: each message under `$defs`, and `topics` from a topic to its definition."""
    topics = {
        address(model): {"$ref": f"#/$defs/{model.__name__}"} for model in documented() if issubclass(model, Payload)
    }
    models = [(model, "validation") for model in JSON_TOPICS]
    _, schema = models_json_schema(models, by_alias=True)  # type: ignore[arg-type]
    document = {
        "$schema": _DIALECT,
        "title": "Hermes as Earshot speaks it",
        "topics": topics,
        "$defs": schema["$defs"],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def asyncapi() -> str:
    """Return the AsyncAPI 3.0 document in YAML; `send` is what Earshot publishes, `receive` what it subscribes to."""
    models = documented()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hermes as Earshot speaks it",
            "version": __version__,
            "description": "Written by `voice mqtt asyncapi`; a test reads it. In words: protocol.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "127.0.0.1:1883", "protocol": "mqtt"}},
        "channels": {model.__name__: _channel(model) for model in models},
        "operations": {
            f"{action}{model.__name__}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{model.__name__}"},
                "summary": sentence(model),
            }
            for model in models
            for action in _ACTIONS[model.direction]
        },
        "components": {
            "messages": {model.__name__: _message(model) for model in models},
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _channel(model: type[Payload] | type[Recording]) -> dict[str, Any]:
    name = model.__name__
    channel: dict[str, Any] = {
        "address": address(model),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    if names := parameters(model):
        channel["parameters"] = {
            name: {"description": "percent-encoded where it holds + # / % or NUL"} for name in names
        }
    return channel


def _message(model: type[Payload] | type[Recording]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": model.__name__, "summary": sentence(model)}
    if issubclass(model, Payload):
        return {**message, "payload": {"$ref": f"./schemas.json#/$defs/{model.__name__}"}}
    return {**message, "contentType": "audio/wav", "payload": {"type": "string", "format": "binary"}}
