"""The built-in skills: what is said, what comes of it, and what must not be taken for a command."""

import importlib

import pytest

from voice.skill import Rehearsal
from voice.skill.example import rehearse

NAMES = ("clock", "help", "lights", "timer", "volume")


def skill(name):
    return importlib.import_module(f"skills.{name}").skill


@pytest.fixture
async def stage(request):
    async with Rehearsal(skill(request.param)) as rehearsal:
        yield rehearsal


@pytest.fixture
async def everything():
    async with Rehearsal(*map(skill, NAMES)) as rehearsal:
        yield rehearsal


def only(name):
    return pytest.mark.parametrize("stage", [name], indirect=True)


SENTENCES = {
    "what time is it": ("GetTime", {}),
    "what's the time please": ("GetTime", {}),
    "tell me the current time": ("GetTime", {}),
    "what day is it today": ("GetDate", {}),
    "what is today's date": ("GetDate", {}),
    "set a timer for three minutes": ("SetTimer", {"minutes": 3}),
    "set a tea timer for four minutes": ("SetTimer", {"name": "tea", "minutes": 4}),
    "start an egg timer for six minutes and thirty seconds": (
        "SetTimer",
        {"name": "egg", "minutes": 6, "seconds": 30},
    ),
    "set a timer for one hour and fifteen minutes": ("SetTimer", {"hours": 1, "minutes": 15}),
    "set a ninety second timer": ("SetTimer", {"seconds": 90}),
    "timer for ten minutes": ("SetTimer", {"minutes": 10}),
    "set a timer for half an hour": ("SetTimer", {"minutes": 30}),
    "cancel the timer": ("CancelTimer", {}),
    "stop the pizza timer": ("CancelTimer", {"name": "pizza"}),
    "cancel all timers": ("CancelTimers", {}),
    "cancel both of my timers": ("CancelTimers", {}),
    "how long is left": ("TimerLeft", {}),
    "how much time is left on the tea timer": ("TimerLeft", {"name": "tea"}),
    "turn on the light": ("LightOn", {}),
    "turn on the kitchen light": ("LightOn", {"room": "kitchen"}),
    "switch the living room lights on": ("LightOn", {"room": "living_room"}),
    "turn on the lamp in the bedroom": ("LightOn", {"room": "bedroom"}),
    "hallway lights on": ("LightOn", {"room": "hall"}),
    "turn off the lights in the garage": ("LightOff", {"room": "garage"}),
    "turn the office light off": ("LightOff", {"room": "office"}),
    "lights off": ("LightOff", {}),
    "dim the bedroom lights to thirty percent": ("LightBrightness", {"room": "bedroom", "percent": 30}),
    "set the brightness in the kitchen to fifty": ("LightBrightness", {"room": "kitchen", "percent": 50}),
    "volume up": ("VolumeUp", {}),
    "make it louder": ("VolumeUp", {}),
    "turn down the volume": ("VolumeDown", {}),
    "set the volume to forty five percent": ("VolumeSet", {"percent": 45}),
    "help": ("Help", {}),
    "what can i say": ("Help", {}),
    "stop": ("Stop", {}),
    "never mind": ("Stop", {}),
}


@pytest.mark.parametrize("text", SENTENCES)
async def test_each_sentence_has_one_intent(text, everything):
    intent = everything.parse(text)
    assert intent is not None
    assert (intent.name, {slot.name: slot.value for slot in intent.slots}) == SENTENCES[text]


@pytest.mark.parametrize(
    "text", ["the light of the moon", "set a timer", "turn on the kitchen", "what time", "timer", ""]
)
async def test_other_sentences_have_none(text, everything):
    assert everything.parse(text) is None


@only("clock")
async def test_time_and_date(stage):
    assert await stage.say("what time is it") == "It is 9:00."
    await stage.advance(45 * 60)
    assert await stage.say("what time is it") == "It is 9:45."
    assert await stage.say("what day is it") == "Today is Monday, January 5."


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
async def test_every_example_of_the_help_is_understood(stage, everything):
    examples = (await stage.say("help")).removeprefix("Try: ").rstrip(".").split(". ")
    assert all(everything.parse(example) for example in examples)
    assert await stage.say("stop") == ""


@pytest.mark.parametrize("name", NAMES)
async def test_the_examples_hold(name):
    examples = skill(name).examples
    assert examples
    assert [await rehearse(skill(name), example) for example in examples] == [""] * len(examples)
