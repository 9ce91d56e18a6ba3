"""Turn Rhasspy's sentences and slots into sentences of our own format: the same words, the same values."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from voice.errors import GrammarError
from voice.nlu.rhasspy import Node, Section, as_number, converted, read_ini, read_slot

MAX_FORMS = 10_000
"""Spoken forms of one tagged group."""
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "()[]{}<>|;"})
_BUILT_IN = {
    "rhasspy/days": "monday tuesday wednesday thursday friday saturday sunday".split(),
    "rhasspy/months": ("january february march april may june july august september october november december").split(),
}

Form = tuple[tuple[str, ...], tuple[Any, ...]]
"""Words that are said, and words or numbers that are written for them."""


def import_rhasspy(sentences: Iterable[Path], slots: Path | None = None) -> dict[str, Any]:
    """Return the document of a YAML file in Home Assistant's format.

    Args:
        sentences: files in the format of `sentences.ini`.
        slots: the folder of slot files.

    Raises:
        GrammarError: a file can't be read or parsed, or uses what has no counterpart; names it.
    """
    sections: dict[str, Section] = {}
    for path in sentences:
        for section in read_ini(path):
            known = sections.setdefault(section.intent, Section(section.intent))
            known.sentences += section.sentences
            known.rules.update(section.rules)
    importer = _Importer(sections, slots)
    intents = {
        name: {"data": [{"sentences": [importer.template(node, section) for node in section.sentences]}]}
        for name, section in sections.items()
        if section.sentences
    }
    if not intents:
        raise GrammarError("no sentence under any [Intent]", fix="give Rhasspy's sentences.ini")
    document: dict[str, Any] = {"language": "en", "intents": intents}
    if importer.lists:
        document["lists"] = importer.lists
    if importer.rules:
        document["expansion_rules"] = importer.rules
    return document


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)


@dataclass(slots=True)
class _Importer:
    sections: Mapping[str, Section]
    slots: Path | None
    lists: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    _slot_lines: dict[str, list[Node]] = field(default_factory=dict)
    _within: list[str] = field(default_factory=list)

    def template(self, node: Node, section: Section) -> str:
        """Return a node in hassil's syntax."""
        if node.tag:
            return self._tagged(node, section)
        if node.kind == "word":
            return node.text.translate(_SPECIAL)
        if node.kind == "range":
            return f"{{{self._range(node)}:@number}}"
        if node.kind == "rule":
            return f"<{self._rule(node.text, section)}>"
        if node.kind == "slot":
            return self._slot(node, section)
        parts = [self.template(item, section) for item in node.items]
        if node.kind == "group":
            return parts[0] if len(parts) == 1 else " ".join(part for part in parts if part)
        if "" in parts:
            return f"[{'|'.join(part for part in parts if part)}]"
        return f"({'|'.join(parts)})"

    def _tagged(self, node: Node, section: Section) -> str:
        tag = node.tag
        assert tag is not None  # noqa: S101 - for the type checker
        where = f"{section.intent}: {{{tag.name}}}"
        alone = _single(node)
        if alone.kind == "range" and tag.value is None and alone.out is None and set(tag.converters) <= {"int"}:
            return f"{{{self._range(alone)}:{tag.name}}}"
        is_file = alone.kind == "slot" and not alone.text.startswith("rhasspy/number")
        if is_file and tag.value is None and alone.out is None and not (tag.converters or alone.converters):
            return f"{{{self._slot_list(alone.text, section)}:{tag.name}}}"
        forms = self._forms(node, section)
        values = []
        for said, written in (form for form in forms if any(form[0])):
            value = tag.value if tag.value is not None else _joined(written)
            values.append({"in": " ".join(said).translate(_SPECIAL), "out": converted(value, tag.converters, where)})
        place = f"{{{self._named(f'{section.intent}_{tag.name}', {'values': values})}:{tag.name}}}"
        return place if len(values) == len(forms) else f"[{place}]"

    def _named(self, name: str, body: dict[str, Any]) -> str:
        """Return the name of a list of these values, a new one where the name is taken."""
        name = _plain_name(name)
        for number in itertools.count(1):
            candidate = name if number == 1 else f"{name}_{number}"
            if self.lists.setdefault(candidate, body) == body:
                return candidate
        raise AssertionError

    def _range(self, node: Node) -> str:
        low, high, step = node.bounds
        if low >= 0:
            return f"{low}..{high}" + (f",{step}" if step != 1 else "")
        body = {"range": {"from": low, "to": high, "step": step}}
        return self._named(f"from_minus_{-low}_to_{str(high).replace('-', 'minus_')}", body)

    def _rule(self, name: str, section: Section) -> str:
        owner, body = self._rule_body(name, section)
        key = _plain_name(f"{owner.intent}_{name.rpartition('.')[2]}")
        return self._ruled(key, lambda: self.template(body, owner))

    def _rule_body(self, name: str, section: Section) -> tuple[Section, Node]:
        intent, dot, rule = name.rpartition(".")
        owner = self.sections.get(intent) if dot else section
        if owner is None or rule not in owner.rules:
            raise GrammarError(
                f"{section.intent}: no rule <{name}>", fix=f"define `{rule} = ...` under [{intent or section.intent}]"
            )
        return owner, owner.rules[rule]

    def _slot(self, node: Node, section: Section) -> str:
        """Return an untagged slot: its lines as a rule, since they may hold tags."""
        if node.text.startswith("rhasspy/number"):
            return self.template(Node("range", bounds=_number_slot(node.text)), section)
        key = _plain_name(f"slot_{node.text}")
        lines = self._lines(node.text, section)
        self._ruled(key, lambda: f"({'|'.join(self.template(line, section) for line in lines)})")
        return f"<{key}>"

    def _slot_list(self, name: str, section: Section) -> str:
        key = _plain_name(name)
        if key not in self.lists:
            forms = itertools.chain.from_iterable(self._forms(line, section) for line in self._lines(name, section))
            values = [(" ".join(said).translate(_SPECIAL), _joined(written)) for said, written in forms]
            self.lists[key] = {"values": [said if said == out else {"in": said, "out": out} for said, out in values]}
        return key

    def _lines(self, name: str, section: Section) -> list[Node]:
        if name in _BUILT_IN:
            return [Node("word", word) for word in _BUILT_IN[name]]
        if "," in name:
            raise GrammarError(f"{section.intent}: ${name} runs a program", fix="write its output into a slot file")
        if self.slots is None:
            raise GrammarError(f"{section.intent}: no folder for ${name}", fix="give --slots DIR")
        if name not in self._slot_lines:
            path = self.slots / name
            if self.slots.resolve() not in path.resolve().parents:
                raise GrammarError(f"{section.intent}: ${name} leaves {self.slots}", fix="keep slot files in it")
            self._slot_lines[name] = read_slot(path)
        return self._slot_lines[name]

    def _ruled(self, key: str, work: Callable[[], str]) -> str:
        """Return the name of a rule, which is made where it is needed first."""
        if key in self._within:
            raise GrammarError(f"rule <{key}> refers to itself", fix="break the loop")
        if key not in self.rules:
            self.rules[key] = ""  # in the order in which they are met
            self._within.append(key)
            self.rules[key] = work()
            self._within.pop()
        return key

    def _forms(self, node: Node, section: Section, depth: int = 0) -> list[Form]:
        """Return everything that can be said for a node, and what is written for each."""
        if depth > 24:
            raise GrammarError(f"{section.intent}: <{node.text}> refers to itself", fix="break the loop")
        if depth and node.tag:
            raise GrammarError(f"{section.intent}: {{{node.tag.name}}} inside another tag", fix="tag one of them")
        forms = list(itertools.islice(self._all(node, section, depth + 1), MAX_FORMS + 1))
        if len(forms) > MAX_FORMS:
            raise GrammarError(f"{section.intent}: a tag with over {MAX_FORMS} spoken forms", fix="tag less of it")
        if node.out is not None:
            forms = [(said, tuple(node.out.split())) for said, _ in forms]
        if node.converters:
            where = f"{section.intent}: {node.text or 'a group'}"
            forms = [(said, (converted(_joined(written), node.converters, where),)) for said, written in forms]
        return forms

    def _all(self, node: Node, section: Section, depth: int) -> Iterator[Form]:
        if node.kind == "word":
            number = as_number(node.text)
            yield ((node.text,) if node.text else (), (node.text,) if number is None else (number,))
        elif node.kind == "range":
            low, high, step = node.bounds
            yield from (((str(n),), (n,)) for n in range(low, high + 1, step))
        elif node.kind == "rule":
            owner, body = self._rule_body(node.text, section)
            yield from self._forms(body, owner, depth)
        elif node.kind == "slot" and node.text.startswith("rhasspy/number"):
            yield from self._all(Node("range", bounds=_number_slot(node.text)), section, depth)
        elif node.kind == "slot":
            for line in self._lines(node.text, section):
                yield from self._forms(line, section, depth)
        elif node.kind == "choice":
            for item in node.items:
                yield from self._forms(item, section, depth)
        else:
            for pieces in itertools.product(*(self._forms(item, section, depth) for item in node.items)):
                said, written = zip(*pieces, strict=True) if pieces else ((), ())
                yield tuple(itertools.chain(*said)), tuple(itertools.chain(*written))


def _single(node: Node) -> Node:
    """Return what a group of one stands for."""
    while node.kind == "group" and len(node.items) == 1 and node.out is None and not node.converters:
        if node.items[0].tag:
            break
        node = node.items[0]
    return node


def _joined(written: tuple[Any, ...]) -> Any:
    words = [word for word in written if word != ""]
    return words[0] if len(words) == 1 else " ".join(map(str, words))


def _number_slot(name: str) -> tuple[int, int, int]:
    """Return the bounds of `rhasspy/number,0,100` or `rhasspy/number,0,100,5`."""
    numbers = [as_number(part) for part in name.split(",")[1:]]
    if len(numbers) not in {2, 3} or None in numbers:
        raise GrammarError(f"${name}: bad range", fix="write $rhasspy/number,FROM,TO or FROM..TO")
    low, high, step = (*numbers, 1)[:3]
    return low or 0, high or 0, step or 1


def _plain_name(name: str) -> str:
    return "".join(character if character.isalnum() or character == "_" else "_" for character in name)
