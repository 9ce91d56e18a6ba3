"""The wake-word benchmark's tables, limits and plot."""

import numpy as np
import pytest

from benchmarks.wake.evaluation import measure, table
from benchmarks.wake.limits import limits
from benchmarks.wake.peers import Cost
from benchmarks.wake.plot import det_plot
from benchmarks.wake.report import groups_table, protocol_table, shipped_table, strict_table
from benchmarks.wake.scoring import Track
from benchmarks.wake.streams import Span, Stream
from voice.events import RATE

HOURS = 20
SPANS = tuple(
    Span(
        f"take {n}", n * 10 * RATE, (n * 10 + 2) * RATE, (n * 10 + 1) * RATE, {"gender": "female" if n % 2 else "male"}
    )
    for n in range(20)
)
WORDS = [Stream(name, name, lambda: iter([]), SPANS) for name in ("clean", "noise, 10 dB", "talk of six, 10 dB")]
SPEECH = Stream("running speech", "speech", lambda: iter([]), parts=((0, "one"), (1000 * RATE, "two")))


def engine(n_missed, late_ms=100.0, false_scores=(0.3, 0.2, 0.1)):
    """Return what an engine makes of the streams: so many takes score 0.05, the others 0.9."""
    at = np.array([span.word_end + round(late_ms / 1000 * RATE) for span in SPANS])
    tracks = {
        stream.key: Track(at, np.where(np.arange(len(SPANS)) < n_missed, 0.05, 0.9), 200 * RATE) for stream in WORDS
    }
    times = np.arange(1, len(false_scores) + 1) * 1001 * RATE
    tracks["speech"] = Track(times, np.array(false_scores, np.float64), HOURS * 3600 * RATE)
    return lambda stream: tracks[stream.key]


@pytest.fixture
def found():
    ours = measure("earshot", "luna", engine(0), WORDS, SPEECH, shipped=0.5)
    return [ours, measure("porcupine", "luna", engine(2), WORDS, SPEECH, shipped=0.25)]


def test_figures_of_an_engine(found):
    ours, other = found
    assert [one.at_rate.missed for one in ours.conditions] == [0, 0, 0]
    assert other.conditions[0].at_rate.missed == 2
    assert other.conditions[0].at_rate.false_accepts == 2  # 0.1 an hour in 20 h
    assert other.shipped_false == 1
    assert ours.delays() == pytest.approx((100, 100))
    assert ours.false_accepts[0] == "0.300  two at 1.0 s"
    assert other.missed_names() == ["take 0", "take 1"]
    assert "2 in" not in table(ours)


def test_tables_hold_every_engine_and_condition(found):
    costs = {("earshot", "luna"): Cost(0.002, 60, 30, 123.4)}
    text = strict_table(found, costs)
    assert text.count("| luna (20) |") == 2
    assert "| 10.0 % [2.8, 30.1] |" in text
    assert "0.20 %" in text
    assert "123 kB" in text
    assert "100 / 100 ms" in text
    assert "0.25" in shipped_table(found)
    assert "gender: female" in groups_table(found)
    assert "2 in 20.0 h" in protocol_table({("luna", "porcupine"): found[1].conditions[0].at_rate})


def test_limits_say_what_is_missed(found):
    costs = {("earshot", "luna"): Cost(0.004, 60, 30, 123.4)}
    missed = [text for text, met in limits(found, costs) if not met]
    assert missed == ["luna: 0.40 % of one core, at most 0.3 %"]
    worse = [measure("earshot", "luna", engine(3, late_ms=300), WORDS, SPEECH), found[1]]
    assert [text.split(": ", 1)[1].split(",")[0] for text, met in limits(worse, {}) if not met] == [
        "clean: 15.0 % missed",
        "noise",
        "noise",
        "p95 300 ms after the end of the word",
    ]


def test_an_engine_that_cannot_be_strict_enough_misses_every_limit():
    always = measure("earshot", "luna", engine(0, false_scores=(1.0,) * 30), WORDS, SPEECH)
    assert always.conditions[0].at_rate.missed is None
    assert "over 0.1/h" in strict_table([always], {})
    assert not limits([always], {})[0][1]


@pytest.mark.training
def test_the_plot_is_an_image(found, tmp_path):
    pytest.importorskip("matplotlib")
    det_plot(found, tmp_path / "images" / "det.png")
    assert (tmp_path / "images" / "det.png").read_bytes().startswith(b"\x89PNG")
