"""Finding skills."""

from voice.skill.loader import discover, load_skills
from voice.skill.settings import SkillSettings

GOOD = 'from voice.skill import Skill\nskill = Skill("good")\nskill.intent("Good", "good")(lambda: "Good.")\n'


def test_the_built_in_skills_are_installed():
    skills, errors = discover(SkillSettings())
    assert {skill.name for skill in skills} >= {"clock", "timer", "lights", "volume", "help"}
    assert errors == []


def test_a_broken_file_is_named_and_the_rest_loads(tmp_path, caplog):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "raises.py").write_text("1 / 0\n")
    (tmp_path / "syntax.py").write_text("def (\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit\n")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "bad_slot.py").write_text(GOOD.replace('"good")(', '"good {x}")(').replace("lambda:", "lambda x=1:"))
    (tmp_path / "bad_template.py").write_text(GOOD.replace('"good")(', '"good (")('))
    (tmp_path / "bad_rule.py").write_text(GOOD.replace('"good")(', '"<good>")('))
    (tmp_path / "test_good.py").write_text("1 / 0\n")
    (tmp_path / "_private.py").write_text("1 / 0\n")
    skills, errors = discover(SkillSettings(only=("good",), folders=(str(tmp_path),)))
    assert [skill.name for skill in skills] == ["good"]
    assert sorted(str(error).split(".py")[0].rsplit("/")[-1] for error in errors) == [
        "bad_rule", "bad_slot", "bad_template", "empty", "leaves", "raises", "syntax",
    ]  # fmt: skip
    assert all("\n" not in str(error) for error in errors)
    assert load_skills(SkillSettings(only=("good",), folders=(str(tmp_path),)))[0].name == "good"
    assert len(caplog.records) == 7


def test_a_missing_folder_is_said():
    _, errors = discover(SkillSettings(only=(), folders=("no-such-folder",)))
    assert "no-such-folder does not exist" in str(errors[0])


def test_the_first_of_two_skills_of_a_name_runs(tmp_path):
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text(GOOD)
    skills, errors = discover(SkillSettings(only=("good",), folders=(str(tmp_path),)))
    assert len(skills) == 1
    assert "two skills are called 'good'" in str(errors[0])


def test_a_skill_that_answers_another_ones_intent_is_left_out(tmp_path):
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text(GOOD.replace('Skill("good")', 'Skill("better")'))
    skills, errors = discover(SkillSettings(only=("good", "better"), folders=(str(tmp_path),)))
    assert [skill.name for skill in skills] == ["good"]
    assert "skills good and better both answer 'Good'" in str(errors[0])
