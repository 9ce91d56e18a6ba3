"""docs/protocol.md says what the models say."""

from pathlib import Path

from voice.bus.topics.document import protocol

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "protocol.md"


def test_the_protocol_document_is_fresh() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == protocol(), "run: voice mqtt protocol > docs/protocol.md"
