"""The command line as a whole: one line and a status for every mistake, help that says what there is."""

import json
import subprocess
import sys

import pytest

from voice.cli import main
from voice.config import Config

COMMANDS = "run demo config wake vad classify transcribe understand say devices doctor bundle skills mqtt bench".split()


def called(capsys, *arguments):
    """Return status, standard output and standard error of a call."""
    with pytest.raises(SystemExit) as caught:
        main([*map(str, arguments)])
    return caught.value.code or 0, *capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["bogus"], "bogus"),
        (["wake"], "FILE"),
        (["wake", "--bogus", "a.wav"], "--bogus"),
        (["wake", "--threshold", "2", "a.wav"], "--threshold"),
        (["wake", "--json", "@nowhere.txt"], "nowhere.txt"),
        (["transcribe", "--decoder", "magic", "a.wav"], "magic"),
        (["understand"], "--text"),
        (["understand", "--sentences", "nowhere.yaml", "--text", "hi"], "nowhere.yaml"),
        (["run", "--broker", "here:there"], "here:there"),
        (["run", "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["devices", "--seconds", "99"], "--seconds"),
        (["say", " "], "nothing to say"),
        (["skills", "test", "nonsuch"], "nonsuch"),
        (["skills", "new", "../x"], "../x"),
        (["mqtt", "watch", "--broker", "a b"], "a b"),
        (["bundle", "bogus"], "bogus"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(capsys, arguments, named):
    status, out, err = called(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("voice: ")
    assert named in err


def test_a_sentence_that_can_not_be_parsed_is_a_wrong_call(capsys, tmp_path):
    path = tmp_path / "sentences.yaml"
    path.write_text("intents: {Open: {data: [{sentences: ['open (the door']}]}}")
    status, out, err = called(capsys, "understand", "--sentences", path, "--text", "hi")
    assert (status, out) == (2, "")
    assert "open (the door" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys, command):
    status, out, _ = called(capsys, command, "--help")
    assert status == 0
    assert f"voice {command}" in out


def test_a_missing_bundle_or_file_is_status_1(capsys, tmp_path):
    for arguments in (
        ["classify", "--model", "nonsuch", "a.wav"],
        ["bundle", "show", "nonsuch"],
        ["run", "--input", tmp_path / "nowhere.wav"],
        ["skills", "show", tmp_path / "nowhere.py"],
    ):
        status, out, err = called(capsys, *arguments)
        assert (status, out) == (1, "")
        assert err.count("\n") == 1


def test_the_configuration_as_json(capsys):
    status, out, _ = called(capsys, "config", "--json")
    assert status == 0
    assert json.loads(out) == Config().model_dump(mode="json")


def test_help_loads_nothing_slow():
    slow = ("numpy", "pydantic", "soundfile", "amqtt", "hassil", "ai_edge_litert")
    code = (
        f"import sys; from voice.cli import build; build(); print([name for name in {slow!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
