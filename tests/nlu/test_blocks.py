"""Home Assistant's format: context, wildcards, skip words, local lists and rules, values with templates."""

from pathlib import Path
from typing import Any

import pytest

from voice.errors import GrammarError
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import Grammar, SkillSentences, compile_grammar, read_sentences

YAML = """
language: en
intents:
  Lights:
    data:
      - sentences: ["turn on <the> {name}"]
        requires_context: {domain: light}
        response: ignored
      - sentences: ["lights on"]
        requires_context: {area: {slot: true}}
        slots: {domain: light}
  Open:
    data:
      - sentences: ["turn on <the> {name}"]
        excludes_context: {domain: [light, lock]}
        metadata: {anything: 1}
  AddItem:
    data:
      - sentences: ["add <what> to [my] {list} list", "add <what>"]
        expansion_rules: {what: "{item}"}
        lists:
          list: {values: [shopping, {in: "(to do|todo)", out: tasks}]}
  Set:
    confirm: true
    min_confidence: 0.9
    data:
      - sentences: ["set (it;[now]) to {degrees}[([ ]°)| degree[s]]", "how is {name}['s] light"]
expansion_rules:
  the: "[the|my]"
lists:
  item: {wildcard: true}
  degrees: {range: {from: -5, to: 30, fractions: halves, multiplier: 2}}
  name:
    values:
      - {in: lamp, out: Lamp, context: {domain: light}}
      - {in: lamp, out: Shutter, context: {domain: cover}}
      - {in: "front door", context: {domain: lock}}
skip_words: [please, could you]
"""


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Grammar:
    path = tmp_path_factory.mktemp("sentences") / "home.yaml"
    path.write_text(YAML)
    return compile_grammar(read_sentences(path))


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("turn on the lamp", {}, ("Lights", {"name": "Lamp"})),
        ("could you turn on my lamp please", {}, ("Lights", {"name": "Lamp"})),
        ("turn on the front door", {}, None),
        ("lights on", {"area": "Hall"}, ("Lights", {"area": "Hall", "domain": "light"})),
        ("lights on", {}, None),
        ("add Oat Milk to my shopping list", {}, ("AddItem", {"item": "Oat Milk", "list": "shopping"})),
        ("add a new car to my to do list", {}, ("AddItem", {"item": "a new car", "list": "tasks"})),
        ("add eggs, and bread.", {}, ("AddItem", {"item": "eggs, and bread"})),
        ("add", {}, None),
        ("set it to 21.5°", {}, ("Set", {"degrees": 43.0})),
        ("set now it to minus five degrees", {}, ("Set", {"degrees": -10.0})),
        ("set it to -5", {}, ("Set", {"degrees": -10.0})),
        ("set it to twenty one and a half degrees", {}, ("Set", {"degrees": 43.0})),
        ("how is the lamp's light", {}, None),
        ("how is lamp's light", {}, ("Set", {"name": "Lamp"})),
    ],
)
def test_meaning(grammar: Grammar, text: str, context: dict[str, Any], expected: tuple[str, Any] | None) -> None:
    intent = grammar.read(text, None, context)
    assert (intent and (intent.name, {slot.name: slot.value for slot in intent.slots})) == expected


def test_only_what_may_be_named_is_in_the_graph(grammar: Grammar) -> None:
    lights, opened = (set(map(str, grammar.graph([intent]).labels)) for intent in ("Lights", "Open"))
    assert set("lamp") <= lights & opened
    assert "f" not in lights | opened  # nobody may say "front door", which is a lock


def test_dangerous_and_unsure_intents_are_told(grammar: Grammar) -> None:
    parser = TemplateParser(grammar)
    sure = parser.parse("set it to ten degrees")
    assert sure is not None
    assert sure.dangerous
    assert parser.parse("set it to ten degres") is not None  # 1 - 1/7 would do, but the intent wants 0.9
    assert parser.parse("set it to ten degrs") is None


