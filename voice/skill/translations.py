"""A skill's languages: one YAML file each, with its sentences, lists, rules and texts.

    translations/de.yaml
        sentences:  {MakeCoffee: ["(mach|koche) {cups} [Tassen] {kind}"]}
        lists:      {kind: {kaffee: filter, espresso: espresso}}
        rules:      {some: "(etwas|ein wenig)"}
        texts:      {coming: "Kommt sofort.", sure: "Wirklich {cups} Tassen?"}

What a file says about an intent, a list, a rule or a text replaces what the module says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voice.errors import SkillError
from voice.yaml12 import read_yaml


class Translation(BaseModel):
    """One language of a skill."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sentences: Mapping[str, Sequence[str]] = Field(default_factory=dict)
    lists: Mapping[str, Sequence[str] | Mapping[str, Any]] = Field(default_factory=dict)
    rules: Mapping[str, str] = Field(default_factory=dict)
    texts: Mapping[str, str] = Field(default_factory=dict)


def read_translations(folder: Path) -> dict[str, Translation]:
    """Return language -> translation, of all `<language>.yaml` in a folder.

    Raises:
        SkillError: a file is not in the format; names it and the key.
        ConfigError: a file isn't YAML; names the line.
    """
    if not folder.is_dir():
        raise SkillError(f"{folder} is no folder", fix="put en.yaml, de.yaml, ... there")
    return {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}


def _read(path: Path) -> Translation:
    try:
        return Translation.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(map(str, detail["loc"]))
        raise SkillError(f"{path}: {where}: {detail['msg']}", fix="use sentences, lists, rules, texts") from error


def best_of(translations: Mapping[str, Translation], language: str, own: str) -> Translation:
    """Return the translation for a language: `de-AT`, else `de`, else the skill's own, else an empty one."""
    for name in (language, language.partition("-")[0], own):
        if name in translations:
            return translations[name]
    return Translation()
