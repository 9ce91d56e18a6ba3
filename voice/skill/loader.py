"""Find skills: installed ones by entry point, others by folder. A broken one is named; the rest load."""

import ast
import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from voice.errors import GrammarError, SkillError
from voice.nlu.templates import compile_grammar
from voice.skill.host import check_unique
from voice.skill.settings import SkillSettings
from voice.skill.skill import Skill

_log = logging.getLogger(__name__)
GROUP = "voice.skills"
"""Entry-point group: each names a module's `skill`."""
DISTRIBUTION = "earshot"
"""The package whose skills are built in."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a skill is."""

    target: str
    """A file, a folder or `module:attribute`."""
    built_in: bool = False
    """Whether it comes with Earshot, and runs in the assistant's own process."""
    name: str = ""
    """Of its entry point; empty for a file."""


def sources(settings: SkillSettings) -> tuple[list[Source], list[SkillError]]:
    """Return where the skills that the settings ask for are, and which folders are missing."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    found = [
        Source(point.value, point.dist is not None and point.dist.name == DISTRIBUTION, point.name)
        for point in points
        if settings.only is None or point.name in settings.only
    ]
    missing = [folder for folder in settings.folders if not Path(folder).is_dir()]
    fix = "correct skills.folders"
    return [*found, *in_folders(settings)], [
        SkillError(f"skill folder {folder} does not exist", fix=fix) for folder in missing
    ]


def in_folders(settings: SkillSettings) -> list[Source]:
    """Return the skills of the folders that there are; unlike the installed ones, they come and go."""
    return [Source(str(path)) for folder in settings.folders for path in in_folder(Path(folder))]


def load_skills(settings: SkillSettings) -> list[Skill]:
    """Return the skills that the settings ask for, in this process; one that can't be loaded is logged in a line."""
    skills, errors = discover(settings)
    for error in errors:
        _log.error("%s", error)
    return skills


def discover(settings: SkillSettings) -> tuple[list[Skill], list[SkillError]]:
    """Return the skills of all entry points and folders, and what could not be loaded.

    All run in this process, as tools want it; `voice.skill.crew` gives each a process of its own.
    """
    skills: dict[str, Skill] = {}
    found, errors = sources(settings)
    for source in found:
        try:
            skill = load_target(source.target)
        except SkillError as error:
            errors.append(error)
            continue
        if settings.only is not None and skill.name not in settings.only:
            continue
        if clash := clash_of([*skills.values(), skill]):
            errors.append(clash)
        else:
            skills[skill.name] = skill
    return list(skills.values()), errors


def clash_of(skills: Sequence[Skill]) -> SkillError | None:
    """Return what the last skill shares with one before it."""
    try:
        check_unique(skills)
    except SkillError as error:
        return error
    return None


def load_file(path: Path) -> Skill:
    """Return the `skill` of a Python file, or of a package: a folder with `__init__.py`.

    Raises:
        SkillError: it can't be imported or defines no skill; names the file.
    """
    name = f"voice_skill_{path.stem}"
    file = path / "__init__.py" if path.is_dir() else path
    within = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=within)
    if spec is None or spec.loader is None or not file.is_file():
        raise SkillError(f"{path} is not a Python file", fix="point at a skill's .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the skill boundary: its import can raise anything
        del sys.modules[name]
        raise SkillError(f"{path} can't be loaded ({_told(error, file)})", fix="mend it") from error
    return _checked(getattr(module, "skill", None), str(path))


def load_target(target: str) -> Skill:
    """Return the skill of a file or folder, or of `module:attribute`.

    Raises:
        SkillError: it can't be imported or defines no skill.
    """
    if _is_path(target):
        return load_file(Path(target))
    found = _entry(EntryPoint("", target, GROUP))
    if isinstance(found, SkillError):
        raise found
    return found


@dataclass(frozen=True, slots=True)
class Declared:
    """What a skill's file says before it is run."""

    name: str
    needs: tuple[str, ...]


def declared(target: str) -> Declared:
    """Return the name and the needs of a skill without running it, from its `Skill("name", needs=[...])`.

    Raises:
        SkillError: its file can't be read or parsed, or doesn't say it in plain words.
    """
    file = _file_of(target)
    if file is None:
        raise SkillError(f"{target} can't be found", fix="point at a skill's .py, its folder, or module:attribute")
    try:
        tree = _tree_of(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise SkillError(f"{target} can't be loaded ({_told(error, file)})", fix="mend it") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Skill":
            given = {keyword.arg: _plain(keyword.value) for keyword in node.keywords}
            name = _plain(node.args[0]) if node.args else given.get("name")
            needs = given.get("needs", ())
            if isinstance(name, str) and isinstance(needs, list | tuple):
                return Declared(name, tuple(map(str, needs)))
    raise SkillError(f"{target} defines no skill", fix='write `skill = Skill("name", ...)`, with `needs=[...]` in full')


def _tree_of(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except SystemError:  # CPython 3.11 miscounts its depth where a thread comes in between (gh-106905)
        return ast.parse(source)


def _plain(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def files_of(target: str, skill: Skill) -> list[Path]:
    """Return the files that a skill is made of: its modules and its translations."""
    file = _file_of(target)
    if file is None:
        return []
    files = [*file.parent.rglob("*.py")] if file.name == "__init__.py" else [file]
    if skill.translations is not None:
        files += Path(skill.translations).glob("*.yaml")
    return sorted(files)


def _is_path(target: str) -> bool:
    return target.endswith(".py") or os.sep in target


def _file_of(target: str) -> Path | None:
    """Return the file behind a target; None where there is none."""
    if _is_path(target):
        path = Path(target)
        return path / "__init__.py" if path.is_dir() else path
    spec, name, within = None, "", None
    for part in target.partition(":")[0].split("."):  # unlike importlib's find_spec, this runs no package
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, within)
        if spec is None:
            return None
        within = spec.submodule_search_locations
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _told(error: BaseException, file: Path | None) -> str:
    """Return an error in a line, with the line of the skill's file where it arose."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}: {(error.text or '').strip()}"
    steps = traceback.extract_tb(error.__traceback__)
    lines = [step.lineno for step in steps if file is not None and step.filename == str(file)]
    text = (str(error).splitlines() or [""])[0]
    return f"{f'line {lines[-1]}: ' if lines else ''}{type(error).__name__}: {text}"


def _entry(point: EntryPoint) -> Skill | SkillError:
    try:
        return _checked(point.load(), point.value)
    except SkillError as error:
        return error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the skill boundary: its import can raise anything
        return SkillError(
            f"{point.value} can't be loaded ({_told(error, _file_of(point.value))})", fix="mend or uninstall it"
        )


def in_folder(folder: Path) -> list[Path]:
    """Return the skills of a folder: modules and packages, tests left out."""
    packages = [path.parent for path in folder.glob("[!_.]*/__init__.py")]
    found = sorted([*folder.glob("[!_.]*.py"), *packages])
    return [path for path in found if path.stem != "conftest" and not path.stem.startswith("test")]


def _checked(value: Any, where: str) -> Skill:
    if not isinstance(value, Skill):
        raise SkillError(f"{where} defines no skill", fix='write `skill = Skill("name")`')
    try:
        compile_grammar(value.sentences())
    except GrammarError as error:
        raise SkillError(f"{where}: {error}", fix="the other skills run without it") from error
    return value