def test_a_folder_named_after_an_intent(tmp_path: Path) -> None:
    folder = tmp_path / "sentences" / "en" / "Greet"
    folder.mkdir(parents=True)
    (folder / "plain.yaml").write_text('language: "en"\ndata:\n  - sentences: ["<hello> {who}"]\n')
    rules = tmp_path / "rules" / "en"
    rules.mkdir(parents=True)
    (rules / "common.yaml").write_text('expansion_rules: {hello: "(hello|hi)"}\n')
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "who.yaml").write_text("lists: {who: {values: [you, all]}}\n")
    intent = compile_grammar(read_sentences(tmp_path / "sentences" / "en")).read("hi all")
    assert intent is not None
    assert intent.name == "Greet"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lists: {a: {values: [x]}}", "no sentence"),
        ("intents: {A: {data: [{sentences: [x], slots: 3}]}}", "not a mapping"),
        ("intents: {A: {min_confidence: 2, data: [{sentences: [x]}]}}", "min_confidence"),
        ("intents: {A: {confirm: maybe, data: [{sentences: [x]}]}}", "confirm"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {range: {from: 1}}}", "bad range"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {}}", "wildcard"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {values: [{out: 1}]}}", "without `in`"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {range: {from: 1, to: 9000000}}}", "more than"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {range: {from: 9, to: 1}}}", "upwards"),
        ("intents: {A: {data: [{sentences: ['{n}']}]}}\nlists: {n: {values: ['(a|b']}}", "never closed"),
    ],
)
def test_bad_files_are_one_line_that_says_what(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(GrammarError, match=says) as caught:
        compile_grammar(read_sentences(tmp_path / "bad.yaml"))
    assert "\n" not in str(caught.value)


def test_a_syntax_error_names_file_line_column_and_place(tmp_path: Path) -> None:
    path = tmp_path / "lamp.yaml"
    path.write_text("intents:\n  A:\n    data:\n      - sentences:\n          - on\n          - turn (on [it] now\n")
    with pytest.raises(GrammarError) as caught:
        compile_grammar(read_sentences(path))
    for part in (f"{path}, line 6: A", "column 6", "never closed", "'turn ^(on [it] now'"):
        assert part in str(caught.value)


@pytest.mark.parametrize("template", ["a) b", "a [b", "a (b]", "{a", "<a b", "a ()", "a {}", "(", "a {b <c>}"])
def test_every_wrong_bracket_is_marked(template: str) -> None:
    with pytest.raises(GrammarError, match=r"column \d+.*\^"):
        compile_grammar(SkillSentences({"It": [template]}))


def test_circular_rules_name_their_circle() -> None:
    rules = {"a": "x <b>", "b": "[y] <a>"}
    with pytest.raises(GrammarError, match="a > b > a"):
        compile_grammar(SkillSentences({"It": ["<a>"]}, rules=rules))


def test_a_million_sentences_are_compiled_without_being_written_out() -> None:
    ten = "|".join(f"w{chr(97 + i)}" for i in range(10))
    grammar = compile_grammar(SkillSentences({"It": [" ".join(f"({ten})" for _ in range(6))]}))
    assert len(grammar.network.owner) < 10
    assert len(grammar.graph()) < 150
    assert grammar.read("wa wj wb wc wd we") is not None


def test_rules_that_grow_without_bound_are_refused() -> None:
    rules = {f"r{i}": f"<r{i + 1}> x <r{i + 1}>" for i in range(22)} | {"r22": "a"}
    with pytest.raises(GrammarError, match="states"):
        compile_grammar(SkillSentences({"It": ["<r0>"]}, rules=rules))


def test_an_empty_grammar_understands_nothing() -> None:
    grammar = compile_grammar(SkillSentences())
    assert grammar.read("anything") is None
    assert len(grammar.graph().finals) == 0
    assert TemplateParser(grammar).parse("anything") is None
