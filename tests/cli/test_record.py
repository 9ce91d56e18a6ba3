"""`voice record-keyword`: recordings instead of a microphone; with a device in tests/faults/test_record_keyword.py."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer

from tests.audio.test_takes import spoken
from voice.audio import portaudio
from voice.audio.files import FileSource
from voice.audio.takes import TakeSettings
from voice.cli import main
from voice.cli.record import _Recorder, register
from voice.errors import AudioError
from voice.events import RATE
from voice.ops.recording import TakeFolder, TakeSession


def saved(path: Path, *vowels: str, seed: int = 0) -> Path:
    audio = np.concatenate([spoken(word, seed + i, quiet_s=0.8) for i, word in enumerate(vowels)])
    soundfile.write(path, audio, RATE)
    return path


def record(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["record-keyword", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_recordings_are_cut_judged_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = saved(tmp_path / "good.wav", "aiu", "aiu", "aiu")
    odd = saved(tmp_path / "odd.wav", "uea", seed=9)
    out = tmp_path / "takes"
    assert record("hey luna", "--out", out, "--json", "--input", good, odd) == 0
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["take"] for row in rows] == [*(str(out / f"take-00{i}.wav") for i in (1, 2, 3)), None]
    assert (rows[3]["file"], rows[3]["code"]) == (str(odd), "odd")
    assert "good.wav: kept: take-001.wav (0." in printed.err
    assert "odd.wav: not kept: it doesn't sound like the other takes" in printed.err
    assert f"3 takes in {out}; the same command goes on with them" in printed.err


def test_a_file_that_can_not_be_read_is_said_and_the_others_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = saved(tmp_path / "good.wav", "aiu")
    assert record("hey luna", "--out", tmp_path / "takes", "--input", tmp_path / "nowhere.wav", good) == 1
    assert "nowhere.wav can't be opened" in capsys.readouterr().err
    assert (tmp_path / "takes" / "take-001.wav").exists()


def test_nothing_kept_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    assert record("hey luna", "--out", tmp_path / "takes", "--input", tmp_path / "silence.wav") == 1
    assert "not kept: no speech was heard (-90 dBFS at most)" in capsys.readouterr().err


def test_an_unquoted_phrase_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record("hey", "luna", "--out", tmp_path / "takes") == 2
    assert "quote it: 'hey luna'" in capsys.readouterr().err
    assert not (tmp_path / "takes").exists()


def test_without_a_microphone_nothing_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(portaudio, "devices", lambda **_: [])
    assert record("hey luna", "--out", tmp_path) == 1
    assert "there is no input device" in capsys.readouterr().err
    record("hey luna", "--out", tmp_path, "--input", saved(tmp_path / "good.wav", "aiu"))
    assert record("hey luna", "--out", tmp_path, "--takes", 1) == 0
    said = capsys.readouterr().err
    assert "there are 1 takes already: ask for more with --takes" in said
    assert f"1 takes in {tmp_path}; train with `kws-train keyword 'hey luna' --recordings {tmp_path}`" in said


def recorder(folder: Path, wanted: int) -> _Recorder:
    session = TakeSession(TakeFolder(folder, "hey luna"), TakeSettings.for_phrase("hey luna"), lambda take: 0.0)
    return _Recorder(session, "hey luna", wanted, as_json=False)


async def test_what_is_said_is_asked_for_again_until_there_is_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    room = [saved(tmp_path / f"{i}.wav", word, seed=i) for i, word in enumerate(["aiu", "aiuaiuaiuaiu", "aiu", "aiu"])]
    await recorder(tmp_path / "takes", 2).from_microphone(FileSource(room))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "1 of 2: say 'hey luna'"
    assert "kept: take-001.wav" in said[1]
    assert said[2] == "2 of 2: say 'hey luna'"
    assert "not kept: it is too long" in said[3]
    assert said[4] == "2 of 2: say 'hey luna'"
    assert "kept: take-002.wav" in said[5]
    assert len(said) == 6  # nobody is asked for the fourth


async def test_a_room_in_which_nobody_speaks_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.random.default_rng(0).normal(0, 1e-3, 40 * RATE), RATE)
    with pytest.raises(AudioError, match="nothing was said for 30 s: check the microphone"):
        await recorder(tmp_path / "takes", 2).from_microphone(FileSource([tmp_path / "quiet.wav"]))
    assert capsys.readouterr().err.count("1 of 2: say 'hey luna'") == 3


def test_the_documentation_tells_what_there_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "wake-words.md").read_text(encoding="utf-8")
    section = text.split("\n## Recording your own\n")[1].split("\n## ")[0]
    own = section.replace("kws-train keyword", "").replace("--recordings", "")
    settings = TakeSettings()
    assert set(re.findall(r"(?<!\S)`?(--[a-z]+)", own)) <= set(options())
    assert f"below {settings.quietest_dbfs:.0f} dBFS" in section
    assert f"more than {100 * settings.most_clipped:g} % of the samples" in section
    assert f"within {settings.edge_db:g} dB of the loudest" in section
    assert f"less than {settings.least_snr_db:g} dB above" in section
    assert f"{settings.disagreement:g} times as far" in section


def options() -> list[str]:
    app = typer.Typer()
    register(app)
    return [name for parameter in typer.main.get_command(app).params for name in parameter.opts]
