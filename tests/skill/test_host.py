"""Skills on the bus: replies, questions, faults."""

import asyncio
import threading
import time
from typing import Annotated, Literal

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import ErrorMessage, on
from voice.clock import VirtualClock
from voice.errors import SkillError
from voice.skill import Ask, Context, Range, Rehearsal, Say, Skill
from voice.skill.host import SkillHost
from voice.skill.settings import SkillSettings


def greeter():
    skill = Skill("greeter", publishes=["home/door/+"])

    @skill.intent("Hello", "hello", "hello {who}")
    def hello(who: Literal["anna", "ben"] | None = None) -> str | Ask:
        return f"Hello {who}." if who else Ask("Who are you?", expect=["Name"], data={"greeting": "Welcome"})

    @skill.answer("Name", "[i am] {who}")
    async def name(who: Literal["anna", "ben"], greeting: str) -> Say:
        return Say(f"{greeting}, {who}.")

    @skill.intent("Open", "open the door")
    def open_door(context: Context) -> None:
        skill.publish("home/door/front", {"open": True, "said": context.text})

    @skill.intent("Later", "call me in {n} minutes")
    def later(n: Annotated[int, Range(1, 60)]) -> str:
        skill.after(n * 60, lambda: "I am calling you.")
        return "I will."

    @skill.intent("Stop", "stop")
    def stop() -> None:
        return None

    return skill


async def test_text_in_reply_out():
    async with Rehearsal(greeter()) as stage:
        assert await stage.say("Hello, Anna!") == "Hello anna."
        assert await stage.say("good night") is None


async def test_a_question_is_answered_in_the_same_session_with_its_data():
    async with Rehearsal(greeter()) as stage:
        assert await stage.say("hello") == "Who are you?"
        assert stage.expects == ["Name", "Stop"]
        assert stage.host.handles("Name", "rehearsal-1")
        assert await stage.say("i am ben") == "Welcome, ben."
        assert not stage.host.handles("Name", "rehearsal-1")


async def test_an_answer_counts_only_after_its_question():
    async with Rehearsal(greeter()) as stage:
        assert not stage.host.handles("Name", "other")
        assert await stage.intent("Name", who="ben") is None


async def test_a_question_that_is_not_answered_is_forgotten():
    async with Rehearsal(greeter()) as stage:
        await stage.say("hello")
        assert await stage.say("the weather is nice") is None
        assert not stage.host.handles("Name", "rehearsal-1")


async def test_none_acknowledges_and_messages_go_out():
    async with Rehearsal(greeter()) as stage:
        assert await stage.say("open the door") == ""
        assert stage.published == [("home/door/front", {"open": True, "said": "open the door"})]


async def test_a_timer_speaks_when_it_is_due():
    async with Rehearsal(greeter()) as stage:
        await stage.say("call me in twelve minutes")
        await stage.advance(719)
        assert "I am calling you." not in stage.spoken
        await stage.advance(1)
        assert stage.spoken[-1] == "I am calling you."


async def test_slots_are_checked_before_the_call():
    async with Rehearsal(greeter()) as stage:
        assert await stage.intent("Later", n=61) == "Sorry, something went wrong."
        assert await stage.intent("Later") == "Sorry, something went wrong."
        assert await stage.intent("Later", n="12") == "I will."
        assert "less than or equal to 60" in stage.errors[0]
        assert "'n' is missing" in stage.errors[1]


def broken():
    skill = Skill("broken", publishes=["home/ok"])
    hanging = threading.Event()

    @skill.intent("Raise", "raise")
    def raise_() -> None:
        raise ValueError("no such thing")

    @skill.intent("Leave", "leave")
    def leave() -> None:
        raise SystemExit(3)

    @skill.intent("LeaveAsync", "leave later")
    async def leave_async() -> None:
        raise SystemExit(3)

    @skill.intent("Nonsense", "nonsense")
    def nonsense() -> int:
        return 42

    @skill.intent("AskNonsense", "ask nonsense")
    def ask_nonsense() -> Ask:
        return Ask("What?", expect=["Unheard"])

    @skill.intent("AskNothing", "ask nothing")
    def ask_nothing() -> Ask:
        return Ask("What?", expect=None)

    @skill.intent("AskWord", "ask a word")
    def ask_word() -> Ask:
        return Ask("What?", expect="Fine")

    @skill.intent("AskData", "ask data")
    def ask_data() -> Ask:
        return Ask("What?", expect=["Fine"], data=[1])

    @skill.intent("SayNumber", "say a number")
    def say_number() -> Say:
        return Say(5)

    @skill.intent("Interrupt", "interrupt")
    def interrupt() -> None:
        raise KeyboardInterrupt

    @skill.intent("Never", "never")
    def never() -> None:
        skill.after(float("nan"), lambda: "Never.")

    @skill.intent("Publish", "publish")
    def publish() -> None:
        skill.publish("home/secret", "x")

    @skill.intent("Hang", "hang")
    def hang() -> None:
        hanging.wait()

    @skill.intent("HangAsync", "hang stubbornly")
    async def hang_async() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if hanging.is_set():
                    raise
                hanging.set()

    @skill.intent("Fine", "fine")
    def fine() -> str:
        return "Fine."

    return skill, hanging


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("raise", "ValueError: no such thing"),
        ("leave", "called exit"),
        ("leave later", "called exit"),
        ("nonsense", "returned int"),
        ("ask nonsense", "expects 'Unheard'"),
        ("ask nothing", "expect="),
        ("ask a word", "expect="),
        ("ask data", "data="),
        ("say a number", "returned Say(5)"),
        ("interrupt", "called exit"),
        ("never", "skill.after(nan, ...)"),
        ("publish", "may not publish 'home/secret'"),
    ],
)
async def test_a_fault_is_a_message_and_an_apology_and_the_loop_goes_on(said, error):
    async with Rehearsal(broken()[0]) as stage:
        assert await stage.say(said) == "Sorry, something went wrong."
        assert error in stage.errors[0]
        assert await stage.say("fine") == "Fine."


