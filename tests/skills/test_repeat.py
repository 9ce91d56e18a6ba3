"""The repeat skill hears what anybody lets speak."""

from skills.repeat import skill
from skills.timer import skill as timer
from voice.bus.topics import TtsSay, send
from voice.skill import Rehearsal


async def test_it_says_what_was_spoken_last_in_that_room():
    async with Rehearsal(skill, timer) as stage:
        await send(stage.bus, TtsSay(text="Dinner is ready.", site_id="kitchen"))
        await send(stage.bus, TtsSay(text="The door is open."))
        await stage.settle()
        assert await stage.say("say that again please") == "The door is open."


async def test_empty_speech_is_not_remembered():
    async with Rehearsal(skill) as stage:
        await send(stage.bus, TtsSay(text="The door is open."))
        await send(stage.bus, TtsSay(text=" "))
        await stage.settle()
        assert await stage.say("what did you say") == "The door is open."
