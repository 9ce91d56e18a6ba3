"""What the documents call read is subscribed to somewhere, and what they call written is made somewhere."""

import ast
from pathlib import Path

from voice.bus.topics import JSON_TOPICS, SOUND_TOPICS, ComponentError

ROOT = Path(__file__).parent.parent.parent
MODELS = {model.__name__: model for model in (*JSON_TOPICS, *SOUND_TOPICS)}


def uses() -> tuple[set[str], set[str]]:
    """Return the models that the runtime subscribes to, and those that it makes."""
    heard, made = set(), set()
    for path in (ROOT / "voice").rglob("*.py"):
        if path.parent.name == "topics" and path.name != "exchange.py":
            continue
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name == "on":
                heard |= {argument.id for argument in call.args if isinstance(argument, ast.Name)}
            made.add(name)
    return heard & MODELS.keys(), made & MODELS.keys()


def test_each_message_is_really_read_and_written_as_the_documents_say() -> None:
    heard, made = uses()
    read = {name for name, model in MODELS.items() if model.direction in ("read", "both")}
    written = {name for name, model in MODELS.items() if model.direction in ("written", "both")}
    assert heard == read
    assert made >= written
    assert not {name for name in made - written if MODELS[name] is not ComponentError}
