"""The built-in skills: what is said, what comes of it, and what must not be taken for a command."""

import importlib
from pathlib import Path

import pytest

from voice.skill.example import rehearse

NAMES = sorted(path.stem for path in Path(__file__).with_name("golden").glob("*.yaml"))


def skill(name):
    return importlib.import_module(f"skills.{name}").skill


def only(name):
    return pytest.mark.parametrize("stage", [name], indirect=True)


@only("clock")
async def test_time_goes_on(stage):
    assert await stage.say("what time is it") == "It is 9:00."
    await stage.advance(45 * 60)
    assert await stage.say("what time is it") == "It is 9:45."


@only("timer")
async def test_a_timer_rings(stage):
    assert await stage.say("set a tea timer for one hour and two minutes") == (
        "1 hour and 2 minutes for the tea, starting now."
    )
    await stage.advance(3600)
    assert await stage.say("how long is left") == "2 minutes left on the tea timer."
    await stage.advance(120)
    assert stage.spoken[-1] == "The tea timer is up."
    assert await stage.say("how long is left") == "There is no timer."


@only("timer")
async def test_the_same_name_replaces_a_timer(stage):
    await stage.say("set a tea timer for three minutes")
    await stage.say("set a tea timer for five minutes")
    await stage.advance(240)
    assert "The tea timer is up." not in stage.spoken
    await stage.advance(60)
    assert stage.spoken.count("The tea timer is up.") == 1


@only("timer")
async def test_cancelling_one_of_several_asks_which(stage):
    await stage.say("set a tea timer for three minutes")
    await stage.say("set a timer for five minutes")
    assert await stage.say("cancel the timer") == "There is the tea timer and the 5 minute timer. Which one?"
    assert await stage.say("the second one") == "Cancelled the 5 minute timer."
    assert await stage.say("cancel the timer") == "Cancelled the tea timer."
    await stage.advance(600)
    assert not [line for line in stage.spoken if "is up" in line]


@only("timer")
async def test_the_named_one_is_cancelled_and_a_missing_one_is_said(stage):
    await stage.say("set a tea timer for three minutes")
    await stage.say("set an egg timer for five minutes")
    assert await stage.say("cancel the egg timer") == "Cancelled the egg timer."
    assert await stage.say("cancel the egg timer") == "There is no egg timer."
    await stage.say("set a pizza timer for five minutes")
    await stage.say("cancel the timer")
    assert await stage.say("tea") == "Cancelled the tea timer."


@only("timer")
@pytest.mark.parametrize(("answer", "left"), [("yes please", 0), ("no", 2), ("the river", 2)])
async def test_cancelling_all_asks_first(stage, answer, left):
    await stage.say("set a tea timer for three minutes")
    await stage.say("set an egg timer for five minutes")
    assert await stage.say("cancel all timers") == "Really cancel all 2 timers?"
    await stage.say(answer)
    await stage.advance(600)
    assert len([line for line in stage.spoken if "is up" in line]) == left


@only("lights")
async def test_lights_are_switched(stage):
    assert await stage.say("turn on the living room light") == "Light on in the living room."
    assert await stage.say("turn off the light in the hallway") == "Light off in the hall."
    assert await stage.say("dim the office light to forty percent") == "Light at 40 percent in the office."
    assert stage.published == [
        ("home/lights/living_room/set", {"state": "ON"}),
        ("home/lights/hall/set", {"state": "OFF"}),
        ("home/lights/office/set", {"state": "ON", "brightness": 40}),
    ]


@only("lights")
async def test_no_room_asks_for_it(stage):
    assert await stage.say("turn off the light") == "In which room?"
    assert await stage.say("in the kitchen please") == "Light off in the kitchen."
    assert stage.published == [("home/lights/kitchen/set", {"state": "OFF"})]


@only("lights")
async def test_a_wrong_answer_switches_nothing(stage):
    await stage.say("turn on the light")
    assert await stage.say("in the spaceship") is None
    assert stage.published == []


@only("volume")
async def test_volume(stage):
    assert await stage.say("louder") == ""
    assert await stage.say("volume down") == ""
    assert await stage.say("set the volume to fifty percent") == "Volume 50 percent."
    assert stage.published == [
        ("home/volume/set", {"change": 10}),
        ("home/volume/set", {"change": -10}),
        ("home/volume/set", {"level": 50}),
    ]


@only("help")
async def test_every_example_of_the_help_is_understood(stage, parser):
    told = [
        await stage.say("help"),
        *(f"Try: {examples}" for examples in importlib.import_module("skills.help").EXAMPLES.values()),
    ]
    examples = [one for text in told for one in text.removeprefix("Try: ").rstrip(".").split(". ")]
    assert [example for example in examples if parser.parse(example) is None] == []


@pytest.mark.parametrize("name", NAMES)
async def test_the_examples_hold(name):
    examples = skill(name).examples
    assert examples
    assert [await rehearse(skill(name), example) for example in examples] == [""] * len(examples)
