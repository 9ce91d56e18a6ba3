"""What Snips and Rhasspy disagree about (reference, section 12), where it takes a dialogue to see it."""

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import EndSession, HotwordDetected, SessionEnded, SessionStarted, on, send
from voice.dialogue.manager import DialogueManager

UNGUESSABLE = 22
"""Characters that we add: 128 bits in base 64."""


class Sessions:
    """Who opened and ended."""

    def __init__(self, bus: LocalBus) -> None:
        self.started: list[SessionStarted] = []
        self.ended: list[str] = []
        on(bus, SessionStarted, self._start)
        on(bus, SessionEnded, self._end)

    async def _start(self, message: SessionStarted) -> None:
        self.started.append(message)

    async def _end(self, message: SessionEnded) -> None:
        self.ended.append(message.session_id)


async def woken(*wanted: str | None) -> list[str]:
    """Wake once for each wanted session id, ending each session; return the ids that were given."""
    async with LocalBus() as bus:
        manager, sessions = DialogueManager(bus), Sessions(bus)
        for session_id in wanted:
            await send(bus, HotwordDetected(model_id="computer", session_id=session_id))
            await bus.drain()
            await send(bus, EndSession(session_id=sessions.started[-1].session_id))
            await bus.drain()
        await manager.close()
    given = [message.session_id for message in sessions.started]
    assert sessions.ended == given
    return given


async def test_11_a_wanted_session_id_can_be_recognised_and_not_guessed() -> None:
    first, second = await woken("mine", "mine")
    assert first.startswith("mine-")
    assert second.startswith("mine-")
    assert first != second
    assert len(first) == len("mine-") + UNGUESSABLE


@pytest.mark.parametrize("wanted", ["x" * 65, "x" * 10_000])
async def test_11_a_long_one_is_cut(wanted: str) -> None:
    (given,) = await woken(wanted)
    assert len(given) == 64 + 1 + UNGUESSABLE


@pytest.mark.parametrize("wanted", [None, ""])
async def test_11_none_is_made_up(wanted: str | None) -> None:
    (given,) = await woken(wanted)
    assert len(given) == UNGUESSABLE
