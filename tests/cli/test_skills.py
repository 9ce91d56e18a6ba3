"""`voice skills` and `voice say`."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from voice.cli import build
from voice.errors import ConfigError, SkillError

SKILL = """
from voice.skill import Skill
skill = Skill("door", publishes=["home/door"])

@skill.intent("Open", "open the door")
def open_door() -> str:
    skill.publish("home/door", "open")
    return "Open."

@skill.intent("Break", "break it")
def break_it() -> None:
    raise ValueError("broken")
"""


def run(*arguments):
    return CliRunner().invoke(build(), ["skills", *map(str, arguments)])


def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_list():
    volume = next(record for record in records(run("list", "--json")) if record["name"] == "volume")
    assert {"VolumeUp", "VolumeDown", "VolumeSet"} <= set(volume["intents"])
    assert "home/volume/set" in volume["publishes"]
    assert "timer" in run("list").stdout


def test_list_says_what_does_not_load(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0")
    (tmp_path / "config.yaml").write_text(f"skills: {{folders: [{tmp_path}]}}")
    result = run("list", "--config", tmp_path / "config.yaml", "--json")
    assert result.exit_code == 1
    assert "bad.py" in records(result)[-1]["error"]


def test_show():
    (shown,) = records(run("show", "lights", "--json"))
    assert "LightOn" in shown["intents"]
    assert shown["answers"] == ["ChooseRoom"]
    assert "LightBrightness" in run("show", "lights").stdout


def test_show_tells_what_may_fill_a_slot(tmp_path):
    more = """
skill.list("room", ["hall", ("attic", "roof")])
@skill.intent("Close", "close the {room} door {share} percent")
def close(room: str, share: Annotated[int, Range(0, 100, step=10)]) -> None: ...
"""
    (tmp_path / "door.py").write_text("from typing import Annotated\nfrom voice.skill import Range\n" + SKILL + more)
    (shown,) = records(run("show", tmp_path / "door.py", "--json"))
    assert shown["lists"] == {"door_room": "hall, attic = roof", "door_share": "0 to 100 in steps of 10"}


def test_run_a_conversation():
    first, second = records(run("run", "lights", "--text", "turn on the light", "--text", "the kitchen", "--json"))
    assert (first["intent"], first["reply"]) == ("LightOn", "In which room?")
    assert (second["intent"], second["published"]) == ("ChooseRoom", [["home/lights/kitchen/set", {"state": "ON"}]])


def test_run_lets_time_pass():
    result = run("run", "timer", "--text", "set a tea timer for three minutes", "--then", "180")
    assert result.stdout.splitlines()[-1] == "The tea timer is up."


def test_run_a_file_and_see_its_fault(tmp_path):
    (tmp_path / "door.py").write_text(SKILL)
    assert "Open." in run("run", tmp_path / "door.py", "--text", "open the door").stdout
    assert "(not understood)" in run("run", tmp_path / "door.py", "--text", "close it").stdout
    failed = run("run", tmp_path / "door.py", "--text", "break it")
    assert failed.exit_code == 1
    assert "ValueError: broken" in failed.stderr


def test_mistakes_are_one_line(tmp_path):
    assert isinstance(run("show", "nothing").exception, ConfigError)
    assert isinstance(run("show", "nothing.py").exception, SkillError)


def test_a_new_skill_is_tested_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = run("new", "coffee-pot")
    assert written.exit_code == 0
    assert "wrote coffee_pot.py" in written.stdout
    lines = records(run("test", "coffee-pot", "--json"))
    assert len(lines) > 3
    assert all(line["ok"] and line["error"] is None for line in lines)
    assert isinstance(run("new", "coffee-pot").exception, ConfigError)
    assert isinstance(run("new", "clock").exception, ConfigError)


def test_all_installed_skills_pass():
    result = run("test")
    assert result.exit_code == 0
    assert "ok    lights: turn off the light / the bedroom" in result.stdout


def test_an_example_that_fails_is_status_1(tmp_path):
    path = tmp_path / "door.py"
    path.write_text(SKILL + 'skill.example("open the door", "Shut.")\nskill.example("open the door", "Open.")\n')
    result = run("test", path)
    assert result.exit_code == 1
    assert "FAIL  door: open the door" in result.stdout
    assert "was answered 'Open.', expected 'Shut.'" in result.stdout
    assert [line["ok"] for line in records(run("test", path, "--json"))] == [False, True]


def test_a_skill_without_examples_is_said_on_standard_error(tmp_path):
    (tmp_path / "door.py").write_text(SKILL)
    result = run("test", tmp_path / "door.py", "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "door gives no example" in result.stderr


TALK = """
from pydantic import BaseModel, Field
from voice.skill import Skill

class Manners(BaseModel):
    greeting: str = Field("Hello", description="said first")
    loud: bool = False

