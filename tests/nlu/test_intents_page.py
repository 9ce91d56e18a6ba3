"""What docs/intents.md says is true."""

import re
from pathlib import Path

import pytest

from voice.errors import GrammarError
from voice.nlu.network import MAX_STATES
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar, read_sentences
from voice.nlu.values import MAX_NUMBERS

PAGE = (Path(__file__).parents[2] / "docs" / "intents.md").read_text()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    return path


def test_the_file_compiles_and_understands_the_example(home: Path) -> None:
    parser = TemplateParser(compile_grammar(read_sentences(home)))
    text = re.search(r'--text "(.*?)"', PAGE)
    assert text is not None
    intent = parser.parse(text[1])
    assert intent is not None
    assert {slot.name: slot.value for slot in intent.slots} == {"room": "hall", "level": 50, "kind": "light"}
    unlock = parser.parse("could you unlock the cooking place door")
    assert unlock is not None
    assert unlock.dangerous


def test_the_error_is_the_one_shown(home: Path) -> None:
    home.write_text(home.read_text().replace("(set|turn) [the]", "set (the").replace(" to {level} percent", "", 1))
    home.write_text(home.read_text().replace("light[s]", "light", 1))
    with pytest.raises(GrammarError) as caught:
        compile_grammar(read_sentences(home))
    shown = " ".join(PAGE.partition("    voice: home.yaml")[2].partition("\n\n")[0].split())
    said = str(caught.value).partition("home.yaml")[2]
    assert re.sub(r"line \d+", "line", said) == re.sub(r"line \d+", "line", f", {shown.lstrip(', ')}")


def test_the_limits_are_the_ones_in_the_code() -> None:
    assert f"{MAX_STATES:,} states" in PAGE
    assert f"{MAX_NUMBERS:,} numbers" in " ".join(PAGE.split())
