"""One wake word heard at several sites: one answers."""

import logging

import pytest

from voice.bus import topics as t
from voice.bus.memory import LocalBus
from voice.clock import VirtualClock
from voice.dialogue.manager import DialogueManager
from voice.dialogue.settings import DialogueSettings


class House:
    def __init__(self, bus, **settings):
        self.bus, self.clock, self.started, self.decisions = bus, VirtualClock(), [], []
        self.manager = DialogueManager(bus, DialogueSettings(**settings), clock=self.clock)
        t.on(bus, t.SessionStarted, self.note)
        t.on(bus, t.Arbitration, self.note)

    async def note(self, message):
        (self.started if isinstance(message, t.SessionStarted) else self.decisions).append(message)

    async def wake(self, site, after=0.0, **marks):
        await self.clock.advance(after, self.bus.drain)
        await t.send(self.bus, t.HotwordDetected(model_id="computer", site_id=site, **marks))
        await self.bus.drain()

    async def pass_by(self, seconds):
        await self.clock.advance(seconds, self.bus.drain)
        await self.bus.drain()

    async def end_all(self):
        for message in self.started:
            await t.send(self.bus, t.EndSession(session_id=message.session_id))
        await self.bus.drain()

    def sites(self):
        return [message.site_id for message in self.started]


@pytest.fixture
async def house():
    async with LocalBus() as bus:
        house = House(bus, arbitration_s=0.3)
        for site in ("kitchen", "hall"):  # both have been heard before
            await house.wake(site, after=1.0)
        await house.pass_by(1)
        await house.end_all()
        house.started.clear()
        yield house
        await house.manager.close()


async def test_the_loudest_site_answers_however_late_within_the_window(house, caplog):
    caplog.set_level(logging.INFO)
    await house.wake("hall", level_dbfs=-40.0, score=0.99)
    await house.wake("kitchen", after=0.2, level_dbfs=-20.0, score=0.95)
    assert house.sites() == []
    await house.pass_by(0.11)
    assert house.sites() == ["kitchen"]
    (decision,) = house.decisions
    assert (decision.site_id, decision.window_ms) == ("kitchen", 300)
    assert [(heard.site_id, heard.later_ms) for heard in decision.heard] == [("hall", 0), ("kitchen", 200)]
    assert "kitchen answers" in caplog.text
    assert "-40.0 dBFS" in caplog.text


@pytest.mark.parametrize(
    ("marks", "winner"),
    [
        (({"score": 0.9}, {"score": 0.95}), "hall"),
        (({"score": 0.99}, {"score": 0.95}), "kitchen"),
        (({}, {"score": 0.95, "level_dbfs": -10.0}), "kitchen"),
        (({"level_dbfs": -30.0}, {"level_dbfs": -30.0}), "kitchen"),
    ],
    ids=["score", "score-first", "first", "tie"],
)
async def test_without_levels_the_score_decides_and_without_scores_the_first(house, marks, winner):
    await house.wake("kitchen", **marks[0])
    await house.wake("hall", after=0.05, **marks[1])
    await house.pass_by(0.5)
    assert house.sites() == [winner]


async def test_a_wake_at_one_site_only_needs_no_decision(house):
    await house.wake("hall", level_dbfs=-40.0)
    await house.pass_by(0.31)
    assert (house.sites(), house.decisions) == (["hall"], [])


async def test_wakes_further_apart_are_two(house):
    await house.wake("hall")
    await house.pass_by(0.31)
    await house.wake("kitchen")
    await house.pass_by(0.31)
    assert house.sites() == ["hall", "kitchen"]


async def test_a_site_in_a_session_does_not_take_part(house):
    await house.wake("hall")
    await house.pass_by(0.31)
    await house.wake("hall", level_dbfs=0.0)
    await house.wake("kitchen", level_dbfs=-60.0)
    await house.pass_by(0.31)
    assert house.sites() == ["hall", "kitchen"]


async def test_a_house_with_one_site_does_not_wait_and_a_second_one_within_the_window_has_lost():
    async with LocalBus() as bus:
        house = House(bus, arbitration_s=0.3)
        await house.wake("kitchen", level_dbfs=-40.0)
        assert house.sites() == ["kitchen"]
        await house.wake("hall", after=0.1, level_dbfs=-20.0)
        await house.pass_by(1)
        assert house.sites() == ["kitchen"]
        assert [decision.site_id for decision in house.decisions] == ["kitchen"]
        await house.manager.close()


async def test_by_default_everyone_answers_at_once():
    async with LocalBus() as bus:
        house = House(bus)
        await house.wake("kitchen")
        await house.wake("hall")
        assert house.sites() == ["kitchen", "hall"]
        await house.manager.close()


async def test_a_dialogue_that_is_switched_off_opens_no_session():
    async with LocalBus() as bus:
        house, errors = House(bus), []

        async def note(message: t.ErrorMessage) -> None:
            errors.append(message.component)

        t.on(bus, t.ErrorMessage, note)
        await t.send(bus, t.DialogueToggleOff(site_id="hall"))
        await bus.drain()
        await house.wake("hall")
        await house.wake("kitchen")
        await t.send(bus, t.StartSession(init=t.NotificationInit(text="x"), site_id="hall"))
        await bus.drain()
        assert (house.sites(), errors) == (["kitchen"], ["dialogueManager"])
        await bus.publish("hermes/dialogueManager/toggleOn", b"")
        await bus.drain()
        await house.wake("hall")
        assert house.sites() == ["kitchen", "hall"]
        await bus.publish("hermes/dialogueManager/toggleOff", b"")
        await bus.drain()
        await house.end_all()
        await house.wake("attic")
        assert house.sites() == ["kitchen", "hall"]
        await house.manager.close()