skill = Skill("talk", settings=Manners, needs=["network"])

@skill.intent("Greet", "greet me", "what time is it")
def greet() -> str:
    return skill.settings.greeting + "."

@skill.intent("Never", "what time is it")
def never() -> str:
    return "Never."
"""


@pytest.fixture
def talk(tmp_path):
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "talk.py").write_text(TALK)
    config = tmp_path / "config.yaml"
    config.write_text(
        f"skills: {{folders: [{tmp_path}/skills], state: {tmp_path}/state, settings: {{talk: {{loud: true}}}}}}"
    )
    return config


def test_settings_are_shown_with_where_they_come_from_and_changed(talk, tmp_path):
    (shown,) = records(run("show", "talk", "--config", talk, "--json"))
    assert shown["needs"] == ["network"]
    assert shown["settings"]["greeting"] == {"value": "Hello", "from": "default", "description": "said first"}
    assert shown["settings"]["loud"]["from"] == "configuration"
    assert run("set", "talk", "greeting=Good day", "--config", talk).exit_code == 0
    assert (tmp_path / "state" / "talk" / "settings.yaml").read_text() == "greeting: Good day\n"
    (shown,) = records(run("show", "talk", "--config", talk, "--json"))
    assert shown["settings"]["greeting"]["from"] == "settings.yaml"
    assert "setting greeting = Good day" in run("show", "talk", "--config", talk).stdout
    assert isinstance(run("set", "talk", "greting=x", "--config", talk).exception, ConfigError)
    assert isinstance(run("set", "clock", "x=1").exception, ConfigError)


def test_the_doctor_finds_conflicts_unreachable_intents_and_tells_costs(talk):
    result = run("doctor", "--config", talk, "--json")
    assert result.exit_code == 1
    found = records(result)
    kinds = {(record["finding"], tuple(sorted(record["intents"]))) for record in found if "finding" in record}
    assert ("conflict", ("GetTime", "Greet", "Never")) in kinds
    assert any(kind == "unreachable" and "Never" in intents for kind, intents in kinds)
    costs = {record["skill"]: record for record in found if "skill" in record}
    assert 0 < costs["talk"]["nodes"] < costs["lights"]["nodes"] < costs["all"]["nodes"]
    assert costs["all"]["decoding_ms"] > 0
    told = run("doctor", "--config", talk).stdout
    assert "'what time is it' is claimed by" in told
    assert "Never of talk is never reached" in told


def test_the_doctor_looks_at_files_of_sentences_too(tmp_path):
    data = "[{sentences: ['what time is it', 'how high is the tide']}]"
    (tmp_path / "home.yaml").write_text(f"intents: {{AskTime: {{data: {data}}}}}\n")
    (tmp_path / "config.yaml").write_text(f"sentences: {{files: [{tmp_path}/home.yaml]}}\n")
    result = run("doctor", "--config", tmp_path / "config.yaml", "--json")
    (finding,) = [record for record in records(result) if "finding" in record]
    assert (finding["finding"], sorted(finding["intents"])) == ("conflict", ["AskTime", "GetTime"])
    assert "AskTime of a file of sentences" in finding["text"]


def test_the_built_in_skills_are_well():
    result = run("doctor", "--json")
    assert [record for record in records(result) if "finding" in record] == []
    assert result.exit_code == 0


def test_run_reads_standard_input():
    told = CliRunner().invoke(
        build(), ["skills", "run", "timer", "--json"], input="set a timer for two minutes\n+120\n"
    )
    assert [record["intent"] for record in records(told)] == ["SetTimer", None]
    assert "timer is up" in records(told)[1]["spoken"][0]
    bad = CliRunner().invoke(build(), ["skills", "run", "timer"], input="+soon\n")
    assert isinstance(bad.exception, ConfigError)


def test_a_golden_file_is_held_with_the_examples(tmp_path):
    path = tmp_path / "door.py"
    path.write_text(SKILL + 'skill.example("open the door", "Open.")\n')
    golden = "utterances: [{text: open the door, intent: Open}]\nrejections: [open the window, open the door]\n"
    (tmp_path / "door.golden.yaml").write_text(golden)
    result = run("test", path)
    assert result.exit_code == 1
    assert "door.golden.yaml: 1 of 1 rightly understood" in result.stdout
    assert "door.golden.yaml: 1 of 2 rightly rejected" in result.stdout


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_say_writes_a_wav(tmp_path):
    result = CliRunner().invoke(build(), ["say", "hello", "--out", str(tmp_path / "hello.wav")])
    assert result.exit_code == 0
    assert (tmp_path / "hello.wav").read_bytes()[:4] == b"RIFF"
    bad = CliRunner().invoke(build(), ["say", "hello", "--out", str(tmp_path / "no" / "hello.wav")])
    assert isinstance(bad.exception, ConfigError)
