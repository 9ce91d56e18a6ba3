"""Read the templates of Rhasspy 2.5 and voice2json: `sentences.ini`, and slot files.

The syntax is that of Rhasspy's documentation, chapter "Training": `[optional]`, `(a | b)`, `<rule>`, `<Intent.rule>`,
`$slot`, `0..100`, `0..100,5`, `in:out`, `(in words):out`, `{tag}`, `{tag:value}`, and `!converter` after a word, a
bracket or a tag's name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from voice.errors import GrammarError

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:,(\d+))?")
_NUMBER = re.compile(r"-?\d+")
_WORD = re.compile(r"[^\s()\[\]{}<>|]+")
_SECTION = re.compile(r"\[([^\[\]]+)\]$")
_CLOSING = {"(": ")", "[": "]"}

Kind = Literal["word", "group", "choice", "rule", "slot", "range"]


@dataclass(slots=True)
class Tag:
    """A slot's name and what is done to its value."""

    name: str
    value: str | None = None
    converters: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """A piece of a template."""

    kind: Kind
    text: str = ""
    """The word, or the name of the rule or slot."""
    items: list["Node"] = field(default_factory=list)
    out: str | None = None
    """What is written for it; None: what was said."""
    converters: list[str] = field(default_factory=list)
    tag: Tag | None = None
    bounds: tuple[int, int, int] = (0, 0, 1)
    """Of a range: first, last, step."""


@dataclass(slots=True)
class Section:
    """One intent."""

    intent: str
    sentences: list[Node] = field(default_factory=list)
    rules: dict[str, Node] = field(default_factory=dict)


def read_ini(path: Path) -> list[Section]:
    """Return the intents of a `sentences.ini`.

    Raises:
        GrammarError: it can't be read or parsed; names file, line and column.
    """
    sections: list[Section] = []
    for number, line in _lines(path):
        if header := _SECTION.match(line):
            name = header[1].strip()
            known = next((section for section in sections if section.intent == name), None)
            sections.append(known or Section(name))  # the last one is the current one
            continue
        if not sections:
            raise GrammarError(f"{path}, line {number}: {line!r} stands before any [Intent]", fix="begin with one")
        name, equals, body = line.partition("=")
        if equals:
            sections[-1].rules[name.strip()] = parse(body.strip(), f"{path}, line {number}")
        else:
            sections[-1].sentences.append(parse(line.replace("\\[", "["), f"{path}, line {number}"))
    return [*{section.intent: section for section in sections}.values()]


def read_slot(path: Path) -> list[Node]:
    """Return the lines of a slot file.

    Raises:
        GrammarError: it can't be read or parsed; names file, line and column.
    """
    return [parse(line, f"{path}, line {number}") for number, line in _lines(path)]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GrammarError(f"{path}: {getattr(error, 'strerror', None) or error}", fix="check the path") from error
    for number, line in enumerate(text.splitlines(), 1):
        if (line := line.strip()) and line[0] not in "#;":
            yield number, line


def parse(text: str, where: str) -> Node:
    """Return the tree of one template.

    Raises:
        GrammarError: a bracket is missing, or a tag or substitution stands alone.
    """
    parser = _Parser(text, where)
    node = parser.choice("")
    if parser.at < len(text):
        raise parser.error(f"{text[parser.at]!r} closes nothing that is open")
    return node


