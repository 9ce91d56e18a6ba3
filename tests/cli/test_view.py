"""The live view: plain lines without a terminal, a picture on one, and nothing of it left behind."""

import io
import os
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    ErrorMessage,
    HermesSlot,
    HotwordDetected,
    IntentMessage,
    IntentName,
    PlayBytes,
    SessionEnded,
    SlotValue,
    Termination,
    TtsSay,
    TtsSayFinished,
    send,
)
from voice.cli.stray import stray_lines
from voice.cli.view import LiveView
from voice.events import Intent
from voice.pipeline.arbiter import Understanding
from voice.pipeline.assistant import Turn
from voice.pipeline.ears import Heard

TURN = Turn("s", Understanding("light on", Intent("LightOn"), 0.9, "grammar"), 2.0, 700.0, 24.0)


class Screen:
    """A view on a console in memory."""

    def __init__(self, *, terminal: bool, width: int = 80) -> None:
        self._file = io.StringIO()
        environment = {"TERM": "xterm"}  # whatever terminal the tests themselves run on
        console = Console(
            file=self._file, force_terminal=terminal, color_system=None, width=width, height=24, _environ=environment
        )
        self.view = LiveView(console)
        self.bus = LocalBus()
        assistant = SimpleNamespace(phase="idle")
        self.parts: Any = SimpleNamespace(bus=self.bus, assistant=assistant, link=None, broker="")

    async def say(self, *messages: Any) -> None:
        for message in messages:
            await send(self.bus, message)
        await self.bus.drain()

    def hear(self, dbfs: float = -20.0, chunks: int = 3) -> None:
        for i in range(chunks):
            self.view.watch(Heard(1280 * (i + 1), dbfs, 0.0))

    @property
    def text(self) -> str:
        return self._file.getvalue()

    @property
    def picture(self) -> list[str]:
        """The lines of the last picture drawn."""
        return ("╭" + self.text.rsplit("╭", 1)[1]).splitlines()


async def conversation(screen: Screen) -> None:
    slots = [HermesSlot(slot_name="room", raw_value="hall", value=SlotValue(value="hall"))]
    await screen.say(HotwordDetected(model_id="computer"))
    screen.view.watch(TURN)
    intent = IntentName(intent_name="LightOn", confidence_score=0.9)
    await screen.say(IntentMessage(input="light on", intent=intent, slots=slots, session_id="s"))
    await screen.say(TtsSay(text="Light [red]on[/red]."), PlayBytes("default", "1", b"RIFF0000WAVE"))


async def end(screen: Screen) -> None:
    await screen.say(TtsSayFinished(), SessionEnded(session_id="s", termination=Termination(reason="nominal")))


async def test_without_a_terminal_each_fact_is_a_line() -> None:
    screen = Screen(terminal=False)
    async with screen.bus:
        with screen.view.on(screen.parts):
            assert screen.text == ""  # nothing has been heard: it must not look alive
            screen.hear()
            await conversation(screen)
            await end(screen)
    lines = screen.text.splitlines()
    assert lines[0] == "Listening. No broker. Ctrl-C ends."
    assert lines[1:5] == [
        "state: woken by computer",
        "heard: 'light on' (grammar)",
        "intent: LightOn(room=hall) 0.90",
        "reply: Light [red]on[/red].",
    ]
    assert lines[5].startswith("latency: silence 700 · understand 24 · intent ")
    assert [part.split()[0] for part in lines[5].split(" · ")[1:]] == ["understand", "intent", "skill", "voice"]
    assert lines[6:] == ["state: session ended: nominal"]


@pytest.mark.parametrize("width", [40, 80, 200])
async def test_on_a_terminal_it_is_a_picture_that_fits(width: int) -> None:
    screen = Screen(terminal=True, width=width)
    async with screen.bus:
        with screen.view.on(screen.parts):
            await conversation(screen)
            screen.hear()
            picture = screen.picture
    assert all(len(line) < min(width, 80) for line in picture if line.startswith(("╭", "│", "╰")))
    text = " ".join("".join(picture).replace("│", " ").split())
    for shown in ("speaking", "-20 dBFS", "'light on' (grammar)", "LightOn(room=hall)", "[red]on[/red]", "silence 700"):
        assert shown in text
    assert screen.text.endswith("\x1b[1A\x1b[2K")  # taken away at the end


async def test_a_wake_clears_the_last_turn_and_a_fault_is_shown() -> None:
    screen = Screen(terminal=True)
    async with screen.bus:
        with screen.view.on(screen.parts):
            await conversation(screen)
            await screen.say(ErrorMessage(component="tts", error="no voice"))
            assert "tts: no voice" in "\n".join(screen.picture)
            await end(screen)
            await screen.say(HotwordDetected(model_id="computer"))
            screen.hear(-200)
            picture = "\n".join(screen.picture)
    assert "no voice" not in picture
    assert "light on" not in picture
    assert "idle" in picture
    assert "█" not in picture


async def test_it_leaves_malformed_messages_to_those_concerned() -> None:
    screen, errors = Screen(terminal=False), []

    async def note(message: Any) -> None:
        errors.append(message)

    async with screen.bus:
        screen.bus.subscribe("hermes/error/#", note)
        with screen.view.on(screen.parts):
            await screen.bus.publish("hermes/tts/say", b"{")
            await screen.bus.drain()
    assert errors == []


def test_what_libraries_write_on_standard_error_is_caught(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with stray_lines(lines.append) as screen:
        os.write(2, b"ALSA lib pcm.c: underrun occurred\n")
        screen.write("picture\n")
    os.write(2, b"after\n")
    assert lines == ["ALSA lib pcm.c: underrun occurred"]
    assert capfd.readouterr().err == "picture\nafter\n"
