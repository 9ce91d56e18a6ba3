import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.rechunk import Rechunker
from voice.events import Chunk


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 40))
def test_any_chunking_gives_the_same_chunks(lengths: list[int], size: int) -> None:
    audio = np.arange(sum(lengths), dtype=np.float32)
    rechunker, out, at = Rechunker(size), [], 0
    for length in lengths:
        out += rechunker.process(Chunk(audio[at : at + length], at))
        at += length

    assert [chunk.start for chunk in out] == list(range(0, len(audio) - size + 1, size))
    for chunk in out:
        np.testing.assert_array_equal(chunk.samples, audio[chunk.start : chunk.end])


def test_a_jump_of_the_clock_drops_the_incomplete_chunk() -> None:
    rechunker = Rechunker(4)
    assert rechunker.process(Chunk(np.ones(3, np.float32), 0)) == []
    (chunk,) = rechunker.process(Chunk(np.full(5, 2, np.float32), 100))
    assert (chunk.start, chunk.samples.tolist()) == (100, [2, 2, 2, 2])


def test_a_chunk_needs_a_sample() -> None:
    with pytest.raises(ValueError, match="0 samples"):
        Rechunker(0)
