"""Two intents that claim one sentence are reported."""

from voice.nlu.conflicts import conflicts
from voice.nlu.templates import SkillSentences, Wildcard, compile_grammar


def test_a_sentence_of_two_intents_is_reported_once_with_both() -> None:
    sentences = SkillSentences(
        {"One": ["turn on the (lamp|fan)"], "Two": ["turn on [the] {thing}"], "Three": ["stop"]},
        {"thing": ["fan", "heater"]},
    )
    (found,) = conflicts(compile_grammar(sentences))
    assert set(found.intents) == {"One", "Two"}
    assert found.text == "turn on the fan"


def test_the_first_one_named_gets_it() -> None:
    grammar = compile_grammar(SkillSentences({"One": ["stop [it]"], "Two": ["stop [that]"]}))
    (found,) = conflicts(grammar)
    intent = grammar.read(found.text)
    assert intent is not None
    assert intent.name == found.intents[0] == "One"


def test_wildcards_claim_nothing() -> None:
    sentences = SkillSentences({"One": ["note {x}"], "Two": ["note it"]}, {"x": Wildcard()})
    assert conflicts(compile_grammar(sentences)) == []
