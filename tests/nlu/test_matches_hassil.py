"""The parser finds what hassil's own matcher finds, neither more nor less."""

from hassil import Intents, recognize_all
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.nlu.conflicts import drawn
from voice.nlu.templates import ListValue, NumberRange, SkillSentences, compile_grammar

WORDS = ("red", "lamp", "turn", "it", "on")
COLOURS = ("red", "dark red", "blue")
RULE = "(turn|switch) [it]"


def joined(*parts: str) -> str:
    return " ".join(parts)


word = st.sampled_from(WORDS)
piece = st.recursive(
    word | st.sampled_from(["{colour}", "{n}", "<rule>", "lamp[s]"]),
    lambda inner: (
        st.builds("[{}]".format, inner)
        | st.builds("({}|{})".format, inner, inner)
        | st.builds("({};{})".format, inner, inner)
        | st.builds(joined, inner, inner)
    ),
    max_leaves=6,
)
template = st.builds(joined, word, piece) | st.builds(joined, piece, word)
said = st.lists(st.sampled_from([*WORDS, "switch", "dark", "blue", "lamps", "two", "thirty"]), min_size=1, max_size=5)


@settings(deadline=None, max_examples=150)
@given(st.lists(template, min_size=1, max_size=3), st.lists(said, max_size=4))
def test_the_same_texts_are_sentences_with_the_same_slots(templates: list[str], texts: list[list[str]]) -> None:
    ours = compile_grammar(
        SkillSentences({"It": templates}, {"colour": COLOURS, "n": NumberRange(1, 3)}, {"rule": RULE})
    )
    theirs = Intents.from_dict(
        {
            "language": "en",
            "intents": {"It": {"data": [{"sentences": templates}]}},
            "lists": {"colour": {"values": list(COLOURS)}, "n": {"range": {"from": 1, "to": 3}}},
            "expansion_rules": {"rule": RULE},
        }
    )
    for text in [" ".join(words) for words in texts] + list(drawn(ours, 3)):
        found = {frozenset(parse.slots().items()) for parse in ours.parses(ours.lattice(text))}
        expected = {
            frozenset((name, entity.value) for name, entity in result.entities.items())
            for result in recognize_all(text, theirs)
        }
        assert found == expected, (templates, text)


def test_a_drawn_sentence_is_always_understood() -> None:
    grammar = compile_grammar(
        SkillSentences(
            {"It": ["[please] (turn|switch) on [the] {room} (light[s];[now])"]},
            {"room": [ListValue("[big] hall", "hall", is_template=True), "kitchen"]},
        )
    )
    texts = set(drawn(grammar, 200))
    assert len(texts) > 30
    assert all(grammar.read(text) for text in texts)
