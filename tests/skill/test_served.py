"""A skill as a program on the broker: the same file answers as it would at home."""

import asyncio
from typing import Annotated

import pytest

from voice.bus.broker import EmbeddedBroker
from voice.bus.memory import LocalBus
from voice.bus.mqtt import MqttLink
from voice.bus.settings import BrokerSettings
from voice.bus.topics import ContinueSession, EndSession, HermesSlot, IntentMessage, IntentName, SlotValue, on, send
from voice.dialogue.remote import RemoteSkills
from voice.errors import SkillError
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill import Ask, Range, Skill
from voice.skill.served import registration_of, serve
from voice.skill.settings import SkillSettings


def bar():
    skill = Skill("bar", publishes=["home/bar"])
    skill.list("drink", {"coffee": "C", "black tea": "T"})
    skill.rule("bring", "(bring|make) [me]")

    @skill.intent("Order", "<bring> {n} [cups of] {drink:what}", "<bring> {drink:what}")
    def order(what: str, n: Annotated[int, Range(1, 9)] = 1) -> Ask | str:
        if n > 4:
            return Ask(f"Really {n}?", expect=["Yes"], data={"what": what, "n": n})
        return pour(what, n)

    @skill.answer("Yes")
    def pour(what: str, n: int) -> str:
        skill.publish("home/bar", {"what": what, "n": n})
        return f"{n} times {what}."

    return skill


class Hub:
    """The assistant's side: bus, link, registrations; text in, replies out."""

    def __init__(self, bus):
        self.bus = bus
        self.replies = asyncio.Queue()
        self.learnt = asyncio.Event()
        self.remote = RemoteSkills(bus, lambda _: False, self._learn)
        self.parser = TemplateParser(compile_grammar(self.remote.sentences()))
        for model in (EndSession, ContinueSession):
            on(bus, model, self.replies.put)

    async def _learn(self):
        self.parser.grammar = compile_grammar(self.remote.sentences())
        self.learnt.set()

    async def say(self, text):
        intent = self.parser.parse(text)
        assert intent is not None
        slots = [HermesSlot(slot_name=s.name, raw_value=s.raw, value=SlotValue(value=s.value)) for s in intent.slots]
        name = IntentName(intent_name=intent.name)
        await send(self.bus, IntentMessage(input=text, intent=name, slots=slots, session_id="s"))
        async with asyncio.timeout(30):
            return await self.replies.get()


async def test_a_skill_on_the_broker_answers_as_at_home_and_leaves_nothing_behind():
    async with (
        EmbeddedBroker(BrokerSettings(port=0)) as broker,
        LocalBus() as bus,
        MqttLink(bus, broker.settings) as link,
    ):
        await link.wait_connected()
        link.share("home/#")
        heard = asyncio.Queue()
        bus.subscribe("home/bar", heard.put)
        hub, ready = Hub(bus), asyncio.Event()
        served = asyncio.create_task(serve(bar(), broker.settings, SkillSettings(), None, ready))
        async with asyncio.timeout(30):
            await ready.wait()
        assert hub.remote.intents == ["Order", "Yes"]
        assert (await hub.say("bring me two cups of black tea")).text == "2 times T."
        async with asyncio.timeout(30):
            assert (await heard.get()).payload == b'{"what": "T", "n": 2}'
        asked = await hub.say("make six coffee")
        assert (asked.text, asked.intent_filter) == ("Really 6?", ["Yes"])
        assert (await hub.say("yes")).text == "6 times C."
        hub.learnt.clear()
        served.cancel()
        await asyncio.gather(served, return_exceptions=True)
        async with asyncio.timeout(30):
            await hub.learnt.wait()
        assert hub.remote.intents == []


def test_what_the_contract_has_no_word_for_is_said():
    skill = Skill("bar")

    @skill.intent("Order", ("the usual", {"what": "C"}))
    def order(what: str) -> None: ...

    with pytest.raises(SkillError, match="'the usual' sets slots unspoken"):
        registration_of(skill)


def test_a_dangerous_intent_is_not_served_without_its_question():
    skill = Skill("door")

    @skill.intent("OpenDoor", "open the door", dangerous=True)
    def open_door() -> None: ...

    with pytest.raises(SkillError, match="OpenDoor is dangerous"):
        registration_of(skill)
