"""`voice record-keyword` at a real PortAudio device: takes are kept, and stay when it is interrupted."""

import signal
import subprocess
import sys
from pathlib import Path

import soundfile

from tests.audio.test_takes import spoken
from tests.faults.test_audio_faults import Room, pytestmark, room
from voice.events import RATE

__all__ = ["pytestmark", "room"]


def test_takes_of_a_microphone_are_kept_when_it_is_interrupted(room: Room, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "said.wav", spoken("aiu", quiet_s=0.8), RATE)
    command = [sys.executable, "-m", "voice", "record-keyword", "hey luna", "--out", str(tmp_path / "takes")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while (line := process.stderr.readline()).startswith("INFO"):  # the engine's own
            pass
        assert line == "1 of 10: say 'hey luna'\n"
        room.play(tmp_path / "said.wav")
        assert "kept: take-001.wav" in process.stderr.readline()
        assert process.stderr.readline() == "2 of 10: say 'hey luna'\n"
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert f"1 takes in {tmp_path / 'takes'}; the same command goes on" in rest
        assert process.wait() == 130, rest
    samples, rate = soundfile.read(tmp_path / "takes" / "take-001.wav")
    assert rate == RATE
    assert 0.9 < len(samples) / rate < 1.7
