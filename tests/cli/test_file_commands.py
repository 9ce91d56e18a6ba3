"""The commands that read recordings: one contract for FILE..., folders, @list.txt and files that can't be read."""

import json

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from voice.cli import build
from voice.events import RATE
from voice.models.bundle import SHIPPED

KEYS = {
    "wake": {"file", "detections", "seconds"},
    "vad": {"file", "start", "end"},
    "classify": {"file", "label", "score", "scores"},
    "transcribe": {"file", "text", "confidence", "seconds", "rtf", "tokens"},
    "understand": {"file", "text", "intent", "slots", "confidence", "source"},
}


def records(*arguments):
    """Return the exit status and the JSON lines of a command."""
    result = CliRunner().invoke(build(), [*map(str, arguments), "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of a vowel: 8 kHz stereo, and one in a folder below; with files that can't be read between them."""
    folder = tmp_path_factory.mktemp("recordings")
    rate = 8000
    t = np.arange(rate) / rate
    vowel = 0.2 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    sound = np.concatenate([np.zeros(rate // 2), vowel, np.zeros(rate)])
    (folder / "below").mkdir()
    soundfile.write(folder / "a.wav", np.stack([sound, sound], 1), rate)
    soundfile.write(folder / "below" / "d.flac", sound, rate)
    (folder / "b.wav").write_bytes((folder / "a.wav").read_bytes()[:1000])
    (folder / "c.wav").touch()
    (folder / "notes.txt").write_text("no recording")
    return folder


@pytest.mark.parametrize("command", KEYS)
def test_a_folder_is_read_in_order_and_what_can_not_be_read_is_reported_at_its_place(command, folder):
    status, lines = records(command, folder)
    assert status == 1
    names = [line["file"].removeprefix(f"{folder}/") for line in lines]
    assert list(dict.fromkeys(names)) == ["a.wav", "b.wav", "below/d.flac", "c.wav"]
    for name, line in zip(names, lines, strict=True):
        assert set(line) == (KEYS[command] if name in ("a.wav", "below/d.flac") else {"file", "error", "code"})


@pytest.mark.parametrize("command", KEYS)
def test_a_list_of_files_is_status_0_where_all_can_be_read(command, folder, tmp_path):
    (tmp_path / "list.txt").write_text(f"{folder / 'a.wav'}\n\n{folder / 'below' / 'd.flac'}\n")
    status, lines = records(command, f"@{tmp_path / 'list.txt'}")
    assert status == 0
    assert {line["file"] for line in lines} == {str(folder / "a.wav"), str(folder / "below" / "d.flac")}


@pytest.mark.parametrize("command", KEYS)
def test_for_people_a_recording_is_a_line_without_tables(command, folder):
    result = CliRunner().invoke(build(), [command, str(folder / "a.wav")])
    assert result.exit_code == 0
    assert result.stdout.startswith(str(folder / "a.wav"))
    assert "[" not in result.stdout


@pytest.mark.parametrize("command", ["wake", "classify", "transcribe", "understand"])
def test_less_audio_than_one_window_is_no_error(command, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(10), RATE)
    status, lines = records(command, tmp_path / "short.wav")
    assert (status, len(lines)) == (0, 1)


def test_sentences_replace_those_of_the_skills_and_the_command_words(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "intents: {Open: {data: [{sentences: ['open [the] {door} door']}]}}\n"
        "lists: {door: {values: [red, {in: blue, out: 3}]}}"
    )
    (tmp_path / "b.yaml").write_text("intents: {Home: {data: [{sentences: [go home]}]}}")
    (tmp_path / "lines.txt").write_text("go home\nstop\n")
    said = ["--text", "Open the blue door!", "--text", f"@{tmp_path / 'lines.txt'}"]
    status, lines = records("understand", "--sentences", tmp_path, *said)
    assert status == 0
    assert [(line["text"], line["intent"], line["slots"]) for line in lines] == [
        ("Open the blue door!", "Open", {"door": 3}),
        ("go home", "Home", {}),
        ("stop", None, {}),
    ]


def test_partial_texts_come_first_and_hot_words_are_taken(folder):
    options = ("--partials", "--every", 200, "--hotword", "ah:3", "--hotword", "living room")
    status, lines = records("transcribe", folder / "a.wav", *options)
    assert status == 0
    *partials, whole = lines
    assert set(whole) == KEYS["transcribe"]
    keys = {"file", "partial", "stable", "unstable", "sequence", "stability", "seconds"}
    assert all(set(line) == keys for line in partials)
    assert [line["sequence"] for line in partials] == list(range(len(partials)))
    for line in partials:
        assert f"{line['stable']} {line['unstable']}".strip() == line["partial"]


@pytest.mark.parametrize("hotword", ["ah:loud", " :2"])
def test_a_hot_word_that_is_none_is_a_wrong_call(folder, hotword):
    from voice.errors import ConfigError

    result = CliRunner().invoke(build(), ["transcribe", str(folder / "a.wav"), "--hotword", hotword])
    assert isinstance(result.exception, ConfigError)


def test_the_best_texts_are_told_where_they_are_asked_for():
    recording = SHIPPED.parent / "demo" / "some_light.flac"
    status, (line,) = records("transcribe", recording, "--n-best", 3)
    assert status == 0
    texts = [found["text"] for found in line["alternatives"]]
    assert texts[0] == line["text"]
    assert len(set(texts)) == 3
