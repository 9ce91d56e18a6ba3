"""The segmenter: sentences about when speech begins and ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.events import RATE, Chunk, Segment
from voice.pipeline.segmenter import Segmenter, SegmenterSettings
from voice.stages import Progress

FRAME = 320


def frames(pattern: str, start: int = 0) -> list[tuple[Chunk, float]]:
    """One 20 ms frame a letter: `s` is speech, anything else silence; samples are their own index."""
    return [
        (
            Chunk(np.arange(start + i * FRAME, start + (i + 1) * FRAME, dtype=np.float32), start + i * FRAME),
            letter == "s",
        )
        for i, letter in enumerate(pattern)
    ]


def feed(segmenter: Segmenter, pattern: str, start: int = 0) -> list[Segment]:
    return [s for chunk, speech in frames(pattern, start) if (s := segmenter.process(chunk, float(speech)))]


def test_speech_ends_after_the_preset_silence() -> None:
    for preset, ms in (("short", 250), ("normal", 700), ("relaxed", 1250)):
        segmenter = Segmenter(SegmenterSettings(silence=preset))
        segmenter.start(0)
        (segment,) = feed(segmenter, "." * 50 + "s" * 40 + "." * 100)
        assert segment.ended_by == "silence"
        assert segment.speech_start == 50 * FRAME
        assert segment.speech_end == 90 * FRAME
        assert 0 <= segment.end - segment.speech_end - ms * RATE // 1000 < FRAME


def test_pre_roll_of_half_a_second_is_kept() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    (segment,) = feed(segmenter, "." * 50 + "s" * 40 + "." * 50)
    assert segment.speech_start is not None
    assert segment.speech_start - segment.start >= RATE // 2
    assert np.array_equal(segment.samples, np.arange(segment.start, segment.end))


def test_nothing_is_cut_before_start() -> None:
    assert feed(Segmenter(), "." * 50 + "s" * 40 + "." * 50) == []


def test_no_speech_gives_an_empty_timeout() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    (segment,) = feed(segmenter, "." * 300)
    assert segment.ended_by == "timeout"
    assert segment.speech_start is None
    assert not segmenter.listening


def test_a_click_is_not_speech() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    assert [s.ended_by for s in feed(segmenter, "........ss" * 3 + "." * 300)] == ["timeout"]


def test_speech_is_capped() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    segment = feed(segmenter, "s" * 1000)[0]
    assert segment.ended_by == "cap"
    assert len(segment.samples) == 15 * RATE


def test_a_command_in_one_breath_with_the_wake_word_is_whole() -> None:
    segmenter = Segmenter()
    feed(segmenter, "." * 50 + "s" * 35)  # "computer tu..."
    segmenter.start(80 * FRAME, wake_at=80 * FRAME)
    (segment,) = feed(segmenter, "s" * 60 + "." * 50, start=85 * FRAME)
    assert segment.start <= 80 * FRAME - RATE // 2
    assert segment.speech_end == 145 * FRAME


def test_the_tail_of_the_wake_word_is_not_the_command() -> None:
    segmenter = Segmenter()
    feed(segmenter, "." * 50 + "s" * 30)
    segmenter.start(80 * FRAME, wake_at=80 * FRAME)
    (segment,) = feed(segmenter, "s" * 10 + "." * 60 + "s" * 30 + "." * 50, start=80 * FRAME)
    assert segment.speech_start == 150 * FRAME
    assert segment.speech_end == 180 * FRAME


def test_a_late_start_replays_what_was_heard() -> None:
    segmenter = Segmenter()
    feed(segmenter, "." * 20 + "s" * 30 + "." * 40)
    segmenter.start(10 * FRAME)
    segments = feed(segmenter, "..", start=90 * FRAME)
    assert [s.speech_end for s in segments] == [50 * FRAME]


def test_stop_returns_what_was_captured() -> None:
    segmenter = Segmenter()
    segmenter.start(0)
    assert feed(segmenter, "." * 30 + "s" * 30) == []
    segment = segmenter.stop("end_of_stream")
    assert segment is not None
    assert segment.ended_by == "end_of_stream"
    assert segmenter.stop() is None


@given(st.lists(st.sampled_from("s."), max_size=1200), st.integers(0, 40))
def test_every_segment_keeps_its_promises(letters: list[str], start: int) -> None:
    segmenter = Segmenter()
    chunks = frames("".join(letters))
    for i, (chunk, speech) in enumerate(chunks):
        if i == start:
            segmenter.start(chunk.start)
        segment = segmenter.process(chunk, speech)
        if segment is None:
            continue
        assert len(segment.samples) <= 15 * RATE
        assert np.array_equal(segment.samples, np.arange(segment.start, segment.end))
        assert not segmenter.listening
        if segment.speech_start is not None:
            assert segment.start <= segment.speech_start < segment.speech_end <= segment.end


@pytest.mark.parametrize("bad", [{"pre_roll_ms": 100}, {"silence": "none"}, {"nonsense": 1}])
def test_bad_settings_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        SegmenterSettings.model_validate(bad)


def ends_after(pattern: str, answers: list[Progress], **settings: int) -> tuple[int, int]:
    """Return the silence that ended the segment, ms, and how often the speech was handed out to be judged."""
    segmenter = Segmenter(SegmenterSettings(**settings))
    segmenter.start(0)
    asked, said = 0, iter(answers)
    for chunk, speech in frames(pattern):
        if segment := segmenter.process(chunk, float(speech)):
            assert segment.speech_end is not None
            return (segment.end - segment.speech_end) * 1000 // RATE, asked
        if pause := segmenter.paused():
            asked += 1
            segmenter.judge(pause, next(said))
    raise AssertionError("no segment")


@pytest.mark.parametrize(
    ("said", "silence_ms"), [("complete", 400), ("open", 700), ("unfinished", 1200), ("other", 700)]
)
def test_what_was_said_decides_how_long_a_pause_may_last(said: Progress, silence_ms: int) -> None:
    pattern = "." * 20 + "s" * 40 + "." * 80
    assert ends_after(pattern, [said], grammar_endpoint=True) == (silence_ms, 1)
    assert ends_after(pattern, [said], grammar_endpoint=False) == (700, 0)


def test_speech_that_goes_on_forgets_the_answer_and_is_judged_again() -> None:
    pattern = "." * 20 + "s" * 40 + "." * 50 + "s" * 30 + "." * 80
    assert ends_after(pattern, ["unfinished", "complete"], grammar_endpoint=True) == (400, 2)
    assert ends_after(pattern, ["unfinished", "other"], grammar_endpoint=True) == (700, 2)


def test_a_short_preset_is_never_made_longer_by_a_whole_sentence_nor_a_relaxed_one_shorter_by_a_beginning() -> None:
    pattern = "." * 20 + "s" * 40 + "." * 80
    assert ends_after(pattern, ["complete"], grammar_endpoint=True, silence_ms=300) == (300, 1)
    assert ends_after(pattern, ["unfinished"], grammar_endpoint=True, silence_ms=1400) == (1400, 1)


def test_a_late_answer_is_passed_over() -> None:
    segmenter = Segmenter(SegmenterSettings(grammar_endpoint=True))
    segmenter.start(0)
    feed(segmenter, "." * 20 + "s" * 40 + "." * 11)
    pause = segmenter.paused()
    assert pause is not None
    assert segmenter.paused() is None, "once in a pause"
    feed(segmenter, "s" * 10, 71 * FRAME)
    segmenter.judge(pause, "complete")
    (segment,) = feed(segmenter, "." * 40, 81 * FRAME)
    assert segment.speech_end is not None
    assert (segment.end - segment.speech_end) * 1000 // RATE == 700
    segmenter.judge(pause, "complete")  # nothing is captured any more


def test_without_stop_on_silence_nobody_judges() -> None:
    segmenter = Segmenter(SegmenterSettings(grammar_endpoint=True))
    segmenter.start(0, until_stopped=True)
    feed(segmenter, "." * 20 + "s" * 40 + "." * 30)
    assert segmenter.paused() is None


def test_a_sentence_must_be_looked_at_before_it_can_end() -> None:
    with pytest.raises(ValueError, match="look_ms"):
        SegmenterSettings(look_ms=400, complete_ms=400)
