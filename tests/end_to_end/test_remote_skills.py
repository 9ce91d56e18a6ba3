"""The programs of docs/remote-skills.md, each a process, answer the whole assistant through a real mosquitto."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bus.brokers import Mosquitto, needs_mosquitto
from tests.bus.test_rhasspy import FOLDER as RHASSPY
from voice.app import Running, running
from voice.bus import topics as t
from voice.config import Config
from voice.skill import Skill

ROOT = Path(__file__).parent.parent.parent
NODE_MODULES = Path(os.environ.get("EARSHOT_NODE_MODULES") or Path(sys.prefix, "node", "node_modules"))
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and (NODE_MODULES / "mqtt").is_dir()), reason="node or its package mqtt is not installed"
)
needs_clients = pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto-clients is not installed")
needs_rhasspy = pytest.mark.skipif(not (RHASSPY / "rhasspyhermes").is_dir(), reason="rhasspy-hermes is not installed")
PATIENCE_S = 60
EXAMPLES = [
    pytest.param("py", [sys.executable, "docs/remote/coffee.py"], id="python"),
    pytest.param("js", ["node", "docs/remote/coffee.js"], id="javascript", marks=needs_node),
    pytest.param("sh", ["sh", "docs/remote/coffee.sh"], id="shell", marks=needs_clients),
]
pytestmark = [needs_mosquitto, pytest.mark.slow]


class House:
    """A whole assistant without ears: what is said is published as text."""

    def __init__(self, parts: Running) -> None:
        self.parts, self.seen = parts, []
        self._changed = asyncio.Condition()
        for model in (t.SkillRegistered, t.SessionStarted, t.AsrStartListening, t.TtsSay, t.SessionEnded):
            t.on(parts.bus, model, self._note)
        t.on(parts.bus, t.IntentMessage, self._note)

    async def _note(self, message: t.Payload) -> None:
        async with self._changed:
            self.seen.append(message)
            self._changed.notify_all()

    async def next(self, kind: type) -> t.Payload:
        """Return the first message of a kind since the last call, and forget those before it."""

        def found() -> int | None:
            return next((i for i, message in enumerate(self.seen) if isinstance(message, kind)), None)

        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        at = found()
        message, self.seen = self.seen[at], self.seen[at + 1 :]
        return message

    async def ask(self, text: str) -> None:
        """Say something after a wake word."""
        await t.send(self.parts.bus, t.HotwordDetected(model_id="computer"))
        await self.answer(text)

    async def answer(self, text: str) -> None:
        """Say something to whoever listens."""
        listening = await self.next(t.AsrStartListening)
        await t.send(self.parts.bus, t.AsrTextCaptured(text=text, likelihood=1.0, session_id=listening.session_id))


@contextlib.asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    """Run a broker and an assistant on it; yield it and the broker's port."""
    broker = Mosquitto(tmp_path)
    await broker.start()
    try:
        async with running(settings_of(broker), skills=[quiet()]) as parts:
            assert parts.link
            async with asyncio.timeout(PATIENCE_S):
                await parts.link.wait_connected()
            yield House(parts), str(broker.port)
    finally:
        await broker.kill()


def settings_of(broker: Mosquitto) -> Config:
    """Return the settings of a silent assistant on a broker; no spoken word is classified here."""
    speech = {"output": "null", "sounds": {"enabled": False}}
    on_broker = {"embedded": False, "host": "127.0.0.1", "port": broker.port}
    return Config.model_validate({"broker": on_broker, "speech": speech, "models": {"commands": None}})


def quiet() -> Skill:
    """Return a skill that is no part of the tests."""
    skill = Skill("quiet")

    @skill.intent("Stop", "stop")
    def stop() -> None: ...

    return skill


@contextlib.asynccontextmanager
async def program(*command: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program until it is ready; end it and its children with it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(PATIENCE_S):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.mark.parametrize(("name", "command"), EXAMPLES)
async def test_an_example_answers_asks_and_takes_its_sentences_along(
    name: str, command: list[str], tmp_path: Path
) -> None:
    async with house(tmp_path) as (home, port):
        async with program(*command, "127.0.0.1", port, NODE_PATH=str(NODE_MODULES)):
            registered = await home.next(t.SkillRegistered)
            assert (registered.skill_id, registered.intents) == (f"coffee-{name}", ["BrewCoffee"])
            await home.ask("make me a coffee")
            assert (await home.next(t.TtsSay)).text == "Your coffee is on its way."
            assert (await home.next(t.SessionEnded)).termination.reason == "nominal"
            if name != "sh":
                await home.ask("make me something to drink")
                assert (await home.next(t.TtsSay)).text == "Coffee or tea?"
                await home.answer("a tea please")
                assert (await home.next(t.TtsSay)).text == "Your tea is on its way."
                await home.next(t.SessionEnded)
        assert (await home.next(t.SkillRegistered)).intents == []
        await home.ask("make me a coffee")
        assert (await home.next(t.SessionEnded)).termination.reason == "intentNotRecognized"


async def test_a_registration_outlives_the_assistant(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    python = program(sys.executable, "docs/remote/coffee.py", "127.0.0.1", str(broker.port))
    async with python, running(settings_of(broker), skills=[quiet()]) as parts:
        home = House(parts)
        assert (await home.next(t.SkillRegistered)).intents == ["BrewCoffee"]
        await home.ask("brew a tea")
        assert (await home.next(t.TtsSay)).text == "Your tea is on its way."
    await broker.kill()


@needs_rhasspy
async def test_a_program_in_the_style_of_rhasspy_hermes_app_answers_an_intent(tmp_path: Path) -> None:
    async with house(tmp_path) as (home, port):
        await home.parts.bus.publish(
            "earshot/skill/tea/register",
            b'{"intents": {"BrewTea": ["brew some {kind}"]},"lists": {"kind": ["assam", "oolong"]}}',
        )
        assert (await home.next(t.SkillRegistered)).error is None
        app = "tests/end_to_end/rhasspy_app.py"
        async with program(sys.executable, "-W", "ignore", app, "127.0.0.1", port, PYTHONPATH=str(RHASSPY)):
            await home.ask("brew some oolong")
            assert (await home.next(t.TtsSay)).text == "default: kind oolong 1.0"
            assert (await home.next(t.SessionEnded)).termination.reason == "nominal"


def test_the_page_is_one_page_and_names_each_program() -> None:
    page = (ROOT / "docs" / "remote-skills.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 60
    programs = {path.name for path in (ROOT / "docs" / "remote").iterdir()}
    assert set(re.findall(r"\(remote/([\w.]+)\)", page)) == programs == {"coffee.py", "coffee.js", "coffee.sh"}
