"""Sentences of the documentation that could go stale."""

import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*_training/*.md")])
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
MAP_LINE = re.compile(r"^    (\S+?)(?:/)?\s{2,}\S", re.MULTILINE)


def voice(*arguments: str) -> str:
    """Return what a `voice` command prints."""
    command = [sys.executable, "-m", "voice", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def readme_section(title: str) -> str:
    """Return the text under a second-level heading of the README."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_readme_opens_with_the_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:30])
    assert "make run" in first_screen
    assert "make test" in first_screen


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (document.parent / target).exists()]


def test_the_readmes_map_is_the_tree() -> None:
    listed = {name.rstrip("/") for name in MAP_LINE.findall(readme_section("The tree"))}
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {name.split("/")[0] for name in names if "/" in name and not name.startswith(".")}
    assert folders == listed


def test_the_readme_lists_every_command() -> None:
    table = readme_section("Commands")
    commands = set(re.findall(r"`voice ([a-z-]+)", table))
    helped = voice("--help")
    known = set(re.findall(r"^\W*([a-z-]+)  ", helped.split("Commands", 1)[1], re.MULTILINE))
    assert commands == known


def test_the_readmes_skill_runs() -> None:
    block = re.search(r"(?:^    .*\n|^\n)+", readme_section("Write a skill"), re.MULTILINE)
    assert block
    scope: dict[str, object] = {}
    exec(compile(textwrap.dedent(block.group()), "README.md", "exec"), scope)
    assert scope["toss"]() in {"Heads.", "Tails."}


def test_the_makefile_has_the_promised_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test", "check", "demo", "bench", "help", "parity"):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_ci_runs_make_test() -> None:
    assert "exec make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_console_scripts_can_be_imported() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    for target in scripts.values():
        module, function = target.split(":")
        program = f"import importlib; assert callable(getattr(importlib.import_module({module!r}), {function!r}))"
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_architecture_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "voice").glob("*/__init__.py")}
    assert not {room for room in rooms if f"`voice/{room}`" not in text}


def test_decisions_are_numbered_once_and_titled_by_their_number() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    assert all(page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]} ") for page in pages)
