"""Skills that go wrong, in their own processes and in the assistant's: what the loop notices of it.

    python -m benchmarks.faults [--runs 5] [--turns 10000]

A skill crashes, is killed, hangs, freezes, leaks, returns garbage, writes garbage, floods the bus; each `--runs` times,
in a session of its own that a wake word opens and the real dialogue, host and bus carry. Measured for each: how late a
5 ms tick of the event loop comes at worst (wall clock, other programs of the machine included), the longest that the
loop computes without a break (thread CPU time, the machine's other programs excluded), how long until the session is
closed, and until the skill answers again, counted from then. Before, `--turns` scripted turns: sessions started and
ended, and memory at the beginning and the end.

Exit 1 where a limit of the project is missed: 50 ms of computing, 1 s to the answer, one end for each session.
"""

import argparse
import asyncio
import contextlib
import logging
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    ErrorMessage,
    HotwordDetected,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    SessionEnded,
    SessionStarted,
    TtsSay,
    TtsSayFinished,
    on,
    send,
)
from voice.dialogue.manager import DialogueManager
from voice.dialogue.settings import DialogueSettings
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill.crew import Crew
from voice.skill.host import SkillHost
from voice.skill.settings import SkillSettings

COMPUTING_LIMIT_MS, BACK_LIMIT_S, TICK_S, DEADLINE_S, PATIENCE_S = 50.0, 1.0, 0.005, 1.0, 60.0
WARM_S = 3.0
SKILL = """
import os, signal, sys, threading
from voice.skill import Skill
skill = Skill("bad", publishes=["home/bad"])
hoard = []

@skill.intent("Crash", "crash")
def crash() -> None:
    os._exit(1)

@skill.intent("Kill", "kill")
def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@skill.intent("Hang", "hang")
def hang() -> None:
    while True:
        pass

@skill.intent("Freeze", "freeze")
def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)

@skill.intent("Leak", "leak")
def leak() -> None:
    while True:
        hoard.append(bytearray(1_000_000))

@skill.intent("Garbage", "garbage")
def garbage() -> int:
    return 42

@skill.intent("Raise", "raise")
def raise_() -> None:
    raise ValueError("broken")

@skill.intent("Scribble", "scribble")
def scribble() -> None:
    while True:
        os.write(int(sys.argv[1]), os.urandom(100_000))

@skill.intent("Flood", "flood")
def flood() -> None:
    while True:
        skill.publish("home/bad", "x" * 1000)

@skill.intent("Fine", "fine")
def fine() -> str:
    return "Fine."
"""
IN_PROCESS = ("Raise", "Garbage", "Flood", "Hang")  # a thread that hangs stays: last
APART = ("Raise", "Garbage", "Crash", "Kill", "Hang", "Freeze", "Leak", "Scribble", "Flood")


class TimedLoop(asyncio.SelectorEventLoop):
    """Knows the longest that it has computed without a break."""

    longest_s = 0.0

    def _run_once(self) -> None:
        started = time.thread_time()
        super()._run_once()  # type: ignore[misc]
        self.longest_s = max(self.longest_s, time.thread_time() - started)


@dataclass
class House:
    """What carries sessions, and what is seen of them."""

    bus: LocalBus
    parser: TemplateParser
    crew: Crew
    text: str = ""
    started: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    spoken: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, text: str) -> str:
        """Hold a session and return what was said in it."""
        self.text = text
        self.spoken.clear()
        self.closed.clear()
        await send(self.bus, HotwordDetected(model_id="bench"))
        async with asyncio.timeout(PATIENCE_S):
            await self.closed.wait()
        return " ".join(self.spoken)

    async def play(self, message: Any) -> None:
        """Be recogniser, parser and loudspeaker."""
        match message:
            case AsrStartListening():
                ids = {"site_id": message.site_id, "session_id": message.session_id}
                await send(self.bus, AsrTextCaptured(text=self.text, **ids))
            case NluQuery():
                ids = {"id": message.id, "session_id": message.session_id, "site_id": message.site_id}
                intent = self.parser.parse(message.input, message.intent_filter)
                if intent is None:
                    await send(self.bus, NluIntentNotRecognized(input=message.input, **ids))
                    return
                name = IntentName(intent_name=intent.name, confidence_score=1.0)
                await send(self.bus, NluIntentParsed(input=message.input, intent=name, **ids))
            case TtsSay():
                self.spoken.append(message.text)
                await send(self.bus, TtsSayFinished(id=message.id, session_id=message.session_id))
            case SessionStarted():
                self.started[message.session_id] += 1
            case SessionEnded():
                self.ended[message.session_id] += 1
                self.closed.set()
            case ErrorMessage():
                self.errors.append(message.error)


@contextlib.asynccontextmanager
async def house(folder: Path, **settings: Any) -> AsyncIterator[House]:
    """Run the bad skill in a process of its own, or in ours where it is trusted."""
    given = SkillSettings(
        folders=(str(folder),), only=("bad",), deadline_s=DEADLINE_S, memory_mb=128, reload=False, **settings
    )
    async with LocalBus() as bus, Crew(given) as crew:
        host = SkillHost(bus, crew.skills, given)
        here = House(bus, TemplateParser(compile_grammar(host.sentences())), crew)
        quick = DialogueSettings(arbitration_s=0, follow_up_s=0)
        dialogue = DialogueManager(bus, quick, host.handles)
        for model in (AsrStartListening, NluQuery, TtsSay, SessionStarted, SessionEnded, ErrorMessage):
            on(bus, model, here.play)
        try:
            yield here
        finally:
            await dialogue.close()
            await host.close()


