"""The pages about skills are followed to the letter: files are written, commands run, their output compared.

`<!-- file: NAME -->` before a block writes it; `$ command` in a `console` block runs, and what stands below must come
out, `...` for anything. Python blocks of the cookbook are skills, whose examples must hold.
"""

import asyncio
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice.cli import build
from voice.skill import Skill
from voice.skill.example import rehearse
from voice.skill.loader import load_file

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>[a-z]+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)


def blocks(page):
    return [*BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))]


def follow(page):
    """Write the files and run the commands of a page, here; return how many commands ran."""
    n_commands = 0
    for block in blocks(page):
        if block["file"]:
            Path(block["file"]).parent.mkdir(parents=True, exist_ok=True)
            Path(block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "python":
            compile(block["text"], page, "exec")
        elif block["kind"] == "console":
            for command, expected in commands(block["text"]):
                if "espeak-ng:" in command and shutil.which("espeak-ng") is None:
                    continue
                n_commands += 1
                assert_matches(command, output_of(command), expected)
    return n_commands


def commands(text):
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def output_of(command):
    program, *arguments = shlex.split(command)
    if program == "pytest":
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin(), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout
    assert program == "voice", f"a page may run voice and pytest, not {program}"
    result = CliRunner().invoke(build(), arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"voice: {result.exception}\n"
    return result.output


def plugin():
    from importlib.metadata import entry_points

    return () if any(p.name == "earshot" for p in entry_points(group="pytest11")) else ("-p", "voice.testing.plugin")


def assert_matches(command, output, expected):
    pattern = "\n".join(".*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") for line in expected)
    assert re.fullmatch(pattern + r"\s*", output, re.DOTALL), f"$ {command}\n{output}\ninstead of\n" + "\n".join(
        expected
    )


@pytest.mark.parametrize(("page", "least"), [("skills.md", 8), ("migration.md", 1)])
def test_a_page_does_what_it_says(page, least, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert follow(page) >= least


def test_each_recipe_of_the_cookbook_holds_its_examples(tmp_path):
    recipes = [
        block["text"] for block in blocks("cookbook.md") if block["kind"] == "python" and "skill = " in block["text"]
    ]
    titles = re.findall(r"^## (.+)$", (DOCS / "cookbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(recipes) == len(titles) >= 10
    (tmp_path / "translations").mkdir()
    for block in blocks("cookbook.md"):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], encoding="utf-8")
    for number, text in enumerate(recipes):
        path = tmp_path / f"recipe_{number}.py"
        path.write_text(text, encoding="utf-8")
        skill = load_file(path)
        assert isinstance(skill, Skill)
        assert skill.examples, f"{titles[number]} gives no example"
        for example in skill.examples:
            assert asyncio.run(rehearse(skill, example)) == "", titles[number]


def test_every_decorator_and_method_of_the_door_is_in_the_guide():
    text = (DOCS / "skills.md").read_text(encoding="utf-8")
    internal = {"bind", "speak", "sentences", "translated", "stage", "topics"}
    public = {name for name in vars(Skill) if not name.startswith("_") and callable(getattr(Skill, name, None))}
    assert not {name for name in public - internal if f"skill.{name}" not in text}
