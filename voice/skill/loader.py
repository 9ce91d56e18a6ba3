"""Find skills: installed ones by entry point, others by folder. A broken one is named; the rest load."""

import importlib.util
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
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


def load_skills(settings: SkillSettings) -> list[Skill]:
    """Return the skills that the settings ask for; one that can't be loaded is logged in a line."""
    skills, errors = discover(settings)
    for error in errors:
        _log.error("%s", error)
    return skills


def discover(settings: SkillSettings) -> tuple[list[Skill], list[SkillError]]:
    """Return the skills of all entry points and folders, and what could not be loaded."""
    skills: dict[str, Skill] = {}
    errors: list[SkillError] = []
    for found in (*_installed(settings.only), *_in_folders(settings.folders)):
        if isinstance(found, SkillError):
            errors.append(found)
        elif settings.only is not None and found.name not in settings.only:
            continue
        elif clash := _clash([*skills.values(), found]):
            errors.append(clash)
        else:
            skills[found.name] = found
    return list(skills.values()), errors


def _clash(skills: Sequence[Skill]) -> SkillError | None:
    """Return what the last skill shares with one before it."""
    try:
        check_unique(skills)
    except SkillError as error:
        return error
    return None


def load_file(path: Path) -> Skill:
    """Return the `skill` of a Python file.

    Raises:
        SkillError: it can't be imported or defines no skill; names the file.
    """
    name = f"voice_skill_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SkillError(f"{path} is not a Python file", fix="point at a skill's .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the skill boundary: its import can raise anything
        del sys.modules[name]
        raise SkillError(f"{path} can't be loaded ({type(error).__name__}: {error})", fix="mend it") from error
    return _checked(getattr(module, "skill", None), str(path))


def _installed(only: Iterable[str] | None) -> Iterator[Skill | SkillError]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if only is not None and point.name not in only:
            continue
        yield _entry(point)


def _entry(point: EntryPoint) -> Skill | SkillError:
    try:
        return _checked(point.load(), point.value)
    except SkillError as error:
        return error
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the skill boundary: its import can raise anything
        return SkillError(
            f"{point.value} can't be loaded ({type(error).__name__}: {error})", fix="mend or uninstall it"
        )


def _in_folders(folders: Iterable[str]) -> Iterator[Skill | SkillError]:
    for folder in map(Path, folders):
        if not folder.is_dir():
            yield SkillError(f"skill folder {folder} does not exist", fix="correct skills.folders")
            continue
        for path in sorted(folder.glob("[!_.]*.py")):
            if path.stem.startswith("test_"):
                continue
            try:
                yield load_file(path)
            except SkillError as error:
                yield error


def _checked(value: Any, where: str) -> Skill:
    if not isinstance(value, Skill):
        raise SkillError(f"{where} defines no skill", fix='write `skill = Skill("name")`')
    try:
        compile_grammar(value.sentences())
    except GrammarError as error:
        raise SkillError(f"{where}: {error}", fix="the other skills run without it") from error
    return value
