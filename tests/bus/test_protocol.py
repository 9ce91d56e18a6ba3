"""docs/protocol.md, docs/schemas.json and docs/asyncapi.yaml say what the models say."""

import json
import re
from pathlib import Path

import pytest
import yaml

from voice.bus.topics import JSON_TOPICS, SOUND_TOPICS
from voice.bus.topics.document import documented, protocol
from voice.bus.topics.schemas import asyncapi, json_schemas

ROOT = Path(__file__).parent.parent.parent
MODELS = {model.__name__: model for model in (*JSON_TOPICS, *SOUND_TOPICS)}


@pytest.mark.parametrize(
    ("name", "written", "command"),
    [
        ("protocol.md", protocol, "protocol"),
        ("schemas.json", json_schemas, "schemas"),
        ("asyncapi.yaml", asyncapi, "asyncapi"),
    ],
)
def test_the_documents_are_fresh(name, written, command) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert text == written(), f"run: voice mqtt {command} > docs/{name}"


def pointers(node):
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from pointers(value)
    elif isinstance(node, list):
        for value in node:
            yield from pointers(value)


def resolve(documents, pointer: str, own: str):
    name, path = pointer.split("#", 1)
    node = documents[name.removeprefix("./") or own]
    for part in path.strip("/").split("/"):
        node = node[part]
    return node


def test_every_reference_of_the_documents_leads_somewhere() -> None:
    documents = {"asyncapi.yaml": yaml.safe_load(asyncapi()), "schemas.json": json.loads(json_schemas())}
    found = [(pointer, name) for name, document in documents.items() for pointer in pointers(document)]
    assert len(found) > 200
    for pointer, name in found:
        assert resolve(documents, pointer, name)


def test_asyncapi_has_each_message_with_its_direction() -> None:
    document = yaml.safe_load(asyncapi())
    assert set(document["channels"]) == {model.__name__ for model in documented()} == set(MODELS) - {"ComponentError"}
    for name, channel in document["channels"].items():
        assert re.findall(r"{(\w+)}", channel["address"]) == list(channel.get("parameters", {}))
        actions = [key for key in document["operations"] if key.removeprefix("send").removeprefix("receive") == name]
        wanted = {"read": 1, "written": 1, "both": 2}[MODELS[name].direction]
        assert len(actions) == wanted, name


def test_a_schema_names_what_is_required() -> None:
    schema = json.loads(json_schemas())
    assert schema["$defs"]["StartSession"]["required"] == ["init"]
    assert schema["topics"]["hermes/hotword/{wakewordId}/detected"] == {"$ref": "#/$defs/HotwordDetected"}
