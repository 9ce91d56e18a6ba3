"""What a client may ask of the components."""

import asyncio
import json

import pytest

from voice import __version__
from voice.bus import topics as t
from voice.bus.components import COMPONENTS, Components
from voice.bus.memory import LocalBus
from voice.errors import DeviceError, GrammarError

HOTWORD = t.Hotword(model_id="computer", model_words="computer", model_version="1.0")
DEVICES = [t.AudioDevice(mode="input", id="mic"), t.AudioDevice(mode="output", id="out")]


class Room:
    def __init__(self, bus, **arguments):
        self.bus, self.seen, self.answered = bus, [], asyncio.Event()
        self.components = Components(bus, "default", [HOTWORD], **{"devices": self.devices, **arguments})
        for model in (t.Version, t.ComponentLoaded, t.Hotwords, t.AudioDevices, t.ErrorMessage):
            t.on(bus, model, self.note)

    async def note(self, message):
        self.seen.append(message)
        self.answered.set()

    def devices(self, test):
        self.tested = test
        return DEVICES

    async def ask(self, topic, **payload):
        await self.bus.publish(topic, json.dumps(payload).encode())
        await asyncio.wait_for(self.answered.wait(), 20)  # changes are made on a thread
        self.answered.clear()
        seen, self.seen = self.seen, []
        return seen


@pytest.fixture
async def room():
    async with LocalBus() as bus:
        room = Room(bus)
        yield room
        await room.components.close()


async def test_each_component_says_that_it_is_ready(room):
    await room.components.announce()
    await room.bus.drain()
    assert [(message.topic(), message.version) for message in room.seen] == [
        (f"hermes/{component}/loaded", __version__) for component in COMPONENTS
    ]


@pytest.mark.parametrize("component", COMPONENTS)
async def test_each_component_tells_its_version(room, component):
    (answer,) = await room.ask(f"hermes/{component}/versionRequest")
    assert (answer.topic(), answer.version) == (f"hermes/{component}/version", __version__)


async def test_wake_words_and_devices_are_told_with_the_id_of_the_request(room):
    (hotwords,) = await room.ask("rhasspy/hotword/getHotwords", id="1")
    assert (hotwords.models, hotwords.id) == ([HOTWORD], "1")
    (devices,) = await room.ask("rhasspy/audioServer/getDevices", modes=["output"], id="2", test=True)
    assert (devices.devices, devices.id, room.tested) == ([DEVICES[1]], "2", True)


@pytest.mark.parametrize(
    ("topic", "payload", "component"),
    [
        ("rhasspy/asr/default/train", {"graphPath": "/x", "id": "1"}, "asr"),
        ("rhasspy/nlu/default/train", {"graphPath": "/x"}, "nlu"),
        ("rhasspy/train/getIntentGraph", {"id": "1"}, "nlu"),
        ("hermes/asr/reload", {"loadId": "1"}, "asr"),
        ("hermes/tts/reload", {}, "tts"),
    ],
)
async def test_what_can_not_be_done_is_an_error_and_never_silence(room, topic, payload, component):
    (error,) = await room.ask(topic, **payload)
    assert error.component == component
    assert error.context == payload.get("id", payload.get("loadId"))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("hermes/banana/versionRequest", {}),
        ("hermes/banana/reload", {}),
        ("rhasspy/asr/kitchen/train", {}),
        ("rhasspy/hotword/getHotwords", {"siteId": "kitchen"}),
        ("rhasspy/audioServer/getDevices", {"siteId": "kitchen", "modes": []}),
    ],
)
async def test_what_is_not_ours_is_left_to_others(room, topic, payload):
    await room.bus.publish(topic, json.dumps(payload).encode())
    await room.bus.drain()
    assert room.seen == []


@pytest.mark.parametrize(("error", "kind"), [(None, t.ComponentLoaded), (GrammarError("no"), t.ErrorMessage)])
async def test_a_reload_is_answered_when_it_is_done(error, kind):
    async def reload():
        if error:
            raise error

    async with LocalBus() as bus:
        room = Room(bus, reload=reload)
        (answer,) = await room.ask("hermes/nlu/reload", loadId="7")
        assert isinstance(answer, kind)
        assert "7" in (getattr(answer, "load_id", None), getattr(answer, "context", None))
        await room.components.close()


async def test_a_machine_without_portaudio_is_an_error():
    def none(_):
        raise DeviceError("no PortAudio")

    async with LocalBus() as bus:
        room = Room(bus, devices=none)
        (answer,) = await room.ask("rhasspy/audioServer/getDevices", modes=["input"])
        assert "no PortAudio" in answer.error
        await room.components.close()