async def ticks(lateness_ms: list[float]) -> None:
    """Note how late each tick of the loop comes."""
    while True:
        due = time.monotonic() + TICK_S
        await asyncio.sleep(TICK_S)
        lateness_ms.append((time.monotonic() - due) * 1000)


@dataclass
class Seen:
    """What one fault cost."""

    late_ms: float
    computing_ms: float
    closed_s: float
    back_s: float


async def go_wrong(intent: str, folder: Path, loop: TimedLoop, *, trusted: bool) -> Seen:
    """Let the skill go wrong once and wait until it answers again."""
    async with house(folder, trusted=("bad",) if trusted else ()) as here:
        if (first := await here.say("fine")) != "Fine.":
            raise SystemExit(f"the skill does not run: {first!r} {here.errors}")
        process = here.crew.processes.get("bad")
        lateness: list[float] = []
        watch = asyncio.create_task(ticks(lateness))
        await asyncio.sleep(WARM_S)  # the spare process is warm, as in a running assistant
        lateness.clear()
        loop.longest_s = 0.0
        started = time.monotonic()
        before = process.restarts if process else 0
        await here.say(intent.lower())
        closed_s = time.monotonic() - started
        ended = time.monotonic()
        while not (trusted and intent == "Hang") and await here.say("fine") != "Fine.":
            pass
        back_s = time.monotonic() - ended
        await asyncio.sleep(10 * TICK_S)  # so that there are ticks after the quickest fault, too
        watch.cancel()
        if process and intent not in ("Raise", "Garbage") and process.restarts == before:
            print(f"  {intent}: the process was not started again", file=sys.stderr)
        wrong = {session for session in here.started if here.ended[session] != 1}
        if wrong or here.started.keys() != here.ended.keys():
            raise SystemExit(f"{intent}: {len(wrong)} sessions lost or ended twice")
        return Seen(max(lateness), loop.longest_s * 1000, closed_s, back_s)


async def quiet(folder: Path, loop: TimedLoop) -> Seen:
    """Let nothing happen for as long as a hang takes."""
    async with house(folder) as here:
        lateness: list[float] = []
        watch = asyncio.create_task(ticks(lateness))
        await asyncio.sleep(WARM_S)
        lateness.clear()
        loop.longest_s = 0.0
        started = time.monotonic()
        await here.say("fine")
        closed_s = time.monotonic() - started
        await asyncio.sleep(DEADLINE_S)
        watch.cancel()
        return Seen(max(lateness), loop.longest_s * 1000, closed_s, 0.0)


def resident_mb() -> float:
    """Return this process's memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def talk(folder: Path, n_turns: int) -> bool:
    """Hold many sessions; print what became of them, and return whether each ended once."""
    async with house(folder) as here:
        for i in range(200):
            await here.say("fine" if i % 2 else "raise")
        here.started.clear()
        here.ended.clear()
        before, began = resident_mb(), time.monotonic()
        wrong = 0
        for i in range(n_turns):
            said = await here.say(("fine", "nothing that anybody knows", "garbage")[i % 3])
            wrong += said != ("Fine.", "", "Sorry, something went wrong.")[i % 3]
            here.errors.clear()
        seconds, after = time.monotonic() - began, resident_mb()
        once = sum(here.ended[session] == 1 for session in here.started)
        print(
            f"{n_turns} turns in {seconds:.0f} s: {len(here.started)} sessions, {once} ended once, {wrong} wrong "
            f"answers; memory {before:.1f} MB, then {after:.1f} MB (ids of sessions included)\n"
        )
        return once == len(here.started) == n_turns and wrong == 0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--turns", type=int, default=10_000)
    arguments = parser.parse_args()
    missed = []
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name, asyncio.Runner(loop_factory=TimedLoop) as runner:
        folder = Path(name)
        (folder / "bad.py").write_text(SKILL)
        loop = runner.get_loop()
        assert isinstance(loop, TimedLoop)
        if arguments.turns and not runner.run(talk(folder, arguments.turns)):
            missed.append("turns")
        print(f"{'':<24} {'late, ms':>14} {'computing, ms':>14} {'closed, s':>10} {'back, s':>10}   median and worst")
        cases = [
            ("quiet", "", False),
            *(("apart", i, False) for i in APART),
            *(("within", i, True) for i in IN_PROCESS),
        ]
        for where, intent, trusted in cases:
            seen = [
                runner.run(go_wrong(intent, folder, loop, trusted=trusted) if intent else quiet(folder, loop))
                for _ in range(arguments.runs)
            ]
            shown = (
                f"{statistics.median(values):.{digits}f}/{max(values):.{digits}f}"
                for digits, values in (
                    (0, [s.late_ms for s in seen]),
                    (1, [s.computing_ms for s in seen]),
                    (2, [s.closed_s for s in seen]),
                    (2, [s.back_s for s in seen]),
                )
            )
            late, computing, closed, back = shown
            print(f"{where:<8} {intent:<15} {late:>14} {computing:>14} {closed:>10} {back:>10}", flush=True)
            if max(s.computing_ms for s in seen) > COMPUTING_LIMIT_MS or max(s.back_s for s in seen) > BACK_LIMIT_S:
                missed.append(f"{where} {intent}")
    print(f"\nlimits missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
