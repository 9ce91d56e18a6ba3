import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kws_training.feature_store import FLOOR
from kws_training.prepare import WINDOW_FRAMES
from kws_training.windows import isolated, spliced, window

QUIET, LOUD = 40, 150


def word(*places):
    """Return a clip that is loud in the ranges of frames given."""
    frames = np.full((WINDOW_FRAMES, 40), QUIET, np.uint8)
    for first, last in places:
        frames[first:last] = LOUD
    return frames


@given(st.integers(1, 300), st.integers(0, 2**32))
def test_a_window_has_its_length_and_holds_only_what_the_clip_holds(length, seed):
    clip = np.random.default_rng(0).integers(9, 200, (length, 4)).astype(np.uint8)
    found = window(clip, np.random.default_rng(seed))
    assert len(found) == WINDOW_FRAMES
    inside = found[(found != FLOOR).any(axis=1)]
    assert len(inside) == min(length, WINDOW_FRAMES)
    assert any(np.array_equal(inside, clip[i : i + len(inside)]) for i in range(len(clip) - len(inside) + 1))


@given(st.integers(0, 2**32))
def test_a_piece_of_running_speech_stands_alone(seed):
    speech = np.random.default_rng(1).integers(QUIET, LOUD, (WINDOW_FRAMES, 40)).astype(np.uint8)
    alone = isolated(np.random.default_rng(seed), speech)
    loud = np.flatnonzero(alone.mean(axis=1) > (QUIET + LOUD) / 2 - 20)
    assert alone.shape == speech.shape
    assert 25 <= loud[-1] - loud[0] + 1 <= 70


@given(st.integers(0, 2**32))
def test_a_spliced_word_has_the_front_of_one_and_the_back_of_the_other(seed):
    front, back = word((20, 60)), word((30, 70))
    front[:, 0], back[:, 0] = 10, 20  # a mark of where a frame comes from
    marks = spliced(np.random.default_rng(seed), front, back)[:, 0]
    assert set(marks) <= {10, 20, FLOOR}
    changes = np.flatnonzero(np.diff(marks[marks != FLOOR].astype(int)))
    assert len(changes) == 1
    assert marks[marks != FLOOR][0] == 10
