"""What a skill hears besides its sentences: messages, what nobody understood, the time; and its languages."""

from pathlib import Path

import pytest

from voice.errors import SkillError
from voice.skill import Context, Rehearsal, Skill


async def test_messages_arrive_with_their_levels_and_payload():
    skill, heard = Skill("weather"), []

    @skill.on_message("home/{room}/temperature")
    def temperature(room: str, payload: float) -> str | None:
        heard.append((room, payload))
        return "It is hot." if payload > 30 else None

    @skill.on_message("home/#")
    def anything(payload: object) -> None:
        heard.append(payload)

    async with Rehearsal(skill) as stage:
        await stage.receive("home/hall/temperature", 21.5)
        await stage.receive("home/attic/temperature", 31)
        await stage.receive("home/door", "open")
        assert stage.spoken == ["It is hot."]
        await stage.receive("home/hall/temperature", "warm")
        assert "payload='warm'" in stage.errors[0]
    assert ("hall", 21.5) in heard
    assert ("attic", 31.0) in heard
    assert "open" in heard
    assert skill.topics == ("home/+/temperature", "home/#")


@pytest.mark.parametrize("topic", ["", "home/#/x", "home/{room", "home/a+", "home/{room}x"])
def test_a_topic_that_is_none_is_a_mistake(topic):
    with pytest.raises(SkillError, match="write a topic filter"):
        Skill("x").on_message(topic)(lambda: None)


def test_a_level_needs_a_parameter_and_a_parameter_a_level():
    def needs(room: str) -> None: ...

    with pytest.raises(SkillError, match="names 'door'"):
        Skill("x").on_message("home/{door}")(needs)
    with pytest.raises(SkillError, match="nothing fills 'room'"):
        Skill("x").on_message("home/+")(needs)


async def test_what_nobody_understands_is_offered_by_priority():
    first, second, seen = Skill("first"), Skill("second"), []

    @second.fallback(priority=10)
    def weather(context: Context) -> str | None:
        seen.append("second")
        return "It is sunny." if "weather" in context.text else None

    @first.fallback()
    def broken() -> str:
        seen.append("first")
        raise ValueError("no idea")

    @second.fallback(priority=90)
    def last(context: Context) -> str | None:
        return "Pardon?" if "hello" in context.text else None

    async with Rehearsal(first, second) as stage:
        assert await stage.say("how is the weather") == "It is sunny."
        assert seen == ["second"]
        assert await stage.say("hello there") == "Pardon?"
        assert "no idea" in stage.errors[0]
        assert await stage.say("good night") is None


async def test_dictation_is_a_question_that_expects_nothing():
    skill = Skill("notes")

    @skill.intent("Note", "take a note")
    def note():
        from voice.skill import Ask

        return Ask("What is it?", expect=[])

    @skill.on_not_recognized
    def noted(context: Context) -> str:
        skill.store["notes"] = [*skill.store.get("notes", []), context.text]
        return "Noted."

    async with Rehearsal(skill) as stage:
        await stage.say("take a note")
        assert await stage.say("the red car is at the garage") == "Noted."
        assert skill.store["notes"] == ["the red car is at the garage"]


async def test_every_so_often():
    skill, calls = Skill("pulse"), []

    @skill.every(minutes=5)
    def beat() -> str:
        calls.append(skill.now())
        return "Tick."

    async with Rehearsal(skill) as stage:
        await stage.advance(3600)
        assert len(calls) == 12
        assert stage.spoken == ["Tick."] * 12
    with pytest.raises(SkillError, match="at least one second"):
        skill.every()


async def test_a_list_that_changes_is_heard_from_then_on():
    skill = Skill("names")
    skill.list("who", ["anna"])

    @skill.intent("Hello", "hello {who}")
    def hello(who: str) -> str:
        return f"Hello {who}."

    async with Rehearsal(skill) as stage:
        assert await stage.say("hello ben") is None
        skill.list("who", ["anna", "ben"])
        assert await stage.say("hello ben") == "Hello ben."


GERMAN = """
sentences: {Hello: ["hallo [{who}]"]}
lists: {who: {"der anna": anna}}
texts: {hello: "Hallo {who}!"}
"""


def bilingual(folder: Path):
    (folder / "de.yaml").write_text(GERMAN)
    (folder / "en.yaml").write_text("texts: {hello: 'Hello {who}!', bye: 'Bye.'}")
    skill = Skill("hello", translations=folder)
    skill.list("who", ["anna"])

    @skill.intent("Hello", "hello [{who}]")
    def hello(who: str = "you") -> str:
        return skill.text("hello", who=who) + " " + skill.text("bye")

    return skill


async def test_a_skill_speaks_the_language_that_is_set(tmp_path):
    from voice.skill.settings import SkillSettings

    async with Rehearsal(bilingual(tmp_path), settings=SkillSettings(language="de-AT")) as stage:
        assert await stage.say("hallo der anna") == "Hallo anna! Bye."
        assert await stage.say("hello") is None
    async with Rehearsal(bilingual(tmp_path), settings=SkillSettings(language="fr")) as stage:
        assert await stage.say("hello anna") == "Hello anna! Bye."


def test_mistakes_in_a_translation_name_the_file(tmp_path):
    from voice.errors import ConfigError

    skill = bilingual(tmp_path)
    with pytest.raises(SkillError, match="no text 'no'"):
        skill.text("no")
    with pytest.raises(SkillError, match="needs 'who'"):
        skill.text("hello")
    (tmp_path / "fr.yaml").write_text("texts: [x]")
    with pytest.raises(SkillError, match=r"fr\.yaml: texts"):
        Skill("x", translations=tmp_path)
    (tmp_path / "fr.yaml").write_text("texts: {x: [")
    with pytest.raises(ConfigError, match=r"fr\.yaml line 1"):
        Skill("x", translations=tmp_path)
    with pytest.raises(SkillError, match="is no folder"):
        Skill("x", translations=tmp_path / "no")


@pytest.mark.parametrize("need", ["", "all", "files:"])
def test_a_need_that_is_none_is_a_mistake(need):
    with pytest.raises(SkillError, match='"network"'):
        Skill("x", needs=[need])


async def test_a_flood_is_the_skills_fault():
    skill = Skill("flood", publishes=["home/x"])

    @skill.intent("Flood", "flood")
    def flood() -> None:
        for i in range(100_000):
            skill.publish("home/x", str(i))

    async with Rehearsal(skill) as stage:
        assert await stage.say("flood") == "Sorry, something went wrong."
        assert "flood floods the bus" in stage.errors[0]
        assert 400 < len(stage.published) < 1500
