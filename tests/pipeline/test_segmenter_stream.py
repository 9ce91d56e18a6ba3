"""The segmenter on streams as they come: in any chunks, asked late, with holes."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from voice.audio.rechunk import Rechunker
from voice.events import RATE, Chunk, Segment
from voice.pipeline.segmenter import Segmenter, SegmenterSettings

FRAME = 320
ONE_BREATH = "." * 30 + "s" * 70 + "." * 60

runs = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=12).map(
    lambda parts: "".join(("s" if speech else ".") * n for speech, n in parts)
)


def chunk(start: int, n: int = FRAME) -> Chunk:
    return Chunk(np.arange(start, start + n, dtype=np.float32), start)


def feed(segmenter: Segmenter, pattern: str, start: int = 0) -> list[Segment]:
    pieces = [(chunk(start + i * FRAME), float(letter == "s")) for i, letter in enumerate(pattern)]
    return [segment for piece, speech in pieces if (segment := segmenter.process(piece, speech))]


def facts(segment: Segment) -> tuple[object, ...]:
    return (segment.start, segment.end, segment.speech_start, segment.speech_end, segment.ended_by, segment.wake_at)


@settings(deadline=None, max_examples=50)
@given(runs, st.lists(st.integers(100, 3000), min_size=1, max_size=30))
def test_any_chunking_gives_the_same_segment(pattern: str, lengths: list[int]) -> None:
    whole = Segmenter()
    whole.start(0)
    expected = [facts(segment) for segment in feed(whole, pattern)]

    audio = np.arange(len(pattern) * FRAME, dtype=np.float32)
    segmenter, frames, found, at = Segmenter(), Rechunker(FRAME), [], 0
    segmenter.start(0)
    while at < len(audio):
        length = lengths[at % len(lengths)]
        for frame in frames.process(Chunk(audio[at : at + length], at)):
            if segment := segmenter.process(frame, float(pattern[frame.start // FRAME] == "s")):
                found.append(facts(segment))
        at += length
    assert found == expected


@settings(deadline=None, max_examples=50)
@given(runs, st.integers(0, 60), st.integers(0, 75), st.booleans())
def test_the_answer_does_not_depend_on_when_the_wake_word_is_told(
    pattern: str, wake_frame: int, late_frames: int, told: bool
) -> None:
    pattern += "." * 400
    wake_at = wake_frame * FRAME
    answers = []
    for delay in (0, late_frames):
        segmenter = Segmenter()
        asked = wake_frame + delay
        assert feed(segmenter, pattern[:asked]) == []
        segmenter.start(wake_at, wake_at if told else None)
        (answer, *_) = feed(segmenter, pattern[asked:], asked * FRAME)
        answers.append(answer)
    punctual, late = answers
    assume(punctual.ended_by == "silence")
    assert facts(late) == facts(punctual)


@settings(deadline=None, max_examples=50)
@given(runs)
def test_pre_roll_is_whole_unless_the_stream_has_just_begun(pattern: str) -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    for segment in feed(segmenter, pattern + "." * 400)[:1]:
        if segment.speech_start is not None:
            assert segment.start == max(0, segment.speech_start - RATE // 2)
            np.testing.assert_array_equal(segment.samples, np.arange(segment.start, segment.end))


def test_a_lost_second_counts_as_silence_and_keeps_the_clock() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    assert feed(segmenter, "." * 30 + "s" * 40) == []
    (segment,) = feed(segmenter, "s" * 5, 120 * FRAME)
    assert (segment.ended_by, segment.speech_end) == ("silence", 70 * FRAME)
    assert not segment.samples[70 * FRAME - segment.start :].any()


def test_a_short_loss_does_not_end_the_speech() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    feed(segmenter, "." * 30 + "s" * 40)
    (segment,) = feed(segmenter, "s" * 20 + "." * 60, 80 * FRAME)
    assert (segment.speech_start, segment.speech_end) == (30 * FRAME, 100 * FRAME)
    assert len(segment.samples) == segment.end - segment.start


def test_a_microphone_that_was_gone_for_hours_costs_nothing() -> None:
    segmenter = Segmenter()
    feed(segmenter, "s" * 20)
    hours_later = 10_000 * 3600 * FRAME
    assert feed(segmenter, "." * 10, hours_later) == []
    segmenter.start(hours_later)
    (segment,) = feed(segmenter, "." * 20 + "s" * 40 + "." * 60, hours_later + 10 * FRAME)
    assert segment.start >= hours_later


def test_a_clock_that_runs_backwards_is_a_new_stream() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    feed(segmenter, "." * 30 + "s" * 40)
    (segment,) = feed(segmenter, "." * 5, 0)
    assert (segment.ended_by, segment.speech_end) == ("end_of_stream", 70 * FRAME)
    assert segmenter.state == "idle"


def test_the_state_tells_what_is_going_on() -> None:
    segmenter = Segmenter()
    assert segmenter.state == "idle"
    segmenter.start(0)
    assert segmenter.state == "waiting"
    feed(segmenter, "s" * 10)
    assert segmenter.state == "speech"
    assert feed(segmenter, "." * 60, 10 * FRAME) != []
    assert segmenter.state == "idle"


def test_a_click_does_not_prolong_the_silence() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    (segment,) = feed(segmenter, "." * 30 + "s" * 40 + "." * 20 + "s" + "." * 60)
    assert segment.speech_end == 70 * FRAME
    assert segment.end - 70 * FRAME == 35 * FRAME


def test_a_follow_up_turn_has_no_wake_word_tail() -> None:
    segmenter = Segmenter()
    feed(segmenter, "." * 20 + "s" * 20)
    segmenter.start(40 * FRAME)
    (segment,) = feed(segmenter, "s" * 10 + "." * 60, 40 * FRAME)
    assert (segment.speech_start, segment.speech_end) == (40 * FRAME, 50 * FRAME)


def test_a_new_start_gives_up_the_old_capture() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    feed(segmenter, "." * 30 + "s" * 40)
    segmenter.start(70 * FRAME)
    (segment,) = feed(segmenter, "." * 40 + "s" * 30 + "." * 60, 70 * FRAME)
    assert segment.speech_start == 110 * FRAME


def test_the_silence_can_be_given_in_ms() -> None:
    segmenter = Segmenter(SegmenterSettings(silence_ms=400))
    segmenter.start(0)
    (segment,) = feed(segmenter, ONE_BREATH)
    assert segment.speech_end is not None
    assert segment.end - segment.speech_end == 400 * RATE // 1000
