import asyncio
import io
import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.pcm import to_int16
from voice.audio.source import ChunkQueue, PcmSource
from voice.events import Chunk


def block(start: int, n: int = 100) -> Chunk:
    return Chunk(np.zeros(n, np.float32), start)


async def collect(source: PcmSource) -> list[Chunk]:
    return [chunk async for chunk in source.chunks()]


async def test_a_full_queue_drops_the_oldest_and_counts_it() -> None:
    queue = ChunkQueue(250, asyncio.get_running_loop())
    for start in range(0, 500, 100):
        queue.put(block(start))
    assert (queue.dropped_chunks, queue.dropped_samples) == (3, 300)
    assert [(await queue.get(0)).start for _ in range(2)] == [300, 400]  # type: ignore[union-attr]
    assert await queue.get(0) is None


@pytest.mark.parametrize("later", range(8))
async def test_a_cancellation_that_comes_with_audio_is_not_lost(later: int) -> None:
    """Ctrl-C while someone speaks: in the same turn of the loop, or a few after it."""
    queue = ChunkQueue(1000, asyncio.get_running_loop())
    reader = asyncio.create_task(queue.get(10))
    await asyncio.sleep(0)
    queue.put(block(0))
    for _ in range(later):
        await asyncio.sleep(0)
    if reader.cancel():
        with pytest.raises(asyncio.CancelledError):
            await reader
    assert reader.done()


async def test_a_chunk_put_by_another_thread_wakes_the_reader() -> None:
    queue = ChunkQueue(1000, asyncio.get_running_loop())
    reader = asyncio.create_task(queue.get(10))
    threading.Thread(target=queue.put, args=(block(0),)).start()
    chunk = await reader
    assert chunk is not None


async def test_an_early_wake_up_is_no_stall() -> None:
    queue = ChunkQueue(1000, asyncio.get_running_loop())
    queue.put(block(0))
    assert await queue.get(10) is not None
    reader = asyncio.create_task(queue.get(10))  # the wake-up of the first chunk is still under way
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not reader.done()
    queue.put(block(100))
    assert await reader is not None


async def test_an_ended_queue_gives_what_it_has_and_then_none() -> None:
    queue = ChunkQueue(1000, asyncio.get_running_loop())
    queue.put(block(0))
    queue.end()
    assert await queue.get(10) is not None
    assert await queue.get(10) is None


def test_a_device_thread_outlives_the_loop() -> None:
    loop = asyncio.new_event_loop()
    queue = ChunkQueue(1000, loop)
    loop.close()
    queue.put(block(0))  # does not raise


@given(st.integers(0, 5000), st.integers(64, 700))
def test_raw_pcm_comes_out_as_it_went_in(n: int, chunk: int) -> None:
    audio = np.random.default_rng(n).integers(-32768, 32767, n).astype(np.float32) / 32768
    chunks = asyncio.run(collect(PcmSource(io.BytesIO(to_int16(audio)), chunk=chunk)))

    assert [piece.start for piece in chunks] == [chunk * i for i in range(-(-n // chunk))]
    out = np.concatenate([np.zeros(0, np.float32), *(piece.samples for piece in chunks)])
    np.testing.assert_array_equal(out[:n], audio)
    assert not out[n:].any()


async def test_another_rate_is_resampled() -> None:
    audio = np.sin(2 * np.pi * 300 * np.arange(48_000) / 48_000).astype(np.float32) / 2
    chunks = await collect(PcmSource(io.BytesIO(to_int16(audio)), rate=48_000))
    out = np.concatenate([chunk.samples for chunk in chunks])
    expected = np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000) / 2
    np.testing.assert_allclose(out[500:15_000], expected[500:15_000], atol=2e-3)


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream:
        yield stream, writer


async def test_a_pipe_is_read_as_it_fills_in_pieces_of_any_size(pipe) -> None:
    stream, writer = pipe
    task = asyncio.create_task(collect(PcmSource(stream)))
    data = to_int16(np.linspace(-1, 0.9, 3000, dtype=np.float32))
    for piece in (data[:1], data[1:777], data[777:4001], data[4001:]):
        os.write(writer, piece)
        await asyncio.sleep(0)
    os.close(writer)
    chunks = await task
    assert len(chunks) == 3
    np.testing.assert_allclose(
        np.concatenate([chunk.samples for chunk in chunks])[:3000], np.linspace(-1, 0.9, 3000), atol=1e-4
    )


async def test_close_ends_a_source_whose_writer_is_silent(pipe) -> None:
    stream, writer = pipe
    source = PcmSource(stream)
    task = asyncio.create_task(collect(source))
    await asyncio.sleep(0)
    await source.close()
    assert await asyncio.wait_for(task, 5) == []
    os.close(writer)
