"""Ten thousand scripted turns, no session lost and memory flat: `python -m benchmarks.turns [--turns N] [--seed S]`.

Dialogue, skills and speech run on one bus and a virtual clock; the ears are a script. It wakes, speaks, stays silent,
cuts the answer short, notifies, sends malformed and late messages and faults, and lets the skill raise, hang and ask.
A turn is an utterance that a session listened to. Prints how the sessions ended, the time, and the memory at every
tenth of the turns; exits 1 when a session was not ended exactly once, when the wake word was left off, when a session
outlived every deadline, or when memory grew.
"""

import argparse
import asyncio
import gc
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voice.bus import topics as t
from voice.bus.memory import LocalBus
from voice.clock import VirtualClock
from voice.dialogue.manager import DialogueManager
from voice.dialogue.settings import DialogueSettings
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill import Ask, Skill
from voice.skill.host import SkillHost
from voice.speech.players import NullPlayer
from voice.speech.service import SpeechService
from voice.speech.wav import encode

GROWTH_KB = 2048
"""Memory that may be added between the second tenth of the turns and the last; a leak of one session adds more."""
LONGEST_S = 400.0
"""No session may last longer: a speech of 2,000 characters, a wait, a handler, an answer."""
SETTINGS = DialogueSettings(barge_in=True, stop_word=True, follow_up_s=3.0, queue=4)


def script() -> Skill:
    """Return a skill that does all that a skill can do to a session."""
    skill = Skill("script")

    @skill.intent("Tell", "tell me")
    async def tell() -> str:
        return "It is so."

    @skill.intent("Nod", "nod")
    async def nod() -> None: ...

    @skill.intent("Question", "ask me")
    async def question() -> Ask:
        return Ask("Yes or no?", expect=["Yes", "No"])

    @skill.answer("Yes", "yes")
    async def yes() -> Ask:
        return Ask("Really?", expect=["Yes", "No"])

    @skill.answer("No", "no")
    async def no() -> str:
        return "Then not."

    @skill.intent("Raise", "break")
    async def broken() -> None:
        raise ValueError("broken")

    @skill.intent("Hang", "hang")
    async def hang() -> None:
        await asyncio.Event().wait()

    @skill.intent("Unlock", "open the door", dangerous=True)
    async def unlock() -> str:
        return "Open."

    @skill.intent("Stop", "stop")
    async def stop() -> None: ...

    return skill


async def speak(_text: str, _lang: str | None) -> bytes:
    """Return half a second of silence."""
    return SILENCE


SILENCE = encode(np.zeros(8000, np.float32), 16_000)
SENTENCES = ("tell me", "nod", "ask me", "yes", "no", "break", "open the door", "stop", "sing a song", "", "nobody")
DISTURBED = (
    "dialogueManager/endSession",
    "dialogueManager/startSession",
    "dialogueManager/continueSession",
    "asr/textCaptured",
    "nlu/intentParsed",
    "tts/sayFinished",
)
BROKEN = (b"", b"{", b"[1]", b"\xff", b'{"sessionId": 5}', b'{"sessionId": "gone", "text": "late"}')


@dataclass
class Count:
    """What the sessions did."""

    started: dict[str, float] = field(default_factory=dict)
    """Sessions that run, and when they began."""
    ended: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    double: int = 0
    overdue: int = 0
    hotword: Counter[str] = field(default_factory=Counter)
    """Reasons for which the wake word is off now."""
    memory_kb: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def wrong(self) -> list[str]:
        """Return what must not be."""
        grown = self.memory_kb[-1] - self.memory_kb[1] if len(self.memory_kb) > 2 else 0
        found = {
            f"{len(self.started)} sessions never ended": self.started,
            f"{self.double} sessions ended twice, or without a beginning": self.double,
            f"{self.overdue} sessions outlived every deadline": self.overdue,
            f"the wake word is off: {dict(self.hotword)}": any(self.hotword.values()),
            f"memory grew by {grown} kB": grown > GROWTH_KB,
        }
        return [what for what, is_wrong in found.items() if is_wrong]


