"""`voice run` and its start: what is said before anything starts, and how soon it listens."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice.audio import portaudio
from voice.cli import main, run
from voice.config import Config
from voice.errors import AudioError, ConfigError, DeviceError
from voice.events import RATE
from voice.models.bundle import SHIPPED

START_CPU_S = 2.0
"""The half second that it takes, with room for a slow machine and for modules that are compiled first."""


def configured(device: str = "") -> Config:
    return Config.model_validate({"microphone": {"device": device}})


def no_devices(*, rescan: bool = False) -> list[portaudio.Device]:
    return []


def test_without_a_microphone_the_recordings_are_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(portaudio, "devices", no_devices)
    assert not run._has_microphone(configured())
    assert "No microphone (there is no input device" in capsys.readouterr().err


def test_a_microphone_that_is_configured_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "devices", no_devices)
    with pytest.raises(DeviceError, match="there is no input device"):
        run._has_microphone(configured("nonsuch"))


@pytest.mark.parametrize("source", ["auto", "mic"])
def test_a_wrong_name_of_the_microphone_is_said_before_anything_starts(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = portaudio.Device(0, "default (ALSA)", 1, 0, 48_000, default_input=True)
    monkeypatch.setattr(portaudio, "devices", lambda **_: [found])
    with pytest.raises(DeviceError, match=r"no input device is called 'nonsuch': choose one of: default \(ALSA\)"):
        run._open(configured("nonsuch"), source, realtime=True)


def test_a_recording_that_can_not_be_read_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="nowhere"):
        run._open(Config(), str(tmp_path / "nowhere.wav"), realtime=False)
    with pytest.raises(ConfigError, match="holds no audio file"):
        run._open(Config(), str(tmp_path), realtime=False)
    (tmp_path / "broken.wav").write_bytes(b"no recording")
    with pytest.raises(AudioError, match=r"broken\.wav"):
        run._open(Config(), str(tmp_path), realtime=False)


def test_it_listens_soon_and_ends_with_the_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.random.default_rng(0).normal(0, 1e-4, RATE), RATE)
    (tmp_path / "config.yaml").write_text("broker: {port: 0}\nspeech: {output: 'null'}\n")
    call = ["run", "--input", tmp_path / "quiet.wav", "--until-end", "--config", tmp_path / "config.yaml"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "voice", *call], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "Listening. Broker at 127.0.0.1:" in done.stderr
    assert done.stdout == ""
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < START_CPU_S


@pytest.mark.parametrize("damage", ["missing", "cut", "no network"])
def test_a_damaged_bundle_is_one_line_and_status_1(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE), RATE)
    bundle = tmp_path / "wake"
    if damage != "missing":
        shutil.copytree(SHIPPED / "computer", bundle)
    if damage == "cut":
        network = bundle / "model.tflite"
        network.write_bytes(network.read_bytes()[:-1])
    if damage == "no network":
        (bundle / "model.tflite").unlink()
    (tmp_path / "config.yaml").write_text(f"models: {{wake: [{{bundle: {bundle}}}]}}\nbroker: {{port: 0}}\n")
    with pytest.raises(SystemExit) as caught:
        main(["run", "--input", str(tmp_path / "quiet.wav"), "--config", str(tmp_path / "config.yaml")])
    line = capsys.readouterr().err
    assert caught.value.code == 1
    assert line.startswith("voice: ")
    assert line.count("\n") == 1
    assert str(bundle) in line


def test_a_closed_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError, match="standard input is closed"):
        run._open(Config(), "-", realtime=True)
