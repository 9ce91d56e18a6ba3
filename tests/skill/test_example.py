"""Golden sentences of a skill: what is said about those that fail, and a new skill's, which pass."""

import pytest

from voice.errors import ConfigError, SkillError
from voice.skill import Ask, Skill
from voice.skill.example import rehearse
from voice.skill.loader import load_file
from voice.skill.scaffold import new_skill


def door():
    skill = Skill("door", publishes=["home/door"])

    @skill.intent("Open", "open the door")
    def open_door() -> None:
        skill.publish("home/door", {"open": True})

    @skill.intent("Close", "close the door")
    def close_door() -> Ask:
        return Ask("Sure?", expect=["Yes"])

    @skill.answer("Yes")
    def yes() -> str:
        return "Closed."

    @skill.intent("Break", "break it")
    def break_it() -> None:
        raise ValueError("broken")

    return skill


@pytest.mark.parametrize(
    ("turns", "published", "fault"),
    [
        (["open the door", ""], {"home/door": {"open": True}}, ""),
        (["close the door", "Sure?", "yes please", "Closed."], None, ""),
        (["close the door", ...], {}, ""),
        (["paint the door", None], None, ""),
        (["open the door", "Open."], None, "was answered without words, expected 'Open.'"),
        (["close the door", "Sure?", "yes", "Done."], None, "'yes' was answered 'Closed.', expected 'Done.'"),
        (["open the door", ...], None, "expected any words"),
        (["open the door", None], None, "expected nothing (not understood)"),
        (["paint the door", ""], None, "was answered nothing (not understood), expected without words"),
        (["open the door", ""], {}, "published {'home/door': {'open': True}}, expected {}"),
        (["break it", ...], None, "ValueError: broken"),
    ],
)
async def test_what_an_example_finds(turns, published, fault):
    skill = door()
    skill.example(*turns, published=published)
    found = await rehearse(skill, skill.examples[0])
    assert fault in found if fault else found == ""


async def test_a_skill_that_can_not_run_is_a_fault():
    skill = Skill("broken")
    skill.intent("Open", "open <the>")(lambda: None)
    skill.example("open", "")
    assert "no rule" in await rehearse(skill, skill.examples[0])


@pytest.mark.parametrize("turns", [[], ["open the door"], [None, "Open."], [..., "Open."]])
def test_an_example_needs_a_reply_to_each_sentence(turns):
    with pytest.raises(SkillError, match=r"door: an example .*skill\.example"):
        door().example(*turns)


@pytest.mark.parametrize("name", ["coffee", "my-coffee", "room_2", "a1"])
async def test_a_new_skill_loads_and_its_examples_hold(name, tmp_path):
    skill = load_file(new_skill(name, tmp_path / "new"))
    assert skill.name == name
    assert len(skill.examples) > 3
    assert [await rehearse(skill, example) for example in skill.examples] == [""] * len(skill.examples)


@pytest.mark.parametrize("name", ["", "My Skill", "../x", "9", "_x", "test_x", "a--b", "a-"])
def test_a_bad_name_writes_nothing(name, tmp_path):
    with pytest.raises(ConfigError, match="can't be the name of a skill"):
        new_skill(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_never_written_over(tmp_path):
    (tmp_path / "my_coffee.py").write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        new_skill("my-coffee", tmp_path)
    assert (tmp_path / "my_coffee.py").read_text() == "mine"


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"coffee\.py"):
        new_skill("coffee", tmp_path / "file")