@pytest.mark.parametrize("said", ["hang", "hang stubbornly"])
async def test_a_skill_that_hangs_is_left_behind_at_its_deadline(said):
    skill, hanging = broken()
    async with Rehearsal(skill, settings=SkillSettings(deadline_s=10)) as stage:
        call = asyncio.create_task(stage.say(said))
        for _ in range(20):
            await asyncio.sleep(0)
        started = time.monotonic()
        await stage.clock.advance(10, stage.bus.drain)
        assert await call == "Sorry, something went wrong."
        assert time.monotonic() - started < 2
        assert "no answer within 10 s" in stage.errors[0]
        assert await stage.say("fine") == "Fine."
        hanging.set()


async def test_a_failing_timer_is_reported():
    skill = Skill("late")

    @skill.intent("Go", "go")
    def go() -> None:
        skill.after(1, lambda: 1 / 0)

    async with Rehearsal(skill) as stage:
        await stage.say("go")
        await stage.advance(1)
        assert "ZeroDivisionError" in stage.errors[0]


async def test_what_was_not_understood_can_be_asked_again():
    skill = Skill("patient")

    @skill.intent("Go", "go")
    def go() -> Ask:
        return Ask("Sure?", expect=["Yes", "No"], data={"tries": 1})

    @skill.answer("Yes")
    def yes() -> str:
        return "Going."

    @skill.answer("No")
    def no() -> str:
        return "Then not."

    @skill.on_not_recognized
    def again(tries: int, context: Context) -> Ask | str:
        return Ask("Yes or no?", expect=["Yes", "No"], data={"tries": 2}) if tries < 2 else "Then not."

    async with Rehearsal(skill) as stage:
        assert await stage.say("go") == "Sure?"
        assert await stage.say("what") == "Yes or no?"
        assert await stage.say("yes please") == "Going."
        await stage.say("go")
        await stage.say("what")
        assert await stage.say("what") == "Then not."


async def test_closing_takes_the_skills_off_the_stage():
    skill = greeter()
    async with Rehearsal(skill) as stage:
        await stage.say("call me in one minute")
    with pytest.raises(SkillError, match="not running"):
        skill.say("hello")


async def test_two_skills_may_not_answer_the_same_intent():
    with pytest.raises(SkillError, match="two skills are called 'greeter'"):
        await Rehearsal(greeter(), greeter()).__aenter__()
    other = Skill("other")
    other.intent("Hello", "hi")(lambda: None)
    with pytest.raises(SkillError, match="greeter and other both answer 'Hello'"):
        await Rehearsal(greeter(), other).__aenter__()


async def test_calls_that_hang_are_bounded(monkeypatch):
    monkeypatch.setattr("voice.skill.handler.MAX_THREADS", 0)
    async with Rehearsal(greeter()) as stage:
        assert await stage.say("hello anna") == "Sorry, something went wrong."
        assert "calls hang" in stage.errors[0]


async def test_a_skill_that_fails_to_start_is_reported_and_the_others_run():
    skill = Skill("late")
    skill.on_start(lambda: 1 / 0)
    skill.intent("Hi", "hi")(lambda: "Hi.")
    async with Rehearsal(skill, greeter()) as stage:
        assert "ZeroDivisionError" in stage.errors[0]
        assert await stage.say("hello anna") == "Hello anna."
        assert await stage.say("hi") == "Hi."


async def test_a_skill_that_hangs_at_its_start_is_left_behind_at_its_deadline():
    skill, hanging = Skill("stuck"), threading.Event()
    skill.on_start(lambda: hanging.wait() and None)
    errors = []

    async def note(message):
        errors.append(message.error)

    async with LocalBus() as bus:
        on(bus, ErrorMessage, note)
        host = SkillHost(bus, [skill], SkillSettings(deadline_s=10), clock=(clock := VirtualClock()))
        for _ in range(20):
            await asyncio.sleep(0)
        await clock.advance(10, bus.drain)
        async with asyncio.timeout(5):
            await host.settle()
            await bus.drain()
        hanging.set()
        await host.close()
    assert "no answer within 10 s" in errors[0]


async def test_a_skill_starts_before_its_first_intent():
    skill, seen = Skill("ordered"), []
    skill.on_start(lambda: seen.append("start"))

    @skill.intent("Go", "go")
    def go() -> None:
        seen.append("go")

    async with Rehearsal(skill) as stage:
        await stage.say("go")
    assert seen == ["start", "go"]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [("x" * 1_000_000, "x" * 10_000), ("bad \udc80 text", "bad ? text")],
    ids=["too long", "half a surrogate pair"],
)
async def test_a_text_that_hermes_can_not_carry_is_cut_and_ends_the_session_all_the_same(text, spoken):
    skill = Skill("odd")
    skill.intent("Odd", "odd")(lambda: text)
    skill.intent("Odder", "odder")(lambda: Ask(text, expect=["Odd"]))
    async with Rehearsal(skill) as stage:
        assert await stage.say("odd") == spoken
        assert await stage.say("odder") == spoken
        skill.say(text)
        await stage.settle()
        assert stage.spoken == [spoken] * 3
        assert stage.errors == []
