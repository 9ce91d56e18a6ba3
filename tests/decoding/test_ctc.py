"""CTC search against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.decoding.ctc import greedy, log_likelihood
from voice.text import Alphabet


def collapse(path: tuple[int, ...], blank: int = 0) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def brute_force(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Log-probability of every label sequence, by summing over all paths."""
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        score = sum(log_probs[t, label] for t, label in enumerate(path))
        labels = collapse(path)
        totals[labels] = np.logaddexp(totals.get(labels, -np.inf), score)
    return totals


def random_log_probs(seed: int, frames: int, labels: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 2, (frames, labels))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_forward_score_equals_the_sum_over_all_paths(seed: int, frames: int) -> None:
    log_probs = random_log_probs(seed, frames, 3)
    for labels, expected in brute_force(log_probs).items():
        assert log_likelihood(log_probs, labels, 0) == pytest.approx(expected, abs=1e-4)


def test_greedy_collapses_repeats_and_times_the_words() -> None:
    alphabet = Alphabet()
    path = [*alphabet.encode("hi"), 0, *alphabet.encode(" "), 0, 0, *alphabet.encode("to"), *alphabet.encode("o")]
    log_probs = np.full((len(path), len(alphabet)), -20, np.float32)
    log_probs[np.arange(len(path)), path] = np.log(0.9)
    transcript = greedy(log_probs, alphabet, 0.04)
    assert transcript.text == "hi to"
    assert transcript.confidence == pytest.approx(0.9)
    assert [(t.text, round(t.start, 2), round(t.end, 2)) for t in transcript.tokens] == [
        ("hi", 0, 0.08),
        ("to", 0.24, 0.32),
    ]


def test_blank_separates_double_letters() -> None:
    alphabet = Alphabet()
    path = [*alphabet.encode("l"), 0, *alphabet.encode("l")]
    log_probs = np.full((3, len(alphabet)), -20, np.float32)
    log_probs[np.arange(3), path] = 0
    assert greedy(log_probs, alphabet, 0.04).text == "ll"


def test_no_frames_give_no_text() -> None:
    empty = np.zeros((0, 29), np.float32)
    assert greedy(empty, Alphabet(), 0.04).text == ""
    assert greedy(empty, Alphabet(), 0.04).confidence == 0
