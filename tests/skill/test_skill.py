"""Writing a skill: the ten-line API, and what is said about mistakes."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import pytest

from voice.errors import SkillError
from voice.nlu.templates import NumberRange
from voice.skill import Range, Rehearsal, Skill


async def test_the_ten_lines_of_the_design_work():
    skill = Skill("clock")

    @skill.intent("GetTime", "what time is it", "(what is|tell me) the time")
    def get_time() -> str:
        return f"It is {datetime.now():%H:%M}."

    async with Rehearsal(skill) as stage:
        assert (await stage.say("tell me the time")).startswith("It is ")
        assert get_time().startswith("It is ")


def test_signatures_say_what_can_be_spoken():
    class Room(Enum):
        HALL = "hall"
        KITCHEN = "kitchen"

    skill = Skill("my-lights")
    skill.list("speed", {"fast": 2, "slow": 1})
    skill.rule("go", "(go|move) {speed}")

    @skill.intent("Go", "<go> to the {room} {times} times", ("<go> home", {"times": 1}))
    def go(speed: int, room: Room = Room.HALL, times: Annotated[int, Range(1, 5)] = 1) -> None: ...

    sentences = skill.sentences()
    assert sentences.intents["Go"] == [
        "<my_lights_go> to the {my_lights_room:room} {my_lights_times:times} times",
        "<my_lights_go> home",
    ]
    assert sentences.lists["my_lights_times"] == NumberRange(1, 5)
    assert sentences.lists["my_lights_room"] == [("hall", "hall"), ("kitchen", "kitchen")]
    assert sentences.lists["my_lights_speed"] == [("fast", 2), ("slow", 1)]
    assert sentences.rules == {"my_lights_go": "(go|move) {my_lights_speed:speed}"}
    assert sentences.fixed == {("Go", "<my_lights_go> home"): {"times": 1}}


async def test_an_enum_reaches_the_handler_and_a_fixed_slot_too():
    class Room(Enum):
        HALL = "hall"
        KITCHEN = "kitchen"

    skill, seen = Skill("walk"), []

    @skill.intent("Go", "go to the {room}", ("go home", {"fast": True}))
    def go(room: Room = Room.HALL, fast: bool = False) -> None:
        seen.append((room, fast))

    async with Rehearsal(skill) as stage:
        await stage.say("go to the kitchen")
        await stage.say("go home")
    assert seen == [(Room.KITCHEN, False), (Room.HALL, True)]


def test_a_slot_without_a_parameter_is_a_mistake():
    with pytest.raises(SkillError, match=r"'go \{place\}' fills 'place': add a parameter"):
        Skill("walk").intent("Go", "go {place}")(lambda: None)


def test_a_slot_without_values_is_a_mistake():
    skill = Skill("walk")

    @skill.intent("Go", "go {place}")
    def go(place: str) -> None: ...

    with pytest.raises(SkillError, match=r"nothing says what can fill \{place\}: .*skill.list"):
        skill.sentences()


def test_a_parameter_without_annotation_is_a_mistake():
    with pytest.raises(SkillError, match="annotate each slot"):
        Skill("walk").intent("Go", "go")(lambda place: None)


def test_an_intent_without_sentence_is_a_mistake():
    with pytest.raises(SkillError, match="no sentence"):
        Skill("walk").intent("Go")


@pytest.mark.parametrize("name", ["", "My Skill", "../x", "a/b", "9"])
def test_names_are_plain(name):
    with pytest.raises(SkillError, match="lower-case"):
        Skill(name)


@pytest.mark.parametrize("topic", ["home/other", "home/lights/#", "home/lights/+", "hermes/dialogueManager/endSession"])
def test_only_declared_topics_are_published(topic):
    with pytest.raises(SkillError, match="may not publish"):
        Skill("lights", publishes=["home/lights/#"]).publish(topic, "x")
