"""Templates: hassil's syntax to a graph, and text back to intents."""

import time
from pathlib import Path

import pytest

from voice.errors import GrammarError
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import NumberRange, SkillSentences, compile_grammar, read_sentences


def parse(template: str, text: str, **lists: object) -> dict[str, object] | None:
    graph = compile_grammar(SkillSentences({"It": [template]}, lists))  # type: ignore[arg-type]
    intent = graph.read(text)
    return None if intent is None else {slot.name: slot.value for slot in intent.slots}


@pytest.mark.parametrize(
    ("template", "yes", "no"),
    [
        ("light[s] on", ["light on", "lights on"], ["light s on", "on"]),
        ("[please] stop [it] [now]", ["stop", "please stop now", "stop it", "Please, stop it now!"], ["please", "now"]),
        ("(red;blue) thing", ["red blue thing", "blue red thing"], ["red thing", "red red thing"]),
        ("(turn|switch) (on|off)", ["turn on", "switch off"], ["turn", "turn switch on"]),
        ("what's up", ["what's up", "What’s up?"], ["whats up"]),
    ],
)
def test_syntax(template: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if parse(template, text) is None] == []
    assert [text for text in no if parse(template, text) is not None] == []


def test_lists_ranges_and_slot_names() -> None:
    assert parse("{room} on", "living room on", room=[("living room", "lr"), "hall"]) == {"room": "lr"}
    assert parse("{room:where} on", "hall on", room=["hall"]) == {"where": "hall"}
    assert parse("dim to {n} percent", "dim to forty five percent", n=NumberRange(0, 100, 5)) == {"n": 45}
    assert parse("dim to {n} percent", "dim to 45 percent", n=NumberRange(0, 100, 5)) == {"n": 45}
    assert parse("dim to {n} percent", "dim to forty four percent", n=NumberRange(0, 100, 5)) is None
    assert parse("count to {1..3:n}", "count to two") == {"n": 2}


@pytest.mark.parametrize(
    ("template", "says"),
    [("turn (on", "parsed"), ("{ghost} on", "no list"), ("<ghost> on", "no rule"), ("[on]", "empty")],
)
def test_a_bad_template_is_named(template: str, says: str) -> None:
    with pytest.raises(GrammarError, match=says) as caught:
        compile_grammar(SkillSentences({"Broken": [template]}))
    assert "Broken" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rule_that_refers_to_itself_is_refused() -> None:
    with pytest.raises(GrammarError, match="itself"):
        compile_grammar(SkillSentences({"It": ["<a>"]}, rules={"a": "x <a>"}))


def test_home_assistants_files_load(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "language: en\nintents:\n  HassTurnOn:\n    data:\n      - sentences: ['<turn> on [the] {area} lights']\n"
        "        slots: {domain: light}\nexpansion_rules:\n  turn: (turn|switch)\n"
    )
    (tmp_path / "b.yaml").write_text(
        "lists:\n  area:\n    values:\n      - in: kitchen\n        out: k1\n      - hall\n"
    )
    intent = TemplateParser(compile_grammar(read_sentences(tmp_path))).parse("switch on the kitchen lights")
    assert intent is not None
    assert {slot.name: slot.value for slot in intent.slots} == {"area": "k1", "domain": "light"}


@pytest.mark.parametrize("text", ["- a list", "intent: {}", "intents: {A: {}}", "intents: {A: {data: [{x: 1}]}}"])
def test_a_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(GrammarError, match=r"bad\.yaml"):
        read_sentences(tmp_path / "bad.yaml")


def test_ten_thousand_names_compile_and_parse() -> None:
    names = [f"{a} {b}" for a in _WORDS for b in _WORDS][:10_000]
    started = time.process_time()
    parser = TemplateParser(compile_grammar(SkillSentences({"Play": ["play {name}"]}, {"name": names})))
    built = time.process_time() - started
    intent = parser.parse(f"play {names[-1]}")
    assert intent is not None
    assert intent.slots[0].value == names[-1]
    assert built < 20  # a bound on its growth; benchmarks/grammar.py has the figure


_WORDS = [a + b + c for a in "bdfgk" for b in ("an", "el", "or", "u") for c in ("dy", "ton", "s", "ra", "kin")]
