import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from voice.cli import audio
from voice.events import RATE


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    audio.register(app)
    return app


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two vowels of a second each, 8 kHz stereo, with 1.5 s of quiet around each."""
    rate = 8000
    t = np.arange(rate) / rate
    vowel = 0.2 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    quiet = np.random.default_rng(0).normal(0, 1e-4, rate * 3 // 2)
    path = tmp_path / "two.wav"
    soundfile.write(path, np.stack([np.concatenate([quiet, vowel, quiet, vowel, quiet])] * 2, axis=1), rate)
    return path


def test_vad_prints_where_the_speech_is(app: typer.Typer, recording: Path) -> None:
    result = CliRunner().invoke(app, ["vad", "--json", str(recording)])
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [set(record) for record in records] == [{"file", "start", "end"}] * 2
    for record, start in zip(records, (1.5, 4.0), strict=True):
        assert abs(record["start"] - start) < 0.15
        assert abs(record["end"] - start - 1) < 0.3


def test_vad_reports_a_bad_file_and_goes_on(app: typer.Typer, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    result = CliRunner().invoke(app, ["vad", "--json", str(tmp_path / "empty.wav"), str(recording)])
    first, *rest = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert first["code"] == "audio"
    assert len(rest) == 2


def test_silence_holds_no_speech(app: typer.Typer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(2 * RATE), RATE)
    result = CliRunner().invoke(app, ["vad", "--json", str(tmp_path / "silence.wav")])
    assert (result.exit_code, result.stdout) == (0, "")
