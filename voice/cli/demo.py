"""`voice demo`: the shipped recordings through the live chain, every expectation checked."""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voice import demo
from voice.app import Running, running
from voice.audio.files import read_audio
from voice.audio.queued import QueuedSource
from voice.bus.topics import (
    AsrStartListening,
    HotwordDetected,
    IntentMessage,
    SessionEnded,
    TtsSay,
    on,
)
from voice.config import Config
from voice.events import RATE
from voice.pipeline.assistant import Turn
from voice.pipeline.ears import Heard
from voice.yaml12 import read_yaml

PATIENCE = 30.0
"""Seconds that a step may take after its last recording."""

Say = Callable[[str], None]


@dataclass
class _Step:
    """What happened since the step began."""

    wakes: int = 0
    listening: int = 0
    ended: int = 0
    intents: list[IntentMessage] = field(default_factory=list)


class Demo:
    """Plays the script into a running assistant.

    Args:
        source: what the assistant listens to.
        say: prints one line.
    """

    def __init__(self, source: QueuedSource, say: Say) -> None:
        self._source = source
        self._say = say
        self._step = _Step()
        self._changed = asyncio.Condition()

    async def run(self, parts: Running) -> list[str]:
        """Return the expectations that failed."""
        for model in (HotwordDetected, AsrStartListening, TtsSay, IntentMessage, SessionEnded):
            on(parts.bus, model, self._note)
        failures = []
        for step in read_yaml(Path(demo.__file__).parent / "script.yaml"):
            self._say(f"--- {step['title']}")
            failure = await self._play(step)
            self._say(f"{'FAILED: ' + failure if failure else 'ok'}")
            if failure:
                failures.append(f"{step['title']}: {failure}")
        return failures

    async def _play(self, step: dict[str, Any]) -> str:
        self._step = _Step()
        for clip in step["play"]:
            if not await self._listening(clip.get("turn", 0)):
                return f"it was not listening for {clip['file']}"
            self._line(f"playing {clip['file']}.flac ({clip['voice']})")
            await self._source.play(read_audio(Path(demo.__file__).parent / f"{clip['file']}.flac"))
        if step["expect"].get("wake") is False:
            await self._pause(2.0)
            return f"it woke {self._step.wakes} times" if self._step.wakes else ""
        if not await self._until(lambda: self._step.ended >= 1):
            return "no session ended" if self._step.wakes else "it did not wake"
        await self._pause(0.5)
        return self._compare(step["expect"])

    def _compare(self, expected: dict[str, Any]) -> str:
        if expected["intent"] is None:
            got = [message.intent.intent_name for message in self._step.intents]
            return f"intent {got[0]}" if got else ""
        if not self._step.intents:
            return "no intent"
        last = self._step.intents[-1]
        slots = {slot.slot_name: slot.value.value for slot in last.slots}
        if last.intent.intent_name != expected["intent"]:
            return f"intent {last.intent.intent_name} instead of {expected['intent']}"
        wrong = {key: slots.get(key) for key, value in expected.get("slots", {}).items() if slots.get(key) != value}
        return f"slots {wrong}" if wrong else ""

    async def _note(self, message: Any) -> None:
        match message:
            case HotwordDetected():
                self._step.wakes += 1
                self._line(f"wake word {message.model_id}")
            case AsrStartListening():
                self._step.listening += 1
            case TtsSay():
                self._line(f"says: {message.text}")
            case IntentMessage():
                self._step.intents.append(message)
                slots = ", ".join(f"{slot.slot_name}={slot.value.value}" for slot in message.slots)
                self._line(f"intent {message.intent.intent_name}({slots})")
            case SessionEnded():
                self._step.ended += 1
                self._line(f"session ended: {message.termination.reason}")
        async with self._changed:
            self._changed.notify_all()

    async def _listening(self, times: int) -> bool:
        return await self._until(lambda: self._step.listening >= times)

    async def _until(self, condition: Callable[[], bool]) -> bool:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE / self._source.speed)
            except TimeoutError:
                return False
        return True

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._source.speed)

    def _line(self, text: str) -> None:
        self._say(f"{self._source.now / RATE:7.2f} s  {text}")


async def play_demo(config: Config, say: Say, *, speed: float = 1.0, link_broker: bool = True) -> int:
    """Run the demo.

    Args:
        config: the settings.
        say: prints one line.
        speed: 1 is real time.
        link_broker: False keeps the hub in process.

    Returns:
        The exit status: 0 only if every expectation held.
    """
    source = QueuedSource(speed=speed)
    timings: list[float] = []

    def watch(event: Heard | Turn) -> None:
        if isinstance(event, Turn):
            timings.append(event.understand_ms)
            say(
                f"{source.now / RATE:7.2f} s  heard: {event.understanding.text!r} ({event.understanding.source}, "
                f"{event.understand_ms:.0f} ms after {event.endpoint_ms:.0f} ms of silence)"
            )

    started = time.monotonic()
    config = _on_a_free_port(config, say) if link_broker else config
    async with running(config, watch=watch, link_broker=link_broker) as parts:
        if parts.link:
            say(f"broker at {parts.broker}")
        listening = asyncio.create_task(parts.assistant.run(source))
        failures = await Demo(source, say).run(parts)
        await source.close()
        await listening
    say(f"{len(failures)} of the expectations failed" if failures else "every expectation held")
    say(f"{time.monotonic() - started:.0f} s")
    return 1 if failures else 0


def _on_a_free_port(config: Config, say: Say) -> Config:
    """Return a configuration whose embedded broker can start: the demo gives way to a broker that runs already."""
    if not config.broker.embedded:
        return config
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.broker.host, config.broker.port))
        except OSError:
            say(f"{config.broker.address} is taken: the embedded broker takes a free port")
            return config.model_copy(update={"broker": config.broker.model_copy(update={"port": 0})})
    return config
