"""Who trains and who is measured on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_training.manifest import Utterance
from asr_training.splits import divide
from voice.errors import ConfigError


def utterance(speaker=None, text="one", split=None):
    return Utterance(audio="a.wav", text=text, speaker=speaker, split=split, duration=1.0, corpus="c")


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.text("xyz ", max_size=4)), min_size=8, max_size=60))
def test_no_speaker_is_in_two_splits(rows):
    lines = divide([utterance(speaker, text) for speaker, text in rows], dev=0.3, test=0.3).utterances
    places = {}
    if len({speaker for speaker, _ in rows}) < 3:
        return
    for line in lines:
        assert places.setdefault(line.speaker, line.split) == line.split


def test_shares_are_about_what_was_asked_for_and_stay_when_a_corpus_grows():
    names = [f"s{i}" for i in range(400)]
    division = divide([utterance(name) for name in names], dev=0.1, test=0.2)
    assert division.by == "speaker"
    assert division.counts["dev"] == pytest.approx(40, abs=15)
    assert division.counts["test"] == pytest.approx(80, abs=20)
    before = {line.speaker: line.split for line in division.utterances}
    grown = divide([utterance(name) for name in [*names, "new", "newer"]], dev=0.1, test=0.2).utterances
    assert all(before.get(line.speaker, line.split) == line.split for line in grown)


@pytest.mark.parametrize("speaker", [None, "me"])
def test_unknown_or_single_speakers_are_split_by_sentence(speaker):
    texts = [f"sentence {number}" for number in "abcdefghijklmnopqrstuvwxyz" for _ in range(2)]
    division = divide([utterance(speaker, text) for text in texts], dev=0.2, test=0.2)
    assert division.by == "sentence"
    assert all(division.counts[name] for name in ("train", "dev", "test"))
    places = {}
    for line in division.utterances:
        assert places.setdefault(line.text, line.split) == line.split


def test_a_corpus_with_its_own_splits_keeps_them_and_their_speakers():
    rows = [utterance("a", split="dev"), utterance("a"), utterance("b", split="train"), utterance("c")]
    division = divide(rows, dev=0.5, test=0.4)
    assert [line.split for line in division.utterances] == ["dev", "dev", "train", "train"]
    assert division.line() == "split by the corpus: 2 train, 2 dev"


def test_a_corpus_of_training_folders_only_is_divided_all_the_same():
    rows = [utterance(f"s{i}", split="train") for i in range(100)]
    assert divide(rows, dev=0.3, test=0.0).counts["dev"] > 10


def test_without_shares_everybody_trains():
    assert divide([utterance("a"), utterance("b")], dev=0, test=0).line() == "all train"


def test_shares_that_leave_nothing_are_refused():
    with pytest.raises(ConfigError, match="leave something"):
        divide([utterance()], dev=0.5, test=0.5)
