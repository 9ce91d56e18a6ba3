"""TextGrid files: read back by a few lines that follow Praat's manual."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from asr_training.textgrid import textgrid
from voice.decoding.alignment import Span


def read(text):
    """Return name -> [(xmin, xmax, text)]."""
    tiers = {}
    for block in re.split(r"item \[\d+\]:", text)[1:]:
        name = re.search(r'name = "(.*)"', block)[1].replace('""', '"')
        rows = re.findall(r'xmin = ([\d.]+)\n\s+xmax = ([\d.]+)\n\s+text = "(.*)"', block)
        assert len(rows) == int(re.search(r"intervals: size = (\d+)", block)[1])
        tiers[name] = [(float(a), float(b), t.replace('""', '"')) for a, b, t in rows]
    return tiers


def test_words_and_gaps_cover_the_recording():
    spans = [Span("say", 0.1, 0.3, 1.0), Span('"hi"', 0.3, 0.5, 1.0), Span("there", 0.7, 1.2, 1.0)]
    found = read(textgrid({"words": spans}, 1.1))
    assert found["words"] == [
        (0, 0.1, ""), (0.1, 0.3, "say"), (0.3, 0.5, '"hi"'), (0.5, 0.7, ""), (0.7, 1.1, "there"),
    ]  # fmt: skip


def test_the_header_is_praats():
    lines = textgrid({"words": []}, 2.0).splitlines()
    assert lines[:2] == ['File type = "ooTextFile"', 'Object class = "TextGrid"']
    assert lines[3:7] == ["xmin = 0", "xmax = 2.000000", "tiers? <exists>", "size = 1"]
    assert read("\n".join(lines))["words"] == [(0, 2.0, "")]


@given(st.lists(st.floats(0, 5), min_size=2, max_size=20, unique=True), st.floats(0.1, 6))
def test_every_interval_begins_where_the_last_one_ended(edges, seconds):
    edges = sorted(edges)
    spans = [Span("w", start, end, 1.0) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    rows = read(textgrid({"words": spans}, seconds))["words"]
    assert rows[0][0] == 0
    assert rows[-1][1] == round(seconds, 6)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(rows))
    assert all(start < end for start, end, _ in rows)
