"""Skills in processes of their own: the same answers, and every way of going wrong ends the session and comes back."""

import asyncio
import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass, field

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    ContinueSession,
    EndSession,
    ErrorMessage,
    HermesSlot,
    IntentMessage,
    IntentName,
    NotificationInit,
    SlotValue,
    StartSession,
    on,
    send,
)
from voice.skill.crew import Crew
from voice.skill.host import SkillHost
from voice.skill.settings import SkillSettings

GOOD = """
import os, threading
from typing import Annotated
from pydantic import BaseModel
from voice.skill import Ask, Context, Range, Skill

class Own(BaseModel):
    greeting: str = "Hello"

skill = Skill("good", publishes=["home/good/#"], settings=Own)
skill.list("who", ["anna", "ben"])
started = []
skill.on_start(lambda: started.append(1))

@skill.intent("Hello", "hello {who}")
def hello(who: str, context: Context) -> str:
    skill.publish("home/good/said", {"who": who, "at": context.site})
    return f"{skill.settings.greeting} {who}, {len(started)}."

@skill.intent("Count", "count to {number}")
async def count(number: Annotated[int, Range(1, 20)]) -> Ask:
    return Ask("Sure?", expect=["Yes"], data={"number": number})

@skill.answer("Yes")
def yes(number: int) -> str:
    return str(number)

@skill.intent("Pid", "who are you")
def pid() -> str:
    return str(os.getpid())

@skill.on_due
def ring(name: str) -> str:
    return f"{name} rings."

@skill.intent("Later", "call me")
def later() -> str:
    skill.schedule(ring, seconds=0, data={"name": "Egg"}, key="egg")
    skill.after(0, lambda: "After.")
    skill.store["n"] = skill.store.get("n", 0) + 1
    return f"{len(skill.schedules)} {skill.store['n']}"

@skill.on_message("home/{room}/bell")
def bell(room: str, payload: int) -> str:
    return f"{payload} at the {room}."
"""

BAD = """
import ctypes, os, signal, socket, subprocess, sys, time
from voice.skill import Ask, Skill
skill = Skill("bad", publishes=["home/bad"])
hoard = []

@skill.intent("Exit", "exit")
def exit_() -> None:
    os._exit(3)

@skill.intent("Segfault", "segfault")
def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)

@skill.intent("Hang", "hang")
def hang() -> None:
    while True:
        pass

@skill.intent("Stop", "freeze")
def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)

@skill.intent("Leak", "leak")
def leak() -> None:
    while True:
        hoard.append(bytearray(1_000_000))

@skill.intent("Nonsense", "nonsense")
def nonsense() -> int:
    return 42

@skill.intent("Garbage", "garbage")
def garbage() -> None:
    os.write(int(sys.argv[1]), b"\\xff garbage\\n")

@skill.intent("Endless", "endless")
def endless() -> None:
    while True:
        os.write(int(sys.argv[1]), b"x" * 100_000)

@skill.intent("Flood", "flood")
def flood() -> None:
    while True:
        skill.publish("home/bad", "x")

@skill.intent("Forge", "forge")
def forge() -> None:
    skill.stage.publish(skill, "hermes/dialogueManager/endSession", b"{}", retain=False)

@skill.intent("Secret", "secret")
def secret() -> None:
    skill.publish("home/other", "x")

@skill.intent("Connect", "connect")
def connect() -> None:
    socket.create_connection(("127.0.0.1", 1), 1)

@skill.intent("Program", "program")
def program() -> None:
    subprocess.run(["true"])

@skill.intent("Write", "write")
def write() -> None:
    open("/tmp/earshot-skill-must-not-write", "w").write("x")

@skill.intent("Big", "big")
def big() -> str:
    return "x" * 1_000_000

@skill.intent("AskBad", "ask badly")
def ask_badly() -> Ask:
    return Ask("What?", expect=["Fine"], data={"x": object()})

@skill.intent("Fine", "fine")
def fine() -> str:
    print("a line for the log")
    return "Fine."
"""


