"""What the built-in skills keep over a restart."""

import importlib
from datetime import datetime

import pytest

from voice.skill import Rehearsal


@pytest.fixture
def running(tmp_path):
    """Starts one skill at a time of January 5, 2026, with what it kept before."""

    def start(name, hour, minute=0):
        skill = importlib.import_module(f"skills.{name}").skill
        return Rehearsal(skill, state=tmp_path, start=datetime(2026, 1, 5, hour, minute))

    return start


async def test_a_timer_rings_after_a_restart(running):
    async with running("timer", 9) as stage:
        await stage.say("set a pizza timer for twenty minutes")
    async with running("timer", 9, 15) as stage:
        assert await stage.say("how long is left") == "5 minutes left on the pizza timer."
        await stage.advance(299)
        assert stage.spoken[-1] == "5 minutes left on the pizza timer."
        await stage.advance(1)
        assert stage.spoken[-1] == "The pizza timer is up."


async def test_a_timer_that_ran_out_meanwhile_rings_at_the_start(running):
    async with running("timer", 9) as stage:
        await stage.say("set a tea timer for four minutes")
    async with running("timer", 10) as stage:
        await stage.advance(1)
        assert stage.spoken == ["The tea timer is up."]


async def test_an_alarm_rings_after_a_restart_until_it_is_stopped(running):
    async with running("alarm", 9) as stage:
        await stage.say("set a medicine alarm for ten o'clock")
    async with running("alarm", 9, 59) as stage:
        await stage.advance(60)
        assert stage.spoken[-1] == "It is 10:00. This is your medicine alarm."
        await stage.advance(60)
        assert stage.spoken[-1] == "It is 10:01. This is your medicine alarm."
        assert await stage.say("turn off the alarm") == "Good."
        await stage.advance(600)
        assert stage.spoken[-1] == "Good."


async def test_an_alarm_rings_five_times_and_no_more(running):
    async with running("alarm", 9) as stage:
        await stage.say("set an alarm for ten o'clock")
        await stage.advance(3 * 3600)
        assert len([line for line in stage.spoken if "This is your alarm" in line]) == 5


async def test_snooze_lets_it_ring_again(running):
    async with running("alarm", 9) as stage:
        await stage.say("wake me at ten")
        await stage.advance(3600)
        assert await stage.say("snooze for five minutes") == "Until 10:05."
        await stage.advance(299)
        assert stage.spoken[-1] == "Until 10:05."
        await stage.advance(1)
        assert stage.spoken[-1] == "It is 10:05. This is your alarm."


async def test_a_plain_stop_silences_it(running):
    async with running("alarm", 9) as stage:
        await stage.say("wake me at ten")
        await stage.advance(3600)
        await stage.intent("Stop")
        await stage.advance(600)
        assert len([line for line in stage.spoken if "This is your alarm" in line]) == 1


async def test_a_missed_alarm_is_told(running):
    async with running("alarm", 9) as stage:
        await stage.say("wake me at ten")
    async with running("alarm", 12) as stage:
        await stage.advance(1)
        assert stage.spoken == ["The alarm for 10:00 was missed: nobody was running."]


async def test_a_daily_alarm_rings_every_day(running):
    async with running("alarm", 9) as stage:
        await stage.say("set an alarm for ten o'clock every day")
        await stage.advance(3600)
        await stage.say("stop the alarm")
        stage.spoken.clear()
        await stage.advance(24 * 3600)
        assert stage.spoken[0] == "It is 10:00. This is your alarm."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("wake me at eight", "20:00 today"),
        ("wake me at eight in the morning", "8:00 tomorrow"),
        ("wake me at quarter to twelve in the morning", "11:45 today"),
        ("wake me at midnight", "0:00 tomorrow"),
        ("wake me today at eleven thirty", "11:30 today"),
        ("wake me on monday at eight", "8:00 on Monday"),
        ("wake me on monday at ten", "10:00 today"),
        ("wake me at ten to six on weekends", "5:50 on weekends"),
    ],
)
async def test_the_next_time_that_fits_is_meant(running, said, told):
    async with running("alarm", 9) as stage:
        assert await stage.say(said) == f"The alarm is set for {told}."


async def test_a_dictated_thing_can_be_said_in_one_go_after_a_restart_too(running):
    async with running("lists", 9) as stage:
        assert await stage.say("add dragon fruit to the shopping list") is None
        await stage.say("add something to the shopping list")
        await stage.say("dragon fruit")
        await stage.say("remove dragon fruit from the shopping list")
    async with running("lists", 10) as stage:
        assert await stage.say("add dragon fruit to the shopping list") == "Added dragon fruit."


async def test_lists_and_notes_are_kept(running):
    async with running("lists", 9) as stage:
        await stage.say("we need six eggs")
    async with running("lists", 10) as stage:
        assert await stage.say("do we need eggs") == "Yes, 6 eggs."
    async with running("notes", 9) as stage:
        await stage.say("take a note")
        await stage.say("the boiler leaks")
    async with running("notes", 10) as stage:
        assert await stage.say("read my notes") == "You have one note. the boiler leaks."
