"""The fit of a phrase, against every path written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.decoding.phrase import phrase_fit

BLANK = 0


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for i, label in enumerate(path) if label != BLANK and (i == 0 or path[i - 1] != label))


def by_hand(log_probs: np.ndarray, labels: list[int]) -> float:
    """Every stretch of frames, every path through it that begins and ends with the phrase's own labels."""
    against = log_probs - log_probs.max(axis=1, keepdims=True)
    n_frames, n_labels = against.shape
    losses = [np.inf]
    for start, end in itertools.combinations(range(n_frames + 1), 2):
        for path in itertools.product(range(n_labels), repeat=end - start):
            if BLANK not in (path[0], path[-1]) and collapsed(path) == tuple(labels):
                losses.append(-sum(against[start + i, label] for i, label in enumerate(path)))
    return min(losses)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.lists(st.integers(1, 2), min_size=1, max_size=3))
def test_it_is_the_best_of_all_paths_at_all_places(seed: int, n_frames: int, labels: list[int]) -> None:
    log_probs = np.log(np.random.default_rng(seed).dirichlet([0.5] * 3, n_frames) + 1e-9).astype(np.float32)
    assert phrase_fit(log_probs, labels, BLANK).loss == pytest.approx(by_hand(log_probs, labels), rel=1e-5)


def test_a_phrase_that_is_what_the_recogniser_hears_loses_nothing_wherever_it_stands() -> None:
    heard = [0, 2, 2, 0, 1, 0, 1, 2, 0]
    log_probs = np.full((len(heard), 3), -5.0, np.float32)
    log_probs[np.arange(len(heard)), heard] = -0.1
    fit = phrase_fit(log_probs, [1, 1], BLANK)
    assert fit.loss == pytest.approx(0)
    assert fit.end == 7
    assert phrase_fit(log_probs, [1, 1, 1], BLANK).loss > 4


def test_too_little_audio_fits_nothing() -> None:
    assert phrase_fit(np.zeros((1, 3), np.float32), [1, 2], BLANK).loss == np.inf
