"""Rhasspy's sentences.ini and slot files: the same sentences, the same values."""

from pathlib import Path
from typing import Any

import pytest

from voice.errors import GrammarError
from voice.nlu.importing import as_yaml, import_rhasspy
from voice.nlu.templates import Grammar, compile_grammar, read_sentences

INI = r"""
# lights
[SetLight]
colors = (red | green | [sky] blue | purple:violet){color}
state = (on | off){state}
turn <state> [the] $room{room} (light | lamp)
\[please] set [the] $room{room} to <colors>
set brightness to (0..100,10){brightness} [percent]
dim to (half:50 | full:100){brightness!int}
dim to (medium | so so){brightness:40!float}
make it (warm | cosy):cosy now
brighten the [den | playroom]{place} light

[GetTime]
what time is it
tell me the: time

; another comment
[Timer]
two_to_nine = (2..9){minutes!int}
set [a] timer for <two_to_nine> minutes [and (one half):30!int{seconds} seconds]
set it for twenty:20!int{minutes} minutes and (thirty five):35{seconds!int}

[Elsewhere]
turn <SetLight.state> everything on $rhasspy/days{day}
it is (-5..5){degrees} degrees in $rhasspy/months
(shout:hello | whisper:there){word!upper}
"""
ROOMS = "# rooms\n(living room | lounge):living_room\nkitchen\n[big] hall:great_hall\n"


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Grammar:
    folder = tmp_path_factory.mktemp("rhasspy")
    (folder / "slots").mkdir()
    (folder / "sentences.ini").write_text(INI)
    (folder / "slots" / "room").write_text(ROOMS)
    out = folder / "out.yaml"
    out.write_text(as_yaml(import_rhasspy([folder / "sentences.ini"], folder / "slots")))
    return compile_grammar(read_sentences(out))


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("turn on the lounge lamp", "SetLight", {"state": "on", "room": "living_room"}),
        ("turn off kitchen light", "SetLight", {"state": "off", "room": "kitchen"}),
        ("please set the big hall to sky blue", "SetLight", {"room": "big great_hall", "color": "sky blue"}),
        ("set hall to purple", "SetLight", {"room": "great_hall", "color": "violet"}),
        ("set brightness to 30 percent", "SetLight", {"brightness": 30}),
        ("dim to full", "SetLight", {"brightness": 100}),
        ("dim to so so", "SetLight", {"brightness": 40.0}),
        ("make it warm now", "SetLight", {}),
        ("brighten the den light", "SetLight", {"place": "den"}),
        ("brighten the light", "SetLight", {}),
        ("tell me the time", "GetTime", {}),
        ("set a timer for five minutes", "Timer", {"minutes": 5}),
        ("set timer for two minutes and one half seconds", "Timer", {"minutes": 2, "seconds": 30}),
        ("set it for twenty minutes and thirty five", "Timer", {"minutes": 20, "seconds": 35}),
        ("turn off everything on monday", "Elsewhere", {"state": "off", "day": "monday"}),
        ("it is minus three degrees in may", "Elsewhere", {"degrees": -3}),
        ("whisper", "Elsewhere", {"word": "THERE"}),
    ],
)
def test_the_same_sentence_has_the_same_values(grammar: Grammar, text: str, intent: str, slots: dict[str, Any]) -> None:
    found = grammar.read(text)
    assert found is not None
    assert (found.name, {slot.name: slot.value for slot in found.slots}) == (intent, slots)


@pytest.mark.parametrize("text", ["set brightness to 35", "turn the lounge lamp", "set a timer for ten minutes"])
def test_what_rhasspy_does_not_know_is_not_invented(grammar: Grammar, text: str) -> None:
    assert grammar.read(text) is None


@pytest.mark.parametrize(
    ("ini", "says"),
    [
        ("turn on", r"line 1: .* before any \[Intent\]"),
        ("[A]\nturn (on", r"line 2: column 6: .*never closed.*turn \^\(on"),
        ("[A]\nturn on)", "closes nothing"),
        ("[A]\n{x} on", "without words"),
        ("[A]\non{}", "without a name"),
        ("[A]\ngo <b>", "no rule <b>"),
        ("[A]\ngo <B.b>", "no rule <B.b>"),
        ("[A]\nb = x <b>\ngo <b>", "itself"),
        ("[A]\nb = x <b>\ngo <b>{c}", "itself"),
        ("[A]\ngo $room{room}", "--slots"),
        ("[A]\ngo $../secret{room}", "leaves"),
        ("[A]\ngo $none{room}", "No such file"),
        ("[A]\ngo $weather,today{x}", "runs a program"),
        ("[A]\ngo (a:b){x!int}", "can't convert"),
        ("[A]\ngo (a:b){x!frobnicate}", "converter !frobnicate"),
        ("[A]\ngo ((a){y} b){x}", "inside another tag"),
        ("[A]\n", "no sentence"),
        ("", "no sentence"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, ini: str, says: str) -> None:
    path = tmp_path / "sentences.ini"
    path.write_text(ini)
    slots = None if "--slots" in says else tmp_path / "slots"
    with pytest.raises(GrammarError, match=says) as caught:
        import_rhasspy([path], slots)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=r"gone\.ini"):
        import_rhasspy([tmp_path / "gone.ini"])
