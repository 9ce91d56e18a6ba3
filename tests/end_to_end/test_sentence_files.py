"""Sentences in YAML, named in the configuration, are heard by the running loop; a program on MQTT answers them."""

import asyncio
from pathlib import Path

import pytest

from voice.app import running
from voice.audio.files import FileSource
from voice.bus import topics as t
from voice.config import load_config
from voice.errors import ConfigError, GrammarError
from voice.skill import Skill

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
HOME = """
language: en
intents:
  HassTurnOn:
    data:
      - sentences: ["turn on [the] {area} light[s]"]
        slots: {domain: light}
  Greet:
    data:
      - sentences: ["good morning {area}"]
lists:
  area: {values: [kitchen, {in: "(bedroom|sleeping room)", out: bedroom}]}
"""


def skill() -> Skill:
    greeting = Skill("greeting")
    greeting.intent("Greet", "hello")(lambda: "Hello.")
    return greeting


@pytest.fixture
def config(tmp_path: Path):
    (tmp_path / "home.yaml").write_text(HOME)
    (tmp_path / "assistant.yaml").write_text(
        f"sentences: {{files: [{tmp_path}/home.yaml]}}\nspeech: {{output: 'null', sounds: {{enabled: false}}}}\n"
    )
    return load_config(tmp_path / "assistant.yaml")


class Program:
    """Hears intents as an MQTT program does, and ends their sessions."""

    def __init__(self, bus) -> None:
        self.bus, self.intents, self.ended = bus, [], []
        t.on(bus, t.IntentMessage, self._answer)
        t.on(bus, t.SessionEnded, self._note)

    async def _answer(self, message: t.IntentMessage) -> None:
        self.intents.append((message.intent.intent_name, {slot.slot_name: slot.value.value for slot in message.slots}))
        await t.send(self.bus, t.EndSession(session_id=message.session_id))

    async def _note(self, message: t.SessionEnded) -> None:
        self.ended.append(message.termination.reason)


async def test_a_sentence_of_a_file_is_heard_and_answered_over_the_bus(config) -> None:
    async with running(config, link_broker=False, skills=[skill()]) as parts:
        program = Program(parts.bus)
        await asyncio.wait_for(parts.run(FileSource([DEMO / "kitchen_light.flac"])), 60)
        await parts.bus.drain()
    assert program.intents == [("HassTurnOn", {"area": "kitchen", "domain": "light"})]
    assert program.ended == ["nominal"]


async def test_names_can_be_added_and_registrations_leave_the_sentences(config) -> None:
    async with running(config, link_broker=False, skills=[skill()]) as parts:
        answers: list[t.NluIntentParsed] = []
        done = asyncio.Event()

        async def note(message: t.NluIntentParsed) -> None:
            answers.append(message)

        async def finish(_: t.SkillRegistered | t.InjectionComplete) -> None:
            done.set()

        t.on(parts.bus, t.NluIntentParsed, note)
        t.on(parts.bus, t.SkillRegistered, finish)
        t.on(parts.bus, t.InjectionComplete, finish)
        register = t.SkillRegister(skill_id="hass", intents={"HassTurnOn": []})
        add = t.InjectionPerform(operations=[("add", {"area": ["conservatory"]})])
        for request in (register, add):
            done.clear()
            await t.send(parts.bus, request)
            await asyncio.wait_for(done.wait(), 60)
        for text in ("turn on the conservatory lights", "good morning bedroom", "hello"):
            await t.send(parts.bus, t.NluQuery(input=text))
        async with asyncio.timeout(60):
            while len(answers) < 3:
                await parts.bus.drain()
                await asyncio.sleep(0)
    assert [answer.intent.intent_name for answer in answers] == ["HassTurnOn", "Greet", "Greet"]
    assert [slot.value.value for slot in answers[0].slots if slot.slot_name == "area"] == ["conservatory"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (None, ConfigError, "home.yaml"),
        ("intents: {A: {data: [{sentences: ['turn (on']}]}}", GrammarError, "home.yaml, line 1.*never closed"),
        ("intents: {}", GrammarError, "no sentence"),
    ],
)
async def test_a_file_that_is_wrong_ends_the_start_with_one_line(config, text, error, says) -> None:
    (file,) = config.sentences.files
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(error, match=says) as raised:
        async with running(config, link_broker=False, skills=[skill()]):
            pass
    assert "\n" not in str(raised.value)