class House:
    """A site whose ears are a script."""

    def __init__(self, bus: LocalBus, seed: int) -> None:
        self.bus, self.clock, self.count = bus, VirtualClock(), Count()
        self._random = random.Random(seed)
        self._host = SkillHost(bus, [script()], clock=self.clock)
        self._parser = TemplateParser(compile_grammar(self._host.sentences()))
        self._dialogue = DialogueManager(bus, SETTINGS, self._host.handles, clock=self.clock)
        player = NullPlayer(self.clock)
        self._speech = SpeechService(bus, clock=self.clock, player=player, voice=speak, hotword_off=False)
        self._listening: t.AsrStartListening | None = None
        t.on(bus, t.SessionStarted, self._started)
        t.on(bus, t.SessionEnded, self._ended)
        t.on(bus, t.AsrStartListening, self._listen)
        t.on(bus, t.AsrStopListening, self._stop)
        t.on(bus, t.NluQuery, self._understand)
        t.on(bus, t.HotwordToggleOff, self._off)
        t.on(bus, t.HotwordToggleOn, self._on)

    async def close(self) -> None:
        """End everything."""
        await self._dialogue.close()
        await self._host.close()
        await self._speech.close()

    async def _started(self, message: t.SessionStarted) -> None:
        self.count.double += message.session_id in self.count.started
        self.count.started[message.session_id] = self.clock.now()

    async def _ended(self, message: t.SessionEnded) -> None:
        began = self.count.started.pop(message.session_id, None)
        self.count.double += began is None
        self.count.overdue += began is not None and self.clock.now() - began > LONGEST_S
        self.count.ended[message.termination.reason] += 1
        self._listening = None

    async def _listen(self, message: t.AsrStartListening) -> None:
        self._listening = message

    async def _stop(self, message: t.AsrStopListening) -> None:
        if self._listening and self._listening.session_id == message.session_id:
            self._listening = None

    async def _off(self, message: t.HotwordToggleOff) -> None:
        self.count.hotword[message.reason] = 1

    async def _on(self, message: t.HotwordToggleOn) -> None:
        self.count.hotword[message.reason] = 0

    async def _understand(self, query: t.NluQuery) -> None:
        ids = {"id": query.id, "session_id": query.session_id}
        if query.input == "nobody":
            parsed = t.NluIntentParsed(input=query.input, intent=t.IntentName(intent_name="Nobody"), **ids)
            await t.send(self.bus, parsed)
            return
        intent = self._parser.parse(query.input, query.intent_filter)
        if intent is None:
            await t.send(self.bus, t.NluIntentNotRecognized(input=query.input, **ids))
            return
        name = t.IntentName(intent_name=intent.name, dangerous=intent.dangerous or None)
        await t.send(self.bus, t.NluIntentParsed(input=query.input, intent=name, **ids))

    # ---- the script --------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Return when nothing more happens at this moment."""
        for _ in range(4):
            await self.bus.drain()
            await asyncio.sleep(0)

    async def happen(self) -> None:
        """Do one of the things that happen in a house."""
        deeds: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (40, self._wake_and_say),
            (30, self._say),
            (8, self._notify),
            (4, self._ask_by_message),
            (6, self._wait),
            (5, self._disturb),
            (4, self._end_by_message),
            (2, self._fault),
            (1, self._hang),
        )
        weights, deed = [weight for weight, _ in deeds], [do for _, do in deeds]
        await self._random.choices(deed, weights)[0]()
        await self.settle()
        await self._pass(self._random.choice((0.0, 0.1, 0.3, 0.6, 1.5)))

    async def _pass(self, seconds: float) -> None:
        await self.clock.advance(seconds, self.settle)
        await self.settle()

    async def _wake_and_say(self) -> None:
        await t.send(self.bus, t.HotwordDetected(model_id="computer"))
        await self.settle()
        await self._say()

    async def _say(self) -> None:
        if listening := self._listening:
            self._listening = None
            self.count.turns += 1
            text = self._random.choice(SENTENCES)
            await t.send(self.bus, t.AsrTextCaptured(text=text, likelihood=0.9, session_id=listening.session_id))

    async def _hang(self) -> None:
        if listening := self._listening:
            self.count.turns += 1
            await t.send(self.bus, t.AsrTextCaptured(text="hang", session_id=listening.session_id))

    async def _notify(self) -> None:
        await t.send(self.bus, t.StartSession(init=t.NotificationInit(text="Tea is ready."), custom_data="x" * 100))

    async def _ask_by_message(self) -> None:
        init = t.ActionInit(text="What?", can_be_enqueued=self._random.random() < 0.5, send_intent_not_recognized=True)
        await t.send(self.bus, t.StartSession(init=init))

    async def _wait(self) -> None:
        await self._pass(self._random.uniform(1, 40))

    async def _disturb(self) -> None:
        for topic in (
            "dialogueManager/endSession",
            "dialogueManager/startSession",
            "asr/textCaptured",
            "tts/sayFinished",
        ):
            await self.bus.publish(f"hermes/{topic}", self._random.choice(BROKEN))

    async def _end_by_message(self) -> None:
        for session in tuple(self.count.started):
            text = self._random.choice(("", "Good bye."))
            await t.send(self.bus, t.EndSession(session_id=session, text=text))

    async def _fault(self) -> None:
        for session in tuple(self.count.started):
            component = self._random.choice(("asr", "nlu"))
            await t.send(self.bus, t.ErrorMessage(component=component, error="broken", session_id=session))

    async def finish(self) -> None:
        """Let whatever runs come to its own end."""
        for _ in range(100):
            if not self.count.started:
                break
            await self._pass(60)
        await self._pass(60)


def memory_kb() -> int:
    """Return the resident memory of this process, kB."""
    gc.collect()
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


async def run(turns: int, seed: int) -> Count:
    """Run the script and return what came of it."""
    log = logging.getLogger("voice")
    level = log.level
    log.setLevel(logging.CRITICAL)  # a thousand faults on purpose are a thousand lines
    try:
        return await _run(turns, seed)
    finally:
        log.setLevel(level)


async def _run(turns: int, seed: int) -> Count:
    began = time.perf_counter()
    async with LocalBus() as bus:
        house = House(bus, seed)
        while house.count.turns < turns:
            if house.count.turns >= len(house.count.memory_kb) * turns / 10:
                house.count.memory_kb.append(memory_kb())
            await house.happen()
        await house.finish()
        house.count.memory_kb.append(memory_kb())
        house.count.seconds = time.perf_counter() - began
        await house.close()
    return house.count


def main() -> int:
    """Measure and print; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    count = asyncio.run(run(arguments.turns, arguments.seed))
    sessions = sum(count.ended.values())
    print(f"{count.turns} turns, {sessions} sessions in {count.seconds:.1f} s")
    for reason, n in count.ended.most_common():
        print(f"  ended {reason:<20} {n:>6}")
    print(f"lost {len(count.started)}, ended twice {count.double}, overdue {count.overdue}")
    print(f"memory at each tenth, MB: {' '.join(f'{kb / 1024:.1f}' for kb in count.memory_kb)}")
    wrong = count.wrong()
    print("\n".join(wrong) if wrong else "every session ended once")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