@dataclass(slots=True)
class _Parser:
    text: str
    where: str
    at: int = 0

    def choice(self, end: str) -> Node:
        """Read up to a closing bracket, or to the end."""
        opened = self.at
        ways: list[list[Node]] = [[]]
        while self.at < len(self.text) and self.text[self.at] not in ")]}>":
            character = self.text[self.at]
            if character.isspace():
                self.at += 1
            elif character == "|":
                ways.append([])
                self.at += 1
            elif character == "{":
                if not ways[-1]:
                    raise self.error("a tag without words before it")
                ways[-1][-1].tag = self._tag()
            else:
                ways[-1].append(self._piece())
        if end and self.text[self.at : self.at + 1] != end:
            self.at = opened - 1
            raise self.error(f"{self.text[self.at]!r} is never closed")
        groups = [way[0] if len(way) == 1 else Node("group", items=way) for way in ways]
        return groups[0] if len(groups) == 1 else Node("choice", items=groups)

    def _piece(self) -> Node:
        character = self.text[self.at]
        if character in _CLOSING:
            self.at += 1
            inner = self.choice(_CLOSING[character])
            self.at += 1
            empty = [Node("group")] if character == "[" else []
            node = Node("choice", items=[inner, *empty]) if empty else Node("group", items=[inner])
        elif character == "<":
            node = Node("rule", self._until(">"))
        else:
            match = _WORD.match(self.text, self.at)
            if match is None:
                raise self.error(f"unexpected {character!r}")
            self.at = match.end()
            return self._word(match.group())
        if match := re.compile(r"(?:![a-z_]+)*(:)?").match(self.text, self.at):
            node.converters = [name for name in match.group().rstrip(":").split("!") if name]
            self.at = match.end()
            if match[1]:
                node.out, more = self._substitute()
                node.converters += more
        return node

    def _word(self, word: str) -> Node:
        """Return a word, a $slot or a range, each with what is written for it."""
        said, colon, out = word.partition(":")
        said, *converters = said.split("!")
        more: list[str] = []
        written: str | None = None
        if colon:
            written, *more = out.split("!")
            if not written and self.text[self.at : self.at + 1] == "(":
                written = self._until(")")
        node = Node("word", said, out=written, converters=[*converters, *more])
        if match := _RANGE.fullmatch(said):
            node.kind, node.bounds = "range", (int(match[1]), int(match[2]), int(match[3] or 1))
        elif said.startswith("$"):
            node.kind, node.text = "slot", said[1:]
        return node

    def _substitute(self) -> tuple[str, list[str]]:
        """Return what stands after the colon behind a bracket, and its converters."""
        if self.text[self.at : self.at + 1] == "(":
            return self._until(")"), []
        match = _WORD.match(self.text, self.at)
        if match is None:
            return "", []
        self.at = match.end()
        written, *converters = match.group().split("!")
        return written, converters

    def _tag(self) -> Tag:
        name, colon, value = self._until("}").partition(":")
        name, *converters = name.split("!")
        value, *more = value.split("!")
        if not name.strip():
            raise self.error("a tag without a name")
        return Tag(name.strip(), value if colon else None, [*converters, *more])

    def _until(self, end: str) -> str:
        """Return what stands between the bracket here and its end."""
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise self.error(f"{self.text[self.at]!r} is never closed")
        inside = self.text[self.at + 1 : stop]
        self.at = stop + 1
        return inside.strip()

    def error(self, problem: str) -> GrammarError:
        marked = self.text[: self.at] + "^" + self.text[self.at :]
        message = f"{self.where}: column {self.at + 1}: {problem} at the caret in {marked!r}"
        return GrammarError(message, fix="check brackets: (a | b) [optional] {tag} <rule>")


def converted(value: Any, converters: list[str], where: str) -> Any:
    """Return a value after Rhasspy's converters.

    Raises:
        GrammarError: there is no such converter, or it doesn't take the value.
    """
    for name in converters:
        if name not in _CONVERTERS:
            raise GrammarError(
                f"{where}: converter !{name}", fix=f"use {', '.join(_CONVERTERS)}, or convert in the skill"
            )
        try:
            value = _CONVERTERS[name](value)
        except ValueError as error:
            raise GrammarError(f"{where}: !{name} can't convert {value!r}", fix="write in:out") from error
    return value


_CONVERTERS: dict[str, Any] = {
    "int": int,
    "float": float,
    "bool": lambda value: str(value).lower() in {"true", "1", "yes", "on"},
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
}


def as_number(text: str) -> int | None:
    """Return the number that a word is, None where it is none."""
    return int(text) if _NUMBER.fullmatch(text) else None