@dataclass
class House:
    """A bus with a host, and what came over it."""

    bus: LocalBus
    host: SkillHost
    crew: Crew
    said: dict = field(default_factory=dict)
    errors: list = field(default_factory=list)
    notified: list = field(default_factory=list)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, message):
        match message:
            case EndSession() | ContinueSession():
                self.said[message.session_id] = message.text
            case ErrorMessage():
                self.errors.append(message.error)
            case StartSession(init=NotificationInit()):
                self.notified.append(message.init.text)
        async with self.moved:
            self.moved.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(20), self.moved:
            await self.moved.wait_for(condition)

    async def intent(self, name, session="s", **slots):
        """Return what a session says next."""
        self.said.pop(session, None)
        values = [HermesSlot(slot_name=key, raw_value=str(v), value=SlotValue(value=v)) for key, v in slots.items()]
        message = IntentMessage(
            input=name, intent=IntentName(intent_name=name), slots=values, session_id=session, site_id="den"
        )
        await send(self.bus, message)
        await self.until(lambda: session in self.said)
        return self.said[session]


@contextlib.asynccontextmanager
async def house(folder, text=None, state=None, **settings):
    if text is not None:
        (folder / "skill.py").write_text(text)
    given = {"folders": (str(folder),), "only": ("good", "bad"), "reload": False, **settings}
    async with LocalBus() as bus, Crew(SkillSettings(**given), state) as crew:
        host = SkillHost(bus, crew.skills, SkillSettings(**given), state=state)
        here = House(bus, host, crew)
        for model in (EndSession, ContinueSession, ErrorMessage, StartSession):
            on(bus, model, here.note)
        try:
            yield here
        finally:
            await host.close()


async def test_a_skill_answers_from_its_own_process_as_it_would_in_ours(tmp_path):
    (tmp_path / "skills").mkdir()
    own = {"good": {"greeting": "Welcome"}}
    async with house(tmp_path / "skills", GOOD, tmp_path / "state", settings=own) as here:
        heard = []

        async def hear(message):
            heard.append(json.loads(message.payload))

        here.bus.subscribe("home/good/#", hear)
        assert here.crew.errors == []
        assert await here.intent("Hello", who="anna") == "Welcome anna, 1."
        assert await here.intent("Pid") == str(here.crew.processes["good"].pid)
        assert await here.intent("Count", number=3) == "Sure?"
        assert here.host.handles("Yes", "s")
        assert await here.intent("Yes") == "3"
        assert await here.intent("Count", number=30) == "Sorry, something went wrong."
        assert "less than or equal to 20" in here.errors[0]
        assert await here.intent("Later") == "1 1"
        await here.bus.publish("home/hall/bell", b"2")
        await here.until(lambda: len(here.notified) == 3)
        assert sorted(here.notified) == ["2 at the hall.", "After.", "Egg rings."]
        await here.bus.drain()
        assert heard == [{"who": "anna", "at": "den"}]
    async with house(tmp_path / "skills", None, tmp_path / "state") as here:
        assert await here.intent("Later") == "1 2"


@pytest.mark.parametrize(
    ("intent", "error"),
    [
        ("Exit", "exit status 3"),
        ("Segfault", "signal 11"),
        ("Hang", "no answer within 2 s"),
        ("Stop", "no answer within 2 s"),
        ("Leak", "out of memory"),
        ("Garbage", "sent nonsense"),
        ("Endless", "sent nonsense"),
        ("Flood", "flood"),
        ("Forge", "may not publish"),
    ],
)
async def test_a_fault_ends_the_session_and_the_skill_is_back_at_once(tmp_path, intent, error):
    async with house(tmp_path, BAD, deadline_s=2, memory_mb=128) as here:
        process = here.crew.processes["bad"]
        assert await here.intent("Fine") == "Fine."
        before = process.pid
        reply = await here.intent(intent)
        if reply == "":  # what it wrote on its socket came after its answer
            assert intent in ("Garbage", "Forge")
        else:
            assert reply == "Sorry, something went wrong."
            assert any(error in said for said in here.errors)
        assert await here.intent("Fine", "next") in ("Fine.", "Sorry, something went wrong.")
        assert await here.intent("Fine", "another") == "Fine."
        assert process.restarts == 1
        assert process.pid != before


