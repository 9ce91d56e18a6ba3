"""A skill's own settings: its model's defaults, over them the configuration, over it the skill's `settings.yaml`."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from voice.errors import ConfigError, SkillError
from voice.skill.storage import Home, write_atomically
from voice.yaml12 import parse_yaml

_log = logging.getLogger(__name__)

FILE = "settings.yaml"
_GOOD = "settings-last-good"


@dataclass(frozen=True, slots=True)
class Options:
    """A skill's settings, and where each came from."""

    value: BaseModel
    origins: Mapping[str, str]
    """Field -> "default", "configuration" or "settings.yaml"."""


def load_options(skill: str, model: type[BaseModel], configured: Mapping[str, Any], home: Home) -> Options:
    """Return a skill's settings.

    A `settings.yaml` that is half written or holds a wrong value is named in the log, and the last good one counts.

    Args:
        skill: its name, for errors.
        model: the skill's.
        configured: what the configuration says under `skills.settings.<skill>`.
        home: where the file is.

    Raises:
        SkillError: the configuration itself is wrong, or a required setting is nowhere.
    """
    try:
        written = read_options(skill, home)
        options = _options(skill, model, configured, written)
        if written:
            home.write(_GOOD, written)
    except ConfigError as error:
        good = home.read(_GOOD) or {}
        _log.error("%s; the last good settings count: %s", error, good or "the defaults")
        options = _options(skill, model, configured, good)
    return options


def read_options(skill: str, home: Home) -> dict[str, Any]:
    """Return what a skill's `settings.yaml` holds.

    Raises:
        ConfigError: it can't be read, or isn't a mapping; names file and line.
    """
    if home.folder is None or not (path := home.folder / FILE).exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", fix="write it again") from error
    values = parse_yaml(text, where=str(path))
    if values is not None and not isinstance(values, dict):
        raise ConfigError(f"{path}: not a mapping", fix=f"write `name: value` lines, as `voice skills show {skill}`")
    return values or {}


def change_option(
    skill: str, model: type[BaseModel], configured: Mapping[str, Any], home: Home, change: str
) -> Options:
    """Set one of a skill's settings in its file, written at once or not at all, and return them all.

    Args:
        skill: its name.
        model: the skill's.
        configured: what the configuration says.
        home: where the file is.
        change: `name=value`, the value in YAML.

    Raises:
        ConfigError: there is no such setting, or the value is wrong.
        SkillError: it can't be written.
    """
    name, equals, text = change.partition("=")
    if not equals or home.folder is None:
        raise ConfigError(f"{change!r} sets nothing", fix="write NAME=VALUE")
    written = {**read_options(skill, home), name.strip(): parse_yaml(text, where=name)}
    options = _options(skill, model, configured, written)
    text = yaml.safe_dump(written, allow_unicode=True, sort_keys=False)
    write_atomically(home.folder / FILE, text.encode())
    return options


def _options(skill: str, model: type[BaseModel], configured: Mapping[str, Any], written: Mapping[str, Any]) -> Options:
    given = {**configured, **written}
    if unknown := sorted(map(str, set(given) - set(model.model_fields))):
        there_are = ", ".join(model.model_fields) or "none"
        raise ConfigError(f"skill {skill} has no setting {unknown[0]!r}", fix=f"there are {there_are}")
    try:
        value = model.model_validate(given)
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(map(str, detail["loc"]))
        wrong = f"skill {skill}: setting {key}={detail['input']!r:.60}: {detail['msg']}"
        kind = ConfigError if written else SkillError
        raise kind(wrong, fix=f"see `voice skills show {skill}`") from error
    origins = {
        name: FILE if name in written else "configuration" if name in configured else "default"
        for name in model.model_fields
    }
    return Options(value, origins)
