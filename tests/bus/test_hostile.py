"""What a hostile or broken client can send: nothing raises or breaks out of its topic, and the next turn works."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.bus import topics as t
from voice.bus.base import Message
from voice.bus.components import Components
from voice.bus.frames import FrameSource
from voice.bus.injection import Injection
from voice.bus.memory import QUEUE_BYTES, LocalBus, check_topic
from voice.clock import VirtualClock
from voice.dialogue.manager import DialogueManager
from voice.dialogue.remote import RemoteSkills
from voice.skill import Skill
from voice.skill.host import SkillHost
from voice.speech.players import NullPlayer
from voice.speech.service import SpeechService
from voice.speech.wav import encode

IDS = ["a/b", "+", "#", "a/../b", "hermes/tts/say", "\0", "%2F", "", " ", "x" * 50_000, "\ud800", "日本", "\n"]
WRONG = [None, True, 5, -1, 1e308, float("nan"), [], {}, [[]], {"a": {"b": []}}, "text", 10**400]
RAW = [b"", b"{", b"null", b"[]", b'""', b"\xff\xfe", b'{"a":' * 5000, b'{"siteId": "\\ud800"}', b" " * 10_000_000]


class Nobody:
    """Lists that nobody changes."""

    def add(self, lists) -> None: ...

    def add_to_first(self, lists) -> None: ...

    def forget(self) -> None: ...


async def silence(_text, _lang):
    return encode(np.zeros(800, np.float32), 16_000)


class House:
    """Everything that reads the bus, but the ears."""

    def __init__(self, bus):
        self.bus, self.clock, self.topics = bus, VirtualClock(), []
        self.host = SkillHost(bus, [greeter()], clock=self.clock)
        self.remote = RemoteSkills(bus, lambda intent: False, self.learn)
        self.dialogue = DialogueManager(bus, None, self.host.handles, clock=self.clock)
        self.speech = SpeechService(bus, clock=self.clock, player=NullPlayer(self.clock), voice=silence)
        self.components = Components(bus, "default")
        self.injection = Injection(bus, Nobody())
        self.source = FrameSource(bus, "default", clock=self.clock)
        bus.subscribe("#", self.note)

    async def learn(self):
        """Nothing is compiled here."""

    async def note(self, message):
        self.topics.append(message.topic)

    async def close(self):
        for part in (self.remote, self.dialogue, self.host, self.speech, self.components, self.injection, self.source):
            await part.close()

    async def turn(self):
        """Wake, say a sentence and hear the answer; return what is spoken."""
        said = []

        async def note(message: t.TtsSay | t.SessionStarted) -> None:
            said.append(message)

        for topic in ("hermes/dialogueManager/toggleOn", "rhasspy/handle/toggleOn"):
            await self.bus.publish(topic, b'{"siteId": null}')  # an empty payload has switched it off, rightly
        await self.bus.drain()
        taken_back = [t.on(self.bus, model, note) for model in (t.TtsSay, t.SessionStarted)]
        await t.send(self.bus, t.HotwordDetected(model_id="computer", site_id="fresh"))
        await self.bus.drain()
        session = said[-1].session_id
        await t.send(self.bus, t.AsrTextCaptured(text="hello", session_id=session, site_id="fresh"))
        await self.bus.drain()
        await t.send(self.bus, t.NluIntentParsed(input="hello", intent=HELLO, session_id=session))
        for _ in range(3):
            await self.bus.drain()
            await self.host.settle()
        for take_back in taken_back:
            take_back()
        return said[-1].text


HELLO = t.IntentName(intent_name="Hello")


def greeter():
    skill = Skill("greeter")

    @skill.intent("Hello", "hello")
    async def hello() -> str:
        return "Good day."

    return skill


@pytest.fixture
async def house():
    async with LocalBus() as bus:
        house = House(bus)
        yield house
        await house.close()


def topics_of(model) -> Iterator[str]:
    for level in ("default", "%2F%2B%23", "x" * 3000):
        yield model.topic_filter.replace("+", level).replace("#", level)


def fields_of(model) -> list[str]:
    return list(model.model_json_schema(by_alias=True).get("properties", {}))


@pytest.mark.parametrize("model", t.JSON_TOPICS, ids=lambda model: model.__name__)
async def test_no_payload_of_any_topic_raises_or_stops_the_next_turn(house, model):
    for topic in topics_of(model):
        for payload in RAW:
            await house.bus.publish(topic, payload)
            await house.bus.drain()
        needed = dict.fromkeys(fields_of(model), "x")
        for field in fields_of(model):
            for wrong in WRONG:
                await house.bus.publish(topic, json.dumps({**needed, field: wrong}).encode())
        await house.bus.drain()
    assert house.bus.failed == 0
    assert await house.turn() == "Good day."


@pytest.mark.parametrize("model", t.SOUND_TOPICS, ids=lambda model: model.__name__)
async def test_no_sound_of_any_topic_raises(house, model):
    wavs = [b"RIFF\0\0\0\0WAVE", b"RIFF" + bytes(10_000_000), t.write_frame(np.zeros(16, np.float32))[:-3]]
    for topic in topics_of(model):
        for payload in (*RAW, *wavs, t.write_frame(np.zeros(16, np.float32))):
            await house.bus.publish(topic, payload)
            await house.bus.drain()
    await house.clock.advance(30, house.bus.drain)
    assert house.bus.failed == 0
    assert await house.turn() == "Good day."


@pytest.mark.parametrize("name", IDS, ids=ascii)
async def test_an_id_never_breaks_out_of_its_topic(house, name):
    before = len(house.topics)
    ids = {"siteId": name, "sessionId": name, "id": name, "requestId": name}
    for topic, payload in (
        ("hermes/hotword/x/detected", {"modelId": name}),
        ("hermes/dialogueManager/startSession", {"init": {"type": "notification", "text": name}, "customData": name}),
        ("hermes/dialogueManager/startSession", {"init": {"type": "action", "intentFilter": [name]}}),
        ("hermes/nlu/intentParsed", {"input": name, "intent": {"intentName": name}}),
        ("hermes/tts/say", {"text": name}),
        ("rhasspy/hotword/getHotwords", {}),
        ("hermes/injection/perform", {"operations": [["add", {name: [name]}]]}),
        ("earshot/skill/x/register", {"intents": {name: []}}),
    ):
        await house.bus.publish(topic, json.dumps({**ids, **payload}).encode())
        await house.bus.drain()
    await house.clock.advance(5, house.bus.drain)
    assert house.bus.failed == 0
    known = [model.topic_filter.split("/")[:2] for model in (*t.JSON_TOPICS, *t.SOUND_TOPICS)]
    for topic in house.topics[before:]:
        check_topic(topic)
        assert any(a in ("+", b) for a, b in [(k[1], topic.split("/")[1]) for k in known]), topic[:100]
    assert await house.turn() == "Good day."


async def test_a_flood_of_large_messages_is_bounded_in_bytes():
    async with LocalBus() as bus:
        kept = []

        async def note(message: Message) -> None:
            kept.append(len(message.payload))

        bus.subscribe("hermes/x", note)
        for _ in range(30):
            await bus.publish("hermes/x", bytes(10_000_000))
        assert bus.dropped == 24
        await bus.drain()
        assert sum(kept) <= QUEUE_BYTES
        await bus.publish("hermes/x", bytes(QUEUE_BYTES + 1))
        await bus.drain()
        assert kept[-1] == QUEUE_BYTES + 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=20))
def test_whatever_is_read_can_be_written_again(text, name):
    for model, payload in (
        (t.TtsSay, {"text": text, "siteId": name, "id": name}),
        (t.StartSession, {"init": {"type": "action", "text": text}, "customData": text}),
        (t.IntentMessage, {"input": text, "intent": {"intentName": name}}),
    ):
        message = model.parse(Message("hermes/x/y/z", json.dumps(payload).encode()))
        check_topic(message.topic())
        assert type(message).parse(Message(message.topic(), message.encode())) == message