@pytest.mark.parametrize(
    ("intent", "error"),
    [
        ("Nonsense", "returned int"),
        ("AskBad", "object"),
        ("Secret", "may not publish 'home/other'"),
        ("Connect", "doesn't declare it"),
        ("Program", "doesn't declare it"),
        ("Write", "doesn't declare it"),
        ("Big", "bytes at once"),
    ],
)
async def test_what_a_skill_may_not_do_is_an_error_and_it_goes_on(tmp_path, intent, error):
    async with house(tmp_path, BAD) as here:
        process = here.crew.processes["bad"]
        assert await here.intent(intent) == "Sorry, something went wrong."
        assert error in here.errors[0]
        assert await here.intent("Fine") == "Fine."
        assert process.restarts == 0


async def test_a_crash_while_nobody_asks_is_told_and_mended(tmp_path):
    async with house(tmp_path, BAD) as here:
        os.kill(here.crew.processes["bad"].pid, signal.SIGKILL)
        await here.until(lambda: here.errors)
        assert "its process ended: signal 9" in here.errors[0]
        assert await here.intent("Fine") == "Fine."


async def test_a_skill_that_crashes_again_and_again_waits_longer_and_longer(tmp_path):
    async with house(tmp_path, BAD) as here:
        started = time.monotonic()
        for n in range(3):
            assert await here.intent("Exit", f"s{n}") == "Sorry, something went wrong."
            assert await here.intent("Fine", f"t{n}") == "Fine."
        assert here.crew.processes["bad"].restarts == 3
        assert time.monotonic() - started > 1.5  # 0, 0.5 and 1 s


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / 0\n", "defines no skill"),
        ('from voice.skill import Skill\nskill = Skill("good")\n1 / 0\n', "line 3: ZeroDivisionError"),
        ("def (\n", "line 1: invalid syntax"),
        ('from voice.skill import Skill\nskill = Skill("good")\nimport no_such_package\n', "No module named"),
        ('from voice.skill import Skill\nskill = Skill("good")\nraise SystemExit\n', "can't be loaded"),
        ('from voice.skill import Skill\nskill = Skill("good")\nimport os\nos._exit(1)\n', "its process ended"),
        ('from voice.skill import Skill\nskill = Skill("good")\nwhile True: pass\n', "not loaded in 5 s"),
        (
            'from voice.skill import Skill\nskill = Skill("good")\n\n@skill.intent("A", "a (b")\ndef a() -> str: ...\n',
            "line 4: good: A: column 3: '(' is never closed, at the caret in 'a ^(b'",
        ),
        ('from voice.skill import Skill\nneeds = ["network"]\nskill = Skill("good", needs=needs)\n', "in full"),
    ],
)
async def test_a_skill_that_can_not_be_loaded_is_named_and_the_rest_runs(tmp_path, text, error):
    (tmp_path / "broken.py").write_text(text)
    async with house(tmp_path, GOOD.replace('Skill("good"', 'Skill("bad"'), loading_s=5) as here:
        assert [skill.name for skill in here.crew.skills] == ["bad"]
        (said,) = here.crew.errors
        assert error in str(said)
        assert "broken.py" in str(said)
        assert "\n" not in str(said)


async def test_a_trusted_skill_runs_in_the_assistants_process(tmp_path):
    async with house(tmp_path, GOOD, trusted=("good",)) as here:
        assert here.crew.processes == {}
        assert await here.intent("Hello", who="ben") == "Hello ben, 1."


async def test_what_a_skill_needs_and_says_it_may_do(tmp_path):
    (tmp_path / "skills").mkdir()
    needs = f'needs=["files:{tmp_path}/notes", "network", "programs"]'
    text = BAD.replace('publishes=["home/bad"]', f'publishes=["home/bad"], {needs}').replace(
        "/tmp/earshot-skill-must-not-write", f"{tmp_path}/notes/x"
    )
    async with house(tmp_path / "skills", text) as here:
        assert await here.intent("Write") == ""
        assert await here.intent("Program") == ""
        await here.intent("Connect")
        assert "ConnectionRefusedError" in here.errors[0]
