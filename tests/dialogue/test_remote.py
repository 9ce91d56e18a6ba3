"""Registration of remote skills."""

import json

import pytest

from voice.bus import topics as t
from voice.bus.memory import LocalBus
from voice.dialogue.remote import RemoteSkills
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar


class House:
    def __init__(self, bus):
        self.bus, self.answers, self.parser = bus, [], None
        self.remote = RemoteSkills(bus, lambda intent: intent == "GetTime", self.learn)
        t.on(bus, t.SkillRegistered, self.note)

    async def learn(self):
        self.parser = TemplateParser(compile_grammar(self.remote.sentences()))

    async def note(self, message):
        self.answers.append(message)

    async def register(self, skill, payload):
        await self.bus.publish(f"earshot/skill/{skill}/register", json.dumps(payload).encode() if payload else b"")
        await self.bus.drain()
        return self.answers[-1]


@pytest.fixture
async def house():
    async with LocalBus() as bus:
        house = House(bus)
        yield house
        await house.remote.close()


COFFEE = {"intents": {"Brew": ["(make|brew) [a] <size> {drink}"]}, "lists": {"drink": ["coffee", "tea"]}}
COFFEE |= {"rules": {"size": "(big|small)"}}


async def test_a_skill_registers_and_is_understood(house):
    answer = await house.register("coffee-bar", COFFEE)
    assert (answer.skill_id, answer.intents, answer.error) == ("coffee-bar", ["Brew"], None)
    intent = house.parser.parse("make a big coffee")
    assert (intent.name, [(slot.name, slot.value) for slot in intent.slots]) == ("Brew", [("drink", "coffee")])
    assert house.remote.handles("Brew")
    assert house.remote.intents == ["Brew"]


async def test_an_empty_payload_takes_it_back(house):
    await house.register("coffee", COFFEE)
    assert (await house.register("coffee", None)).intents == []
    assert not house.remote.handles("Brew")
    assert house.parser.parse("make a big coffee") is None


async def test_lists_of_two_skills_do_not_collide(house):
    await house.register("coffee", COFFEE)
    await house.register("bar", {"intents": {"Pour": ["pour [a] {drink}"]}, "lists": {"drink": ["beer"]}})
    assert house.parser.parse("pour a beer").name == "Pour"
    assert house.parser.parse("pour a tea") is None


async def test_an_intent_without_sentences_is_one_that_is_known_already(house):
    assert (await house.register("clock", {"intents": {"GetTime": []}})).error is None
    assert house.remote.handles("GetTime")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"intents": {"GetTime": ["what time is it"]}}, "belongs to a skill here"),
        ({"intents": {"Brew": ["brew"]}}, "belongs to another remote skill"),
        ({"intents": {"A": ["open {door}"]}}, "no list for {door}"),
        ({"intents": {"A": ["open (the"]}}, "A"),
        ({"intents": {"A": ["<loop>"]}, "rules": {"loop": "again <loop>"}}, "loop"),
        ({"intents": {"A": ["x"] * 1001}}, "1001 templates"),
        ({"intents": {"A": ["x {n}"]}, "lists": {"n": [str(i) for i in range(20_001)]}}, "20001 names"),
    ],
)
async def test_what_can_not_be_taken_is_answered_and_changes_nothing(house, payload, reason):
    await house.register("coffee", COFFEE)
    answer = await house.register("other", payload)
    assert reason in answer.error
    assert house.remote.intents == ["Brew"]
    assert house.parser.parse("make a big coffee").name == "Brew"


async def test_the_number_of_skills_is_bounded(house):
    for number in range(50):
        await house.register(f"skill{number}", {"intents": {f"Intent{number}": []}})
    assert "50 remote skills" in (await house.register("one-more", {"intents": {"A": []}})).error


@pytest.mark.parametrize("name", ["a/b", "+", "#", "a%2Fb", "ü", "x" * 1000])
async def test_names_never_break_out_of_their_topic(house, name):
    await house.bus.publish(f"earshot/skill/{t.safe_level(name)}/register", b'{"intents": {"A": ["x"]}}')
    await house.bus.drain()
    topics = [answer.topic() for answer in house.answers]
    assert topics in ([], [f"earshot/skill/{t.safe_level(name)}/registered"])
    assert bool(topics) == (len(name) <= 100)
