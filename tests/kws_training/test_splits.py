import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws_training.corpora import Recording, hash_percent
from kws_training.data_settings import DataSettings
from kws_training.layouts import find, speaker_of
from kws_training.protocols import select, special_count
from kws_training.splits import by_speaker, check_classes, check_speakers, divide, hash_split
from voice.errors import ConfigError, DataError

PATTERN = DataSettings.model_fields["speaker"].default
NAMED = {  # from the validation and testing lists of v0.02
    "dev": ("026290a7_nohash_0.wav", "060cd039_nohash_0.wav", "060cd039_nohash_1.wav"),
    "test": ("87070229_nohash_2.wav", "bfd26d6b_nohash_2.wav", "105a0eea_nohash_0.wav", "20d3f11f_nohash_0.wav"),
}


def clips(*entries):
    return [Recording(Path(word) / f"{speaker}_nohash_{n}.wav", word, split, speaker) for n, (word, speaker, split) in
            enumerate(entries)]  # fmt: skip


@pytest.mark.parametrize(("split", "name"), [(split, name) for split, names in NAMED.items() for name in names])
def test_the_hash_rule_gives_the_published_split(split, name):
    assert hash_split(name) == split


@pytest.mark.shared
def test_the_hash_rule_agrees_with_all_lists_of_the_data_pack():
    if not os.environ.get("EARSHOT_DATA"):
        pytest.skip("EARSHOT_DATA is not set")
    root = Path(os.environ["EARSHOT_DATA"]) / "speech_commands"
    for name, split in (("validation_list.txt", "dev"), ("testing_list.txt", "test")):
        listed = [Path(line).name for line in (root / name).read_text().split()]
        assert {hash_split(name) for name in listed} == {split}


def test_a_name_without_a_speaker_counts_with_its_suffix():
    assert hash_percent("yes.wav") != hash_percent("yes")


@given(st.text("0123456789abcdef", min_size=1, max_size=8), st.integers(0, 99), st.integers(0, 99))
def test_all_takes_of_a_speaker_are_in_one_split(speaker, one, other):
    assert hash_split(f"{speaker}_nohash_{one}.wav") == hash_split(f"{speaker}_nohash_{other}.wav")


def test_the_hash_rule_divides_80_10_10():
    count = Counter(hash_split(f"{n:08x}_nohash_0.wav") for n in range(5000))
    assert abs(count["dev"] - 500) < 90
    assert abs(count["test"] - 500) < 90


words_of_speakers = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 30).map(str)), min_size=1, max_size=120
).map(lambda pairs: clips(*((word, speaker, "") for word, speaker in pairs)))


@given(words_of_speakers, st.integers(0, 5))
def test_a_speaker_is_never_divided(found, seed):
    divided = by_speaker(found, 0.1, 0.1, seed)
    check_speakers(divided)
    assert [clip.path for clip in divided] == [clip.path for clip in found]
    for word in {clip.label for clip in found}:
        said = [clip for clip in divided if clip.label == word]
        if len({clip.group for clip in said}) == 1 and len(found) == len(said):
            assert {clip.split for clip in said} == {"train"}


def test_many_speakers_are_dealt_out_in_the_wanted_shares():
    found = by_speaker(clips(*((word, f"s{n}", "") for n in range(200) for word in "abc")), 0.15, 0.25, 1)
    count = Counter((clip.label, clip.split) for clip in found)
    for word in "abc":
        assert abs(count[word, "dev"] - 30) <= 2
        assert abs(count[word, "test"] - 50) <= 2


@pytest.mark.parametrize(("n", "expected"), [(1, {"train"}), (2, {"train", "dev"}), (3, {"train", "dev", "test"})])
def test_few_speakers_train_first_then_validate_then_test(n, expected):
    assert {clip.split for clip in by_speaker(clips(*(("a", f"s{i}", "") for i in range(n))), 0.1, 0.1, 0)} == expected


def test_a_speaker_in_two_splits_is_named():
    with pytest.raises(DataError, match="'ann' in dev and train"):
        check_speakers(clips(("a", "ann", "train"), ("b", "ann", "dev")))


def test_a_word_that_nobody_validates_is_named():
    with pytest.raises(DataError, match="no dev clip of 'b'"):
        check_classes(clips(("a", "s", "train"), ("b", "s", "train"), ("a", "t", "dev")), ["a", "b"])


def test_a_file_whose_name_tells_no_speaker_stands_alone():
    assert speaker_of(Path("yes/one.wav"), PATTERN) != speaker_of(Path("yes/two.wav"), PATTERN)
    assert speaker_of(Path("yes/ann_3.wav"), "^([a-z]+)_") == "ann"


def found(tree, **lists):
    data = tree().words(("yes", "no")).lists(**lists)
    return find(data.root, "auto", PATTERN)


def test_official_lists_leave_the_rest_to_training(tree):
    listed = found(tree, validation=["yes/00001a2b_nohash_0.wav"], testing=["./yes/00001a2c_nohash_0.wav"])
    splits = {f"{clip.label}/{clip.group}": clip.split for clip in divide(listed, DataSettings())}
    assert splits["yes/00001a2b"] == "dev"
    assert splits["yes/00001a2c"] == "test"
    assert splits["no/00001a2b"] == splits["yes/00001a2d"] == "train"


def test_own_lists_with_a_training_list_leave_out_what_is_in_none(tree):
    listed = found(
        tree,
        training=["yes/00001a2b_nohash_0.wav"],
        validation=["yes/00001a2c_nohash_0.wav"],
        testing=["yes/00001a2d_nohash_0.wav"],
    )
    assert len(divide(listed, DataSettings(split="listed"))) == 3


def test_official_needs_its_lists(tree):
    with pytest.raises(ConfigError, match="--split hash"):
        divide(found(tree), DataSettings(split="official"))


@pytest.mark.parametrize(("n_clips", "count"), [(30769, 3077), (3703, 371), (4074, 408), (18538, 1854), (2567, 257)])
@pytest.mark.parametrize("protocol", ["A", "B"])
def test_special_classes_have_the_published_counts(n_clips, count, protocol):
    assert special_count(n_clips, 10, protocol) == count


def test_the_protocols_differ_for_twenty_words():
    assert special_count(2000, 20, "A") == 100
    assert special_count(2000, 20, "B") == 200


def test_unknown_clips_are_cut_to_the_count_of_a_word_in_each_split():
    entries = [(word, f"s{n}", "train" if n < 20 else "dev") for n in range(30) for word in ("a", "b", "x", "y", "z")]
    chosen = select(clips(*entries), ("a", "b"), "A", seed=59185)
    count = Counter((clip.split, clip.label in "ab") for clip in chosen)
    assert count == {("train", True): 40, ("dev", True): 20, ("train", False): 20, ("dev", False): 10}
    assert chosen == select(clips(*entries), ("a", "b"), "A", seed=59185)
    assert chosen != select(clips(*entries), ("a", "b"), "A", seed=1)
