import asyncio
import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice.audio.files import FileSource, check_audio, read_audio
from voice.errors import AudioError
from voice.events import RATE, Chunk


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def write(path: Path, audio: np.ndarray, rate: int = RATE, **options: str) -> Path:
    soundfile.write(path, audio, rate, **options)
    return path


async def collect(source: FileSource) -> list[Chunk]:
    return [chunk async for chunk in source.chunks()]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_every_format_and_rate_becomes_mono_16_khz(tmp_path: Path, suffix: str, rate: int) -> None:
    audio = read_audio(write(tmp_path / f"tone.{suffix}", np.stack([tone(rate)] * 2, axis=1), rate))

    assert audio.dtype == np.float32
    assert abs(len(audio) - RATE) <= RATE // 10  # MP3 pads
    peak = np.argmax(np.abs(np.fft.rfft(audio[:RATE], RATE)))
    assert abs(int(peak) - 440) <= 1


def test_8_khz_stereo_is_averaged_and_resampled_once(tmp_path: Path) -> None:
    left_only = np.stack([tone(8000), np.zeros(8000, np.float32)], axis=1)
    audio = read_audio(write(tmp_path / "phone.wav", left_only, 8000))

    assert len(audio) == RATE
    np.testing.assert_allclose(audio[1000:-1000], 0.5 * tone(RATE)[1000:-1000], atol=2e-3)


def broken_files(folder: Path) -> dict[str, Path]:
    whole = write(folder / "whole.wav", tone(RATE)).read_bytes()
    contents = {
        "empty (0 bytes)": b"",
        "holds no audio": write(folder / "none.wav", np.zeros(0, np.float32)).read_bytes(),
        "cut short": whole[: len(whole) // 2],
        "Format not recognised": b"this is no recording" * 20,
        "Malformed": whole[:20],
        "not numbers": write(folder / "nan.wav", np.full(100, np.nan, np.float32), subtype="FLOAT").read_bytes(),
    }
    paths = {problem: folder / f"bad-{i}.wav" for i, problem in enumerate(contents)}
    for problem, path in paths.items():
        path.write_bytes(contents[problem])
    return {**paths, "No such file": folder / "missing.wav", "folder": folder}


def test_a_bad_file_is_named_in_one_line(tmp_path: Path) -> None:
    for problem, path in broken_files(tmp_path).items():
        with pytest.raises(AudioError) as caught:
            read_audio(path)
        message = str(caught.value)
        assert problem in message
        assert str(path) in message
        assert "\n" not in message


def test_an_mp3_may_miss_its_codecs_delay_and_no_more(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mp3", tone(32_000, 4), 32_000).read_bytes()
    (tmp_path / "a.mp3").write_bytes(whole[:-500])  # the last frame is lost, as Common Voice's files have it
    assert abs(len(read_audio(tmp_path / "a.mp3")) - 4 * RATE) < 2000
    (tmp_path / "a.mp3").write_bytes(whole[: 3 * len(whole) // 4])
    with pytest.raises(AudioError, match="cut short"):
        read_audio(tmp_path / "a.mp3")


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_a_truncated_compressed_file_is_an_error(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"a.{suffix}", tone(RATE, 2)).read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole[:60])
    with pytest.raises(AudioError):
        read_audio(cut)


def test_a_wav_whose_writer_never_filled_in_the_length_is_read(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.wav", tone(RATE), subtype="PCM_16").read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "piped.wav").write_bytes(bytes(data))
    assert len(read_audio(tmp_path / "piped.wav")) == RATE


async def test_files_share_one_sample_clock_with_silence_between_and_after(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{i}.wav", np.full(1000, 0.5, np.float32)) for i in range(2)]
    chunks = await collect(FileSource(paths, gap_ms=100, tail_ms=200))

    assert [chunk.start for chunk in chunks] == [1280 * i for i in range(len(chunks))]
    audio = np.concatenate([chunk.samples for chunk in chunks])
    loud = np.flatnonzero(np.abs(audio) > 0.1)
    assert (loud[0], loud[999], loud[1000], loud[-1]) == (0, 999, 2600, 3599)
    assert len(audio) == 7680  # 2 x 1000 + 1600 + 3200, filled up to whole chunks


async def test_realtime_is_paced_without_drift(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(RATE // 2, np.float32))
    began = time.monotonic()
    source = FileSource([path], realtime=True, tail_ms=0)
    seconds = sum([len(chunk.samples) / RATE for chunk in await collect(source)])
    assert source.live
    assert 0 <= time.monotonic() - began - seconds < 0.15


async def test_close_ends_the_chunks(tmp_path: Path) -> None:
    source = FileSource([write(tmp_path / "a.wav", tone(RATE, 5))])
    n = 0
    async for _ in source.chunks():
        n += 1
        await source.close()
    assert n == 1


async def test_a_bad_file_ends_the_source_with_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="No such file"):
        await collect(FileSource([tmp_path / "missing.wav"]))


async def test_a_fast_source_lets_others_run(tmp_path: Path) -> None:
    source = FileSource([write(tmp_path / "a.wav", np.zeros(RATE * 2, np.float32))])
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticker = asyncio.create_task(tick())
    chunks = await collect(source)
    ticker.cancel()
    assert ticks >= len(chunks) - 1


def test_a_look_at_the_header_finds_what_is_no_recording(tmp_path: Path) -> None:
    check_audio(write(tmp_path / "whole.wav", tone(RATE)))
    for problem, path in broken_files(tmp_path).items():
        if problem not in ("holds no audio", "cut short", "not numbers"):  # found when it is decoded
            with pytest.raises(AudioError, match=re.escape(problem)):
                check_audio(path)
