"""A microphone and a loudspeaker (PulseAudio without hardware): unplugged, silent, misnamed, read too slowly."""

import asyncio
import ctypes.util
import io
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from voice.audio import portaudio
from voice.audio.microphone import MicrophoneSettings, MicrophoneSource
from voice.audio.pcm import level_dbfs
from voice.audio.speaker import Speaker, SpeakerSettings
from voice.cli import audio as commands
from voice.errors import AudioError, DeviceError
from voice.events import RATE, Chunk

TOOLS = ("pulseaudio", "pactl", "paplay")
missing = [tool for tool in TOOLS if not shutil.which(tool)]
if not ctypes.util.find_library("portaudio"):
    missing.append("libportaudio2")
pytestmark = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)} (apt-get install pulseaudio-utils)")


class Room:
    """A private PulseAudio: what is played into the sink `room` is what the microphone hears."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._module = ""
        self._playing: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        arguments = ["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--log-level=error"]
        socket = f"module-native-protocol-unix socket={self._folder / 'socket'} auth-anonymous=1"
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(["pulseaudio", *arguments, "-L", socket], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while subprocess.run(["pactl", "info"], check=False, capture_output=True).returncode:
            if time.monotonic() > deadline or self._server.poll() is not None:
                pytest.skip(f"PulseAudio does not start: {(self._folder / 'log').read_text()[:200]}")
            time.sleep(0.05)
        self._pactl("load-module", "module-null-sink", "sink_name=speaker", "rate=48000")
        self._pactl("set-default-sink", "speaker")
        self.plug()

    def stop(self) -> None:
        self.hush()
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def hush(self) -> None:
        """End what is playing; PulseAudio would move it to the loudspeaker."""
        for player in self._playing:
            player.kill()
            player.wait()
        self._playing.clear()

    def plug(self) -> None:
        self._module = self._pactl("load-module", "module-null-sink", "sink_name=room", "rate=48000", "channels=1")
        self._pactl("set-default-source", "room.monitor")

    def unplug(self) -> None:
        self.hush()
        self._pactl("unload-module", self._module)

    def play(self, file: Path) -> None:
        self._playing.append(subprocess.Popen(["paplay", "--device=room", file]))

    def _pactl(self, *arguments: str) -> str:
        return subprocess.run(["pactl", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    with tempfile.TemporaryDirectory(prefix="pa") as folder:
        for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"):
            monkeypatch.setenv(name, folder)
        monkeypatch.setenv("PULSE_SERVER", f"unix:{folder}/socket")
        room = Room(Path(folder))
        room.start()
        try:
            if not any(device.name.startswith("default") for device in portaudio.devices(rescan=True)):
                pytest.skip("ALSA does not know PulseAudio (apt-get install libasound2-plugins)")
            yield room
        finally:
            room.stop()


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 500 * np.arange(20 * RATE) / RATE), RATE)
    return path


async def until(chunks: AsyncIterator[Chunk], holds: Callable[[Chunk], bool], seconds: float = 15) -> list[Chunk]:
    """Read chunks up to the first for which `holds`."""
    seen: list[Chunk] = []
    async with asyncio.timeout(seconds):
        async for chunk in chunks:
            seen.append(chunk)
            if holds(chunk):
                return seen
    raise AssertionError("the microphone ended")


def wav(audio: np.ndarray, rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, rate, format="WAV")
    return buffer.getvalue()


def loud(chunk: Chunk) -> bool:
    return level_dbfs(chunk.samples) > -30


async def test_what_is_played_is_heard_on_an_unbroken_clock(room: Room, tone: Path) -> None:
    microphone = MicrophoneSource(MicrophoneSettings(device="default"))
    room.play(tone)
    chunks = microphone.chunks()
    await until(chunks, loud)
    seen = await until(chunks, lambda chunk: chunk.start > 3 * RATE)
    assert all(after.start == before.end for before, after in pairwise(seen))
    spectrum = np.abs(np.fft.rfft(np.concatenate([chunk.samples for chunk in seen[-5:]])))
    assert abs(int(np.argmax(spectrum)) * RATE / (5 * 1280) - 500) < 5
    await microphone.close()
    assert [chunk async for chunk in chunks] == []
    assert not microphone.health.connected


async def test_a_microphone_that_goes_away_is_reported_once_and_found_again(room: Room, tone: Path) -> None:
    reports: list[DeviceError] = []
    gone = asyncio.Event()

    def report(error: DeviceError) -> None:
        reports.append(error)
        gone.set()

    microphone = MicrophoneSource(MicrophoneSettings(retry_ms=500, stall_ms=500), report)
    room.play(tone)
    chunks = microphone.chunks()
    last = (await until(chunks, loud))[-1]
    room.stop()
    unplugged_at = time.monotonic()
    waiting = asyncio.create_task(until(chunks, lambda chunk: chunk.start > last.end + RATE, 30))
    await asyncio.wait_for(gone.wait(), 5)
    await asyncio.sleep(1)  # several attempts to reopen
    assert not microphone.health.connected
    room.start()
    back = (await waiting)[-1]
    away = time.monotonic() - unplugged_at

    assert microphone.health.connected
    assert microphone.health.reopenings >= 1
    assert len(reports) == 1
    assert "has gone" in str(reports[0])
    assert abs((back.end - last.end) / RATE - away) < 1.5  # the clock counted the time without a microphone
    await microphone.close()
    await chunks.aclose()


async def test_unplugging_leaves_silence_that_is_reported_until_it_is_plugged_in_again(room: Room, tone: Path) -> None:
    microphone = MicrophoneSource(MicrophoneSettings(silent_ms=500))
    room.play(tone)
    chunks = microphone.chunks()
    await until(chunks, loud)
    assert not microphone.health.silent
    room.unplug()
    await until(chunks, lambda _: microphone.health.silent)
    room.plug()
    room.play(tone)
    await until(chunks, loud)
    assert not microphone.health.silent
    await chunks.aclose()


async def test_a_loop_that_reads_too_slowly_loses_the_oldest_audio_and_knows_it(room: Room, tone: Path) -> None:
    microphone = MicrophoneSource(MicrophoneSettings(queue_ms=200))
    room.play(tone)
    chunks = microphone.chunks()
    before = (await until(chunks, loud))[-1]
    await asyncio.sleep(1)
    seen = await until(chunks, lambda chunk: chunk.start > before.end + RATE // 2)
    assert microphone.health.dropped_chunks > 0
    assert any(after.start > earlier.end for earlier, after in zip([before, *seen], seen, strict=False))
    await chunks.aclose()


async def test_a_wrong_name_is_an_error_that_lists_the_devices(room: Room) -> None:
    with pytest.raises(DeviceError, match=r"no input device is called 'nonsuch': choose one of: .*default"):
        await anext(MicrophoneSource(MicrophoneSettings(device="nonsuch")).chunks())


async def test_no_sound_server_is_an_error_in_one_line(room: Room) -> None:
    room.stop()
    with pytest.raises(DeviceError) as caught:
        await anext(MicrophoneSource(MicrophoneSettings()).chunks())
    assert "\n" not in str(caught.value)


async def test_the_loudspeaker_returns_when_the_sound_has_been_heard(room: Room) -> None:
    speaker = Speaker(SpeakerSettings())
    short, long = wav(np.full((8000, 2), 0.1), 8000), wav(np.full(20 * RATE, 0.1), RATE)
    began = time.monotonic()
    assert await speaker.play(short) == 1.0
    assert time.monotonic() - began > 0.9

    playing = asyncio.create_task(speaker.play(long))
    await asyncio.sleep(0.5)
    speaker.stop()
    await asyncio.wait_for(playing, 5)
    with pytest.raises(AudioError, match="no sound"):
        await speaker.play(b"nonsense")


def test_devices_are_listed_and_metered(room: Room, tone: Path) -> None:
    app = typer.Typer()
    commands.register(app)
    room.play(tone)
    result = CliRunner().invoke(app, ["devices", "--json", "--seconds", "0.5"])
    records = [json.loads(line) for line in result.stdout.splitlines()]
    default = next(record for record in records if record["name"] == "default (ALSA)")
    assert result.exit_code == 0
    assert default["default_input"]
    assert -30 < default["level_dbfs"] < 0
    assert "dBFS |" in CliRunner().invoke(app, ["devices", "--seconds", "0.2"]).stdout


async def test_opened_early_it_delivers_from_then_on_and_closes_unread(room: Room, tone: Path) -> None:
    microphone = MicrophoneSource(MicrophoneSettings(queue_ms=5000))
    await microphone.open()
    room.play(tone)
    await asyncio.sleep(2)  # what loads meanwhile
    chunks = microphone.chunks()
    first = await anext(chunks)
    assert first.start == 0
    await until(chunks, loud)
    await chunks.aclose()

    unread = MicrophoneSource(MicrophoneSettings())
    await unread.open()
    assert unread.health.connected
    await unread.close()
    assert not unread.health.connected
