"""Hot reload: a changed file is heard without a restart; a broken one leaves the version before it."""

import asyncio
import contextlib
import os

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import EndSession, IntentMessage, IntentName, on, send
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill.crew import Crew
from voice.skill.host import SkillHost
from voice.skill.learner import Learner
from voice.skill.settings import SkillSettings

SKILL = """
from voice.skill import Skill
skill = Skill("{name}")

@skill.intent("{intent}", "{said}")
def answer() -> str:
    return "{reply}"
"""
TALK = {"name": "talk", "intent": "Talk", "said": "talk to me", "reply": "Hello."}


class Stage:
    """An assistant without ears: text in, and a promise of each change that was learnt."""

    def __init__(self, bus, crew, host):
        self.bus, self.crew, self.host = bus, crew, host
        self.parser = TemplateParser(compile_grammar(host.sentences()))
        self.learnt = asyncio.Event()
        self.replies = asyncio.Queue()
        self.learner = Learner(self._learn, lambda _: None, lambda _: None)
        on(bus, EndSession, self._ended)
        crew.follow(host, self._follow)

    async def _follow(self, skills):
        await self.learner.learn(skills)
        self.learnt.set()

    def _learn(self, sentences, always):
        self.parser.grammar = compile_grammar(sentences)

    async def _ended(self, message):
        await self.replies.put(message.text)

    async def say(self, text):
        intent = self.parser.parse(text)
        if intent is None:
            return None
        name = IntentName(intent_name=intent.name)
        await send(self.bus, IntentMessage(input=text, intent=name, session_id="s"))
        async with asyncio.timeout(20):
            return await self.replies.get()

    async def after(self, change):
        """Make a change and return when it was learnt and the host plays it."""
        self.learnt.clear()
        change()
        async with asyncio.timeout(20):
            await self.learnt.wait()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def stage_of(folder):
    settings = SkillSettings(only=("talk", "sing"), folders=(str(folder),))
    async with LocalBus() as bus, Crew(settings) as crew:
        host = SkillHost(bus, crew.skills, settings)
        try:
            yield Stage(bus, crew, host)
        finally:
            await host.close()


def write(path, **changes):
    path.write_text(SKILL.format(**{**TALK, **changes}))
    os.utime(path, ns=(0, hash(tuple(changes.items())) % 10**18))


async def test_a_changed_skill_is_heard_and_answers_anew(tmp_path):
    path = tmp_path / "talk.py"
    write(path)
    async with stage_of(tmp_path) as stage:
        assert await stage.say("talk to me") == "Hello."
        await stage.after(lambda: write(path, said="speak to me", reply="Good day."))
        assert await stage.say("talk to me") is None
        assert await stage.say("speak to me") == "Good day."


async def test_a_new_skill_comes_and_a_deleted_one_goes(tmp_path):
    write(tmp_path / "talk.py")
    async with stage_of(tmp_path) as stage:
        sing = {"name": "sing", "intent": "Sing", "said": "sing", "reply": "La."}
        await stage.after(lambda: write(tmp_path / "sing.py", **sing))
        assert await stage.say("sing") == "La."
        await stage.after((tmp_path / "talk.py").unlink)
        assert await stage.say("talk to me") is None
        assert [skill.name for skill in stage.host.skills] == ["sing"]


@pytest.mark.parametrize(
    "broken", ["1 / 0", "def (", SKILL.format(**{**TALK, "said": "talk <x>"}), SKILL.format(**{**TALK, "said": "a ("})]
)
async def test_a_broken_version_leaves_the_one_before_it_until_it_is_mended(tmp_path, caplog, broken):
    path = tmp_path / "talk.py"
    write(path)
    async with stage_of(tmp_path) as stage:

        async def complained():
            while "the version before it goes on" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)

        path.write_text(broken)
        async with asyncio.timeout(20):
            await complained()
        assert await stage.say("talk to me") == "Hello."
        await stage.after(lambda: write(path, reply="Mended."))
        assert await stage.say("talk to me") == "Mended."


async def test_an_intent_of_another_skill_can_not_be_taken(tmp_path, caplog):
    write(tmp_path / "talk.py")
    async with stage_of(tmp_path) as stage:
        write(tmp_path / "sing.py", name="sing", said="sing")
        async with asyncio.timeout(20):
            while "both answer 'Talk'" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.01)
        assert await stage.say("talk to me") == "Hello."
