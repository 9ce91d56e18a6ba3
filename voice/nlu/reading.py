"""Read sentences from YAML in Home Assistant's format."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hassil.util import is_template
from pydantic import BaseModel, ConfigDict, Field

from voice.errors import GrammarError
from voice.nlu.model import Block, ListValue, ListValues, NumberRange, Policy, SkillSentences, Wildcard
from voice.yaml12 import read_yaml

_KEYS = frozenset(
    {"language", "settings", "intents", "lists", "expansion_rules", "skip_words", "responses", "metadata", "data"}
)
_HOME = ("name", "area", "floor")
"""Lists that Home Assistant fills from its own registry: empty where no file defines them."""
_PARTS = {None: 1, "halves": 2, "tenths": 10}


class SentenceSettings(BaseModel):
    """Sentences besides those of the skills."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[Path, ...] = Field((), description="YAML files or folders, as Home Assistant's; read at the start")

    def read(self) -> SkillSentences:
        """Return all of them; none where no file is named.

        Raises:
            ConfigError: a file can't be read or isn't YAML.
            GrammarError: it is not in the format, or there is no sentence at all; names file and key.
        """
        return read_sentences(*self.files) if self.files else SkillSentences()


def read_sentences(*paths: Path) -> SkillSentences:
    """Return the sentences of YAML files in Home Assistant's format, and of all in folders, merged.

    A file with `data` at its top belongs to the intent after which its folder is named. `responses`, and keys that
    don't change what can be said, are left alone.

    Raises:
        ConfigError: a file can't be read or isn't YAML.
        GrammarError: it is not in the format, or there is no sentence at all; names file and key.
    """
    result = SkillSentences(lists=dict.fromkeys(_HOME, ()))
    for file in _files(paths):
        result = result.merged(_sentences_of(read_yaml(file), file))
    if not result.names:
        raise GrammarError(f"{paths[0]}: no sentence in it", fix="give an intent `data` with `sentences`")
    return result


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
        if not found:
            raise GrammarError(f"{path}: no YAML file in it", fix="point at sentences in hassil's format")
        files += [*_shared(path), *found]
    return files


def _shared(path: Path) -> list[Path]:
    """Return the rules and lists that stand beside `sentences/LANGUAGE` in Home Assistant's repository."""
    if path.parent.name != "sentences":
        return []
    root = path.resolve().parent.parent
    folders = (root / "lists", root / "lists" / path.name, root / "rules" / path.name)
    return [file for folder in folders for file in sorted(folder.glob("*.yaml"))]


def _sentences_of(data: Any, file: Path) -> SkillSentences:
    where = str(file)
    if not isinstance(data, dict):
        raise GrammarError(f"{where}: not a mapping", fix="begin with `intents:`")
    if unknown := sorted(map(str, set(data) - _KEYS)):
        raise GrammarError(f"{where}: unknown key {unknown[0]!r}", fix="use intents, lists, expansion_rules")
    bodies = dict(_mapping(data.get("intents"), f"{where}: intents"))
    if "data" in data:
        bodies[file.parent.name] = {"data": data["data"]}
    blocks: list[Block] = []
    policies: dict[str, Policy] = {}
    for intent, body in bodies.items():
        blocks += _blocks_of(str(intent), body, file)
        if "min_confidence" in body or "confirm" in body:
            policies[str(intent)] = _policy_of(body, f"{where}: intents.{intent}")
    rules = _rules_of(data, where)
    skip = data.get("skip_words") or []
    if not isinstance(skip, list):
        raise GrammarError(f"{where}: skip_words", fix="give a list of phrases")
    return SkillSentences(
        lists=_lists_of(data, where),
        rules=rules,
        blocks=tuple(blocks),
        policies=policies,
        skip_words=tuple(map(str, skip)),
        files=dict.fromkeys(rules, file),
    )


def _blocks_of(intent: str, body: Any, file: Path) -> list[Block]:
    where = f"{file}: intents.{intent}"
    blocks = body.get("data") if isinstance(body, dict) else None
    if not isinstance(blocks, list):
        raise GrammarError(f"{where}: no `data` list", fix="see docs/intents.md")
    result = []
    for block in blocks:
        if not isinstance(block, dict) or not isinstance(block.get("sentences"), list):
            raise GrammarError(f"{where}: a block without `sentences`", fix="add the list")
        slots = dict(_mapping(block.get("slots"), f"{where}: slots"))
        requires = dict(_mapping(block.get("requires_context"), f"{where}: requires_context"))
        if domains := block.get("name_domains"):
            requires.setdefault("domain", domains)
        elif domain := block.get("inferred_domain"):
            slots.setdefault("domain", domain)
        result.append(
            Block(
                intent,
                tuple(map(str, block["sentences"])),
                slots,
                requires,
                _mapping(block.get("excludes_context"), f"{where}: excludes_context"),
                _lists_of(block, where),
                _rules_of(block, where),
                _mapping(block.get("metadata"), f"{where}: metadata"),
                file,
            )
        )
    return result


def _policy_of(body: dict[str, Any], where: str) -> Policy:
    confidence, dangerous = body.get("min_confidence", 0.0), body.get("confirm", False)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise GrammarError(f"{where}: min_confidence {confidence!r}", fix="give a number from 0 to 1")
    if not isinstance(dangerous, bool):
        raise GrammarError(f"{where}: confirm {dangerous!r}", fix="true or false")
    return Policy(float(confidence), dangerous)


def _rules_of(data: dict[str, Any], where: str) -> dict[str, str]:
    rules = _mapping(data.get("expansion_rules"), f"{where}: expansion_rules")
    return {str(name): str(rule) for name, rule in rules.items()}


def _lists_of(data: dict[str, Any], where: str) -> dict[str, ListValues]:
    lists = _mapping(data.get("lists"), f"{where}: lists")
    return {str(name): _list_of(body, f"{where}: lists.{name}") for name, body in lists.items()}


def _list_of(body: Any, where: str) -> ListValues:
    if isinstance(body, dict) and body.get("wildcard"):
        return Wildcard()
    if isinstance(body, dict) and isinstance(body.get("range"), dict):
        bounds = body["range"]
        try:
            multiplier = None if bounds.get("multiplier") is None else float(bounds["multiplier"])
            low, high, step = int(bounds["from"]), int(bounds["to"]), int(bounds.get("step", 1))
            return NumberRange(low, high, step, _PARTS[bounds.get("fractions")], multiplier)
        except (KeyError, TypeError, ValueError) as error:
            raise GrammarError(f"{where}: bad range ({error})", fix="give whole numbers `from` and `to`") from error
    if isinstance(body, dict) and isinstance(body.get("values"), list):
        return [_value_of(value, where) for value in body["values"]]
    raise GrammarError(f"{where}: no `values`, `range` or `wildcard`", fix="give one of them")


def _value_of(value: Any, where: str) -> ListValue:
    if not isinstance(value, dict):
        text = str(value)
        return ListValue(text, None if is_template(text) else value, is_template=is_template(text))
    if "in" not in value:
        raise GrammarError(f"{where}: a value without `in`", fix="give `in` and `out`")
    text = str(value["in"])
    context = _mapping(value.get("context"), f"{where}: context")
    return ListValue(text, value.get("out"), context, is_template(text))


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise GrammarError(f"{where}: not a mapping", fix="write key: value")
    return value or {}
