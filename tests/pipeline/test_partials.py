"""Partial texts: what is called stable is never taken back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.events import RATE, Segment, Transcript
from voice.pipeline.partials import Partials, due, growing

WORDS = st.lists(st.sampled_from(["turn", "on", "off", "the", "light", "lights"]), max_size=7).map(" ".join)


def told(*texts, **options):
    partials = Partials(**options)
    return [partials.next(Transcript(text, 0.5)) for text in texts]


@given(st.lists(WORDS, max_size=12), st.integers(1, 3), st.integers(0, 2))
def test_a_stable_prefix_is_never_taken_back(texts, agreeing, held_back):
    before = []
    for i, partial in enumerate(told(*texts, agreeing=agreeing, held_back=held_back)):
        words = partial.stable.split()
        assert words[: len(before)] == before
        assert partial.text == f"{partial.stable} {partial.unstable}".strip()
        assert partial.sequence == i
        assert 0 <= partial.stability <= 1
        before = words


def test_words_are_stable_when_the_last_texts_agree_and_another_word_follows():
    partials = told("turn", "turn on", "turn on the light", "turn on the lights", "turn on the lights in", agreeing=2)
    assert [p.stable for p in partials] == ["", "", "turn", "turn on the", "turn on the"]
    assert [p.unstable for p in partials] == ["turn", "turn on", "on the light", "lights", "lights in"]
    assert [round(p.stability, 2) for p in partials] == [0, 0, 0.25, 0.75, 0.6]


def test_a_text_that_contradicts_a_stable_word_only_changes_what_follows():
    *_, last = told("set a timer for", "set a timer for ten", "sat a timer for ten minutes", agreeing=2)
    assert (last.stable, last.unstable) == ("set a timer for", "ten minutes")
    *_, last = told("a b c d", "a b c d", "b c d e", agreeing=2)
    assert (last.stable, last.unstable) == ("a b c", "d e")


def test_three_texts_must_agree_unless_told_otherwise():
    assert [p.stable for p in told("a b c", "a b c", "a b c")] == ["", "", "a b"]
    assert [p.stable for p in told("a b c", "a b c", "a b c", held_back=0)] == ["", "", "a b c"]


def test_beginnings_of_a_recording_are_recognised_one_after_another():
    segment = Segment(np.zeros(RATE, np.float32), 0)
    found = list(growing(lambda s: Transcript(" ".join("x" * (len(s.samples) // 4000)), 1.0), segment, 250))
    assert [(seconds, partial.text) for seconds, partial in found] == [(0.25, "x"), (0.5, "x x"), (0.75, "x x x")]


def test_nothing_is_due_where_no_partial_texts_are_wanted():
    assert not due(10 * RATE, 0, 0)
    assert due(RATE, 0, 1000)
    assert not due(RATE - 1, 0, 1000)


def test_the_message_says_which_of_an_utterance_it_is_and_how_much_is_stable():
    message = told("turn on", "turn on", "turn on the")[2].message("kitchen", "s")
    assert (message.sequence, message.stability, message.stable_text) == (2, 0.333, "turn")
    assert (message.text, message.site_id, message.session_id) == ("turn on the", "kitchen", "s")
