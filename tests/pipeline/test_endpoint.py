"""The live loop lets what was said decide how long a pause may last."""

import pytest

from tests.pipeline.test_turns import room
from voice.bus import topics as t
from voice.pipeline.assistant import Turn


async def silence_after(text, **turn):
    """Return the silence that ended an utterance, ms."""
    async with room(text) as stage:
        turns = []
        stage.loop._watch = lambda event: turns.append(event) if isinstance(event, Turn) else None
        await stage.send(t.AsrStartListening(session_id="s", **turn))
        await stage.hear(6.0)
        return turns[0].endpoint_ms


@pytest.mark.parametrize(
    ("text", "turn", "silence_ms"),
    [
        ("turn on the kitchen light", {}, 400),
        ("turn off the", {}, 1200),
        ("mary had a little lamb", {}, 700),
        ("turn on the kitchen light", {"intent_filter": ["Stop"]}, 700),
        ("kitchen", {"intent_filter": ["ChooseRoom"], "slot": "room"}, 700),
    ],
)
async def test_a_whole_sentence_ends_soon_and_the_beginning_of_one_late(text, turn, silence_ms):
    assert await silence_after(text, **turn) == silence_ms


async def test_a_pause_that_can_not_be_judged_lasts_as_long_as_ever(monkeypatch):
    def fails(*_):
        raise ValueError("broken")

    monkeypatch.setattr("voice.pipeline.arbiter.Understander.progress", fails)
    assert await silence_after("turn on the kitchen light") == 700
