"""A part of the training speech."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_training.prepare import Cached
from asr_training.subset import hours, part_of


def corpus(name: str, speakers: int, each: int) -> list[Cached]:
    """Return utterances of 1 to 3 s."""
    return [
        Cached(name, f"{s}/{i}.wav", "on", f"s{s}", "train", 1.0 + (s + i) % 3, "CC0 1.0", 0, 100)
        for s in range(speakers)
        for i in range(each)
    ]


MANY, FEW, SPOKEN = corpus("many", 40, 5), corpus("few", 2, 100), corpus("spoken", 20, 10)
ALL = MANY + FEW + SPOKEN


@given(st.floats(0.02, 0.95), st.floats(0.02, 0.95))
def test_a_smaller_part_lies_in_a_larger_one(one: float, other: float) -> None:
    small, large = (set(part_of(ALL, share)) for share in sorted((one, other)))
    assert small <= large


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_part_has_its_share_of_each_corpus(share: float) -> None:
    part = part_of(ALL, share)
    for whole in (MANY, FEW, SPOKEN):
        own = [u for u in part if u.corpus == whole[0].corpus]
        longest_unit = 3 * 10 / 3600  # a speaker of `spoken`
        assert share * hours(whole) <= hours(own) <= share * hours(whole) + longest_unit


def test_speakers_stay_whole_where_there_are_many() -> None:
    part = part_of(ALL, 0.3)
    for speaker in {u.speaker for u in part if u.corpus == "many"}:
        assert {u for u in MANY if u.speaker == speaker} <= set(part)
    assert {u.speaker for u in part if u.corpus == "few"} == {"s0", "s1"}, "few speakers are all heard"


def test_some_corpora_stay_and_all_of_them_is_all() -> None:
    assert [u for u in part_of(ALL, 0.1, ["spoken"]) if u.corpus == "spoken"] == SPOKEN
    assert part_of(ALL, 1.0) == ALL
    assert hours(ALL, ["many", "few"]) == hours(SPOKEN)


def test_the_part_does_not_hang_on_the_order_or_on_other_corpora() -> None:
    assert set(part_of(ALL[::-1], 0.2)) == set(part_of(ALL, 0.2))
    assert part_of(MANY, 0.2) == [u for u in part_of(ALL, 0.2) if u.corpus == "many"]
    renamed = [replace(u, corpus="other") for u in MANY]
    assert {u.speaker for u in part_of(renamed, 0.2)} != {u.speaker for u in part_of(MANY, 0.2)}
