"""What the wake-word benchmark counts: hits, false accepts, and misses at a rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wake.scoring import (
    Curve,
    Point,
    Track,
    apart,
    curve,
    delays_ms,
    first_hits,
    missed_by_group,
    wilson_of,
)
from benchmarks.wake.streams import Span
from kws_training.evaluate import wilson
from voice.events import RATE

HOUR = 3600 * RATE


def span(number, facts=None):
    start = number * 10 * RATE
    return Span(f"take {number}", start, start + 2 * RATE, start + RATE, facts or {})


def track(*events, n_samples=HOUR):
    at, score = zip(*sorted(events), strict=True) if events else ((), ())
    return Track(np.array(at, np.int64), np.array(score, np.float64), n_samples)


def test_a_second_detection_within_the_refractory_time_does_not_count():
    heard = track((RATE, 0.9), (2 * RATE, 0.9), (3 * RATE, 0.9))
    assert heard.events(0.5).tolist() == [RATE, 3 * RATE]


def test_what_happens_in_a_clip_that_says_the_word_is_not_counted():
    heard = track((RATE, 0.9), (11 * RATE, 0.9), (13 * RATE, 0.9), (20 * RATE, 0.9))
    assert heard.without([(10 * RATE, 12 * RATE)]).events(0.5).tolist() == [RATE, 20 * RATE]


@given(st.lists(st.integers(0, 10_000), max_size=50), st.integers(1, 500))
def test_kept_times_are_apart_and_every_other_is_just_behind_one(times, gap):
    at = np.array(sorted(times), np.int64)
    kept = apart(at, gap)
    assert (np.diff(kept) >= gap).all()
    assert all(any(0 <= time - one < gap for one in kept) for time in at)


def test_a_hit_may_come_a_second_after_the_recording_and_no_later():
    spans = [span(1)]
    for late, hit in ((1.0, True), (1.01, False), (-2.0, True), (-2.01, False)):
        events = np.array([spans[0].end + round(late * RATE)])
        assert np.isnan(first_hits(events, spans)).tolist() == [not hit]


def test_a_recording_counts_once_and_its_delay_is_from_the_end_of_the_word():
    spans = [span(1), span(2)]
    events = np.array([spans[0].word_end + RATE // 10, spans[0].word_end + 2 * RATE])
    hits = first_hits(events, spans)
    assert delays_ms(hits, spans).tolist() == pytest.approx([100])
    assert np.isnan(hits).tolist() == [False, True]


def test_the_curve_counts_misses_and_false_accepts_at_every_level():
    spans = [span(number) for number in range(4)]
    words = track(*((one.word_end, score) for one, score in zip(spans, (0.9, 0.8, 0.6, 0.2), strict=True)))
    speech = track((RATE, 0.7), (100 * RATE, 0.5), n_samples=10 * HOUR)
    whole = curve(words, spans, speech)
    by_false = {n: min(p.missed for p in whole.points if p.false_accepts == n) for n in (0, 1, 2)}
    assert by_false == {0: 2, 1: 1, 2: 0}


def test_misses_at_a_rate_are_interpolated_between_two_counts():
    whole = Curve((Point(0.9, 10, 0), Point(0.8, 6, 0), Point(0.7, 2, 2)), 20, 10.0)
    point = whole.at_rate(0.1)
    assert point.missed == pytest.approx(4)  # half way from 0 to 2 false accepts
    assert (point.level, point.false_accepts, point.missed_below) == (0.8, 0, 6)
    assert point.rate[2] == pytest.approx(0.369, abs=0.01)  # none in 10 h still allows this many an hour


def test_an_engine_that_never_gets_strict_enough_has_no_figure():
    point = Curve((Point(1.0, 0, 50), Point(0.5, 0, 80)), 20, 10.0).at_rate(0.1)
    assert point.missed is None
    assert point.share is None


def test_an_engine_that_has_fewer_false_accepts_at_its_loosest_counts_there():
    point = Curve((Point(1.0, 9, 0), Point(0.5, 7, 0)), 20, 100.0).at_rate(0.1)
    assert (point.missed, point.level) == (7, 0.5)


def test_misses_are_counted_by_group():
    spans = [span(0, {"gender": "female"}), span(1, {"gender": "male"}), span(2, {"gender": "male"}), span(3)]
    missed = missed_by_group(np.array([1.0, np.nan, 1.0, np.nan]), spans, "gender")
    assert {name: (share.value, share.n) for name, share in missed.items()} == {"female": (0, 1), "male": (0.5, 2)}


def test_a_count_between_two_has_an_interval_between_theirs():
    between = wilson_of(2.5, 40)
    assert between.value == pytest.approx(2.5 / 40)
    assert wilson(2, 40).high < between.high < wilson(3, 40).high
