"""WAVs, tones, espeak-ng and where sounds go."""

import asyncio
import io
import logging
import shutil
import wave

import numpy as np
import pytest

from voice.audio.speaker import SpeakerSettings
from voice.clock import VirtualClock
from voice.errors import AudioError, DeviceError
from voice.speech.espeak import synthesise
from voice.speech.players import FilePlayer, LoudspeakerPlayer, NullPlayer, player_for
from voice.speech.settings import SpeechSettings, VoiceSettings
from voice.speech.sounds import tone
from voice.speech.wav import encode, mended, seconds

SHORT = encode(np.zeros(160, np.float32), 16_000)


def test_a_streamed_wav_gets_its_true_sizes():
    good = encode(np.linspace(-0.5, 0.5, 800, dtype=np.float32), 16_000)
    streamed = good[:4] + b"\x24\xf0\xff\x7f" + good[8:40] + b"\x00\xf0\xff\x7f" + good[44:]
    assert mended(streamed) == good
    assert seconds(streamed) == 0.05


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF0000WAVE", SHORT[:30], b"RIFF0000WAVEdata" + bytes(20), b"x" * 99]
)
def test_what_is_no_wav_is_said(data):
    with pytest.raises(AudioError):
        seconds(data)


@pytest.mark.parametrize("sound", ["wake", "end", "error"])
def test_tones_are_short_and_as_loud_as_asked(sound):
    samples = tone(sound, -18.0)
    assert 0.05 < len(samples) / 16_000 < 0.4
    assert 20 * np.log10(np.max(np.abs(samples))) == pytest.approx(-18.0, abs=0.01)
    assert np.all(np.abs(samples[[0, -1]]) < 0.01)


needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@needs_espeak
async def test_espeak_speaks_what_it_is_given_on_standard_input():
    wav = await synthesise("--help [[ hello", VoiceSettings())
    with wave.open(io.BytesIO(wav)) as file:
        assert file.getnchannels() == 1
        assert 0.3 < file.getnframes() / file.getframerate() < 5


async def test_a_synthesiser_that_fails_is_said(tmp_path):
    program = tmp_path / "failing"
    program.write_text("#!/bin/sh\necho no voice >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(AudioError, match="failing: no voice"):
        await synthesise("hello", VoiceSettings(program=str(program)))


async def test_a_synthesiser_that_hangs_is_killed(tmp_path):
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(AudioError, match=r"longer than 0\.1 s"):
        await synthesise("hello", VoiceSettings(program=str(program), timeout_s=0.1))


async def test_sounds_are_written_to_a_folder_or_one_file(tmp_path):
    folder, file = FilePlayer(tmp_path / "out"), FilePlayer(tmp_path / "all.wav")
    for _ in range(3):
        await folder.play(SHORT)
        await file.play(SHORT)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["0001.wav", "0002.wav", "0003.wav"]
    assert seconds((tmp_path / "all.wav").read_bytes()) == 0.03


async def test_a_folder_that_can_not_be_written_is_said(tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(AudioError, match=r"correct speech.output"):
        await FilePlayer(tmp_path / "out").play(SHORT)


class NoDevice:
    settings = SpeakerSettings()

    async def play(self, wav):
        raise DeviceError("no loudspeaker")

    def stop(self): ...


async def test_without_a_loudspeaker_it_is_said_once_and_time_is_kept(caplog):
    clock = VirtualClock()
    player = LoudspeakerPlayer(NoDevice(), NullPlayer(clock))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            playing = asyncio.ensure_future(player.play(SHORT))
            await asyncio.sleep(0)
            await clock.advance(0.02)
            assert await playing == 0.01
    assert len([record for record in caplog.records if "no loudspeaker" in record.getMessage()]) == 1


def test_the_output_is_chosen_by_the_settings(tmp_path):
    clock = VirtualClock()
    assert isinstance(player_for(SpeechSettings(), clock), LoudspeakerPlayer)
    assert isinstance(player_for(SpeechSettings(output="null"), clock), NullPlayer)
    assert isinstance(player_for(SpeechSettings(output=str(tmp_path)), clock), FilePlayer)
