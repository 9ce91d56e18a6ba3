"""Several sites that share a room (divergence 10): the first that wakes wins, one session for the group."""

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    Configure,
    EndSession,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentName,
    IntentSwitch,
    NluIntentParsed,
    NluQuery,
    NotificationInit,
    SessionEnded,
    SessionQueued,
    SessionStarted,
    StartSession,
    TtsSay,
    on,
    send,
)
from voice.config import load_config
from voice.dialogue.manager import DialogueManager
from voice.dialogue.settings import DialogueSettings


class Stage:
    """A dialogue manager, and what it says."""

    def __init__(self, bus, **settings):
        self.bus, self.seen = bus, []
        self.manager = DialogueManager(bus, DialogueSettings(**settings))
        for model in (SessionStarted, SessionQueued, SessionEnded, AsrStartListening, TtsSay, NluQuery):
            on(bus, model, self.see)
        for model in (HotwordToggleOff, HotwordToggleOn):
            on(bus, model, self.see)

    async def see(self, message):
        self.seen.append(message)
        if isinstance(message, NluQuery):
            name = IntentName(intent_name="LightOn")
            await send(self.bus, NluIntentParsed(input="x", intent=name, id=message.id, session_id=message.session_id))

    async def tell(self, *messages):
        for message in messages:
            await send(self.bus, message)
            await self.bus.drain()

    def sites(self, kind):
        return [message.site_id for message in self.seen if isinstance(message, kind)]

    def session(self):
        return [message for message in self.seen if isinstance(message, SessionStarted)][-1].session_id


@pytest.fixture
async def stage():
    async with LocalBus() as bus:
        stage = Stage(bus, group_separator=".")
        yield stage
        await stage.manager.close()


def wake(site):
    return HotwordDetected(model_id="computer", site_id=site)


async def test_10_the_first_site_of_a_group_that_wakes_wins(stage):
    await stage.tell(wake("bedroom.rear"), wake("bedroom.front"), wake("bedroom"))
    assert stage.sites(SessionStarted) == ["bedroom.rear"]
    assert stage.sites(AsrStartListening) == ["bedroom.rear"]


async def test_10_another_group_is_not_disturbed(stage):
    await stage.tell(wake("bedroom.rear"), wake("kitchen.front"), wake("hall"))
    assert stage.sites(SessionStarted) == ["bedroom.rear", "kitchen.front", "hall"]


async def test_10_the_session_stays_at_its_site_and_the_next_may_be_at_another(stage):
    await stage.tell(wake("bedroom.rear"), wake("bedroom.front"))
    await stage.tell(EndSession(session_id=stage.session()))
    await stage.tell(wake("bedroom.front"))
    await stage.tell(EndSession(session_id=stage.session()))
    assert stage.sites(SessionEnded) == stage.sites(SessionStarted) == ["bedroom.rear", "bedroom.front"]
    assert stage.sites(HotwordToggleOff) == stage.sites(HotwordToggleOn) == ["bedroom.rear", "bedroom.front"]


async def test_10_what_is_asked_for_at_another_site_of_the_group_waits_its_turn(stage):
    await stage.tell(wake("bedroom.rear"))
    await stage.tell(StartSession(init=NotificationInit(text="The cake is done."), site_id="bedroom.front"))
    assert stage.sites(SessionQueued) == ["bedroom.front"]
    assert stage.sites(TtsSay) == []
    await stage.tell(EndSession(session_id=stage.session()))
    assert stage.sites(SessionStarted) == ["bedroom.rear", "bedroom.front"]
    assert stage.sites(TtsSay) == ["bedroom.front"]


async def test_10_an_intent_switched_off_at_a_site_is_off_in_its_group(stage):
    await stage.tell(wake("bedroom.rear"), EndSession(session_id=""))
    await stage.tell(Configure(intents=[IntentSwitch(intent_id="LightOn", enable=False)], site_id="bedroom.front"))
    await stage.tell(AsrTextCaptured(text="x", session_id=stage.session(), site_id="bedroom.rear"))
    assert stage.sites(SessionEnded) == ["bedroom.rear"]


async def test_10_without_a_separator_every_site_is_its_own():
    async with LocalBus() as bus:
        stage = Stage(bus)
        await stage.tell(wake("bedroom.rear"), wake("bedroom.front"))
        assert stage.sites(SessionStarted) == ["bedroom.rear", "bedroom.front"]
        await stage.manager.close()


async def test_10_only_the_sites_in_the_list_are_served():
    async with LocalBus() as bus:
        stage = Stage(bus, group_separator=".", sites="kitchen, bedroom")
        await stage.tell(wake("hall"), wake("kitchen"), wake("bedroom.front"), wake("bedrooms.front"))
        assert stage.sites(SessionStarted) == ["kitchen", "bedroom.front"]
        await stage.manager.close()


@pytest.mark.parametrize("text", ["kitchen,bedroom.front", "[kitchen, bedroom.front]"])
def test_10_the_sites_may_be_one_text_with_commas(text, tmp_path):
    path = tmp_path / "assistant.yaml"
    path.write_text(f"dialogue: {{sites: {text if text[0] == '[' else repr(text)}, group_separator: .}}\n")
    settings = load_config(path).dialogue
    assert settings.sites == ("kitchen", "bedroom.front")
    assert settings.group("bedroom.front.left") == "bedroom"
