"""What goes wrong with data, and what a user is told."""

import json
import resource

import numpy as np
import pytest
import soundfile

from kws_training.batches import CommandData
from kws_training.dataset import PACK, check_run, read_dataset, write_dataset
from kws_training.feature_store import FeatureStore, write_store
from kws_training.noise_parts import made, noise_parts
from kws_training.prepare import loudest_second
from kws_training.sample_store import SampleStore
from voice.errors import ConfigError, DataError

from .conftest import SPEAKERS, spoken

WORDS = ("lights", "music")


def test_an_empty_class_is_named(tree, prepared):
    data = tree().words(WORDS)
    (data.root / "timer").mkdir()
    with pytest.raises(DataError, match="'timer' has no clip"):
        prepared(data.root)


def test_a_label_without_a_folder_is_named(tree, prepared):
    with pytest.raises(DataError, match="'radio' has no clip"):
        prepared(tree().words(WORDS).root, labels="lights,music,radio")


def test_a_class_of_one_clip_is_named(tree, prepared):
    data = tree().words(WORDS)
    data.clip("timer", "00001a2b_nohash_0.wav", spoken(5, 5))
    with pytest.raises(DataError, match="'timer' has one clip"):
        prepared(data.root)


def test_a_class_of_one_speaker_is_named(tree, prepared):
    data = tree().words(WORDS)
    for take in range(3):
        data.clip("timer", f"{SPEAKERS[0]}_nohash_{take}.wav", spoken(7, take))
    with pytest.raises(DataError, match="no dev clip of 'timer'"):
        prepared(data.root)


def bad_clips(tree):
    data = tree().words(WORDS)
    (data.root / "lights" / "0000beef_nohash_0.wav").write_bytes(b"RIFF no sound")
    data.clip("lights", "0000beef_nohash_1.wav", np.zeros(0, np.float32))
    data.clip("music", "0000beef_nohash_2.wav", spoken(1, 99, rate=44_100), 44_100)
    return data


def test_unreadable_and_wrong_rate_clips_are_skipped_counted_and_listed(tree, prepared):
    dataset, work = prepared(bad_clips(tree).root)
    assert dataset.skipped == {"44100 Hz": 1, "empty": 1, "unreadable": 1}
    assert len(FeatureStore(work / "words").clips) == 2 * len(SPEAKERS)
    listed = (work / "skipped.txt").read_text().splitlines()
    assert sorted(line.split("\t")[1] for line in listed) == ["44100 Hz", "empty", "unreadable"]
    assert any("music/0000beef_nohash_2.wav" in line for line in listed)


def test_wrong_rate_clips_are_taken_where_that_is_asked_for(tree, prepared):
    dataset, work = prepared(bad_clips(tree).root, resample=True)
    assert "44100 Hz" not in dataset.skipped
    assert len(FeatureStore(work / "words").clips) == 2 * len(SPEAKERS) + 1


def test_a_data_set_of_another_rate_says_how_to_take_it(tree, prepared):
    data = tree()
    for word in WORDS:
        data.clip(word, "a.wav", spoken(1, 1, rate=8000), 8000)
    with pytest.raises(DataError, match=r"2 8000 Hz: .*--resample"):
        prepared(data.root)


def test_one_sound_under_two_labels_is_an_error_that_names_both(tree, prepared):
    data = tree().words(WORDS)
    source = data.root / "lights" / f"{SPEAKERS[3]}_nohash_0.wav"
    copy = data.root / "music" / "0000beef_nohash_0.flac"
    samples, rate = soundfile.read(source)
    soundfile.write(copy, samples, rate)
    with pytest.raises(DataError, match=f"{source.name} is also .*{copy.name}"):
        prepared(data.root)
    dataset, work = prepared(data.root, drop_clashes=True)
    assert dataset.skipped == {"under two labels": 2}
    assert len(FeatureStore(work / "words").clips) == 2 * len(SPEAKERS) - 1


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Lights", "'Lights' and 'lights' differ in case only"),
        ("unknown", "'unknown' collides with _unknown_"),
        ("Silence", "'Silence' collides with _silence_"),
        ("noise", "'noise' collides with _silence_"),
    ],
)
def test_a_label_that_collides_is_named(tree, prepared, word, message):
    with pytest.raises(ConfigError, match=message):
        prepared(tree().words((*WORDS, word), SPEAKERS[:4]).root)


@pytest.mark.parametrize("labels", ["lights", "lights,,music", "lights,lights"])
def test_labels_that_make_no_sense_are_refused(tree, prepared, labels):
    with pytest.raises(ConfigError):
        prepared(tree().words(WORDS, SPEAKERS[:4]).root, labels=labels)


def test_a_speaker_in_two_splits_is_an_error(tree, prepared):
    data = tree().words(WORDS, takes=2)
    data.lists(validation=[f"lights/{SPEAKERS[0]}_nohash_0.wav"], testing=[f"lights/{SPEAKERS[1]}_nohash_0.wav"])
    with pytest.raises(DataError, match="2 speakers are in two splits"):
        prepared(data.root, split="listed", layout="folders")


@pytest.fixture
def small_files():
    """No file may grow beyond 64 KiB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_store_and_says_what_to_do(tree, prepared, tmp_path, small_files):
    data = tree().words(WORDS)
    with pytest.raises(DataError, match=r"File too large; nothing was kept of it: free disk space, or name another"):
        prepared(data.root)
    assert not [path for path in (tmp_path / "work").rglob("*") if path.suffix in (".npy", ".partial")]
    assert not (tmp_path / "work" / "dataset.json").exists()


def test_prepare_goes_on_after_a_full_disk(tree, prepared, tmp_path):
    data = tree().words(WORDS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    try:
        with pytest.raises(DataError):
            prepared(data.root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    dataset, work = prepared(data.root)
    assert read_dataset(work) == dataset


def test_a_store_that_is_written_again_replaces_the_old_one_whole(tmp_path):
    fields = {"label": "a", "split": "train", "group": "g", "name": "n"}
    write_store(tmp_path / "s", [(fields, np.full((n, 40), n, np.uint8)) for n in range(1, 200)])
    write_store(tmp_path / "s", [(fields, np.full((3, 40), 7, np.uint8))])
    store = FeatureStore(tmp_path / "s")
    assert store.frames.shape == (3, 40)
    assert len(store.clips) == 1
    assert not (tmp_path / "s.partial").exists()


def test_a_work_folder_of_another_feature_definition_is_refused(tree, prepared):
    _, work = prepared(tree().words(WORDS).root)
    described = json.loads((work / "dataset.json").read_text())
    described["features"]["mels"] = 64
    (work / "dataset.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match=r"features of another definition \(mels 64, not 40\): prepare the data again"):
        CommandData(work)


def test_a_work_folder_of_other_data_is_refused(tree, prepared):
    data = tree().words((*WORDS, "timer"))
    _, work = prepared(data.root)
    written = (work / "words" / "clips.jsonl").read_bytes()
    with pytest.raises(DataError, match=r"was prepared from other data \(other .*labels.*\): name another --work"):
        prepared(data.root, labels="lights,music", unknown=False)
    data.clip("timer", "0000cafe_nohash_0.wav", spoken(2, 1234))
    with pytest.raises(DataError, match="other clips"):
        prepared(data.root)
    assert (work / "words" / "clips.jsonl").read_bytes() == written


def test_a_folder_without_a_description_holds_the_data_pack(tmp_path):
    with pytest.raises(DataError, match="kws-train prepare"):
        read_dataset(tmp_path)
    write_store(tmp_path / "words", [])
    assert read_dataset(tmp_path) == PACK
    assert len(PACK.targets) == 37


def test_a_run_is_only_judged_on_the_labels_that_it_learned(tmp_path):
    write_dataset(tmp_path / "work", PACK)
    write_dataset(tmp_path / "run", PACK.model_copy(update={"labels": (*PACK.labels, "radio")}))
    with pytest.raises(DataError, match=r"trained on 13 labels, .* holds 12 \(they differ in radio\)"):
        check_run(tmp_path / "run", tmp_path / "work")
    assert check_run(tmp_path / "older run", tmp_path / "work") == PACK
    write_dataset(tmp_path / "run", PACK.model_copy(update={"other_words": PACK.other_words[1:]}))
    assert check_run(tmp_path / "run", tmp_path / "work") == PACK
    with pytest.raises(DataError, match=r"learned other words .* \(they differ in backward\): .* another --run"):
        check_run(tmp_path / "run", tmp_path / "work", to_train=True)


def test_raw_samples_are_kept_at_their_rate(tree, prepared):
    _, work = prepared(tree().words(WORDS).root, samples_rate=8000)
    store = SampleStore(work / "samples")
    clips = store.select(label="music")
    assert store.rate == 8000
    assert len(clips) == len(SPEAKERS)
    assert {clip.n_frames for clip in clips} == {8000}
    spectrum = np.abs(np.fft.rfft(store[clips[0]]))
    assert np.argmax(spectrum) == pytest.approx(320, abs=2)  # the tone of the second word, in Hz
    assert store.select(label="noise", split="train")


def test_a_long_clip_is_cut_to_its_loudest_second():
    samples = np.concatenate([np.zeros(20_000), spoken(1, 1), np.zeros(9000)]).astype(np.float32)
    assert np.array_equal(loudest_second(samples), samples[20_000:36_000])
    assert np.array_equal(loudest_second(samples[:100])[:100], samples[:100])


def test_made_noise_has_its_colour_and_level():
    rng = np.random.default_rng(0)
    noise = made(rng, 10, 0.5)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[1000:2000].mean(), power[10_000:20_000].mean()  # 100 to 200 Hz, 1 to 2 kHz
    assert 10 * np.log10(low / high) == pytest.approx(10, abs=1)  # pink: 3 dB an octave
    assert 10 * np.log10(np.mean(noise**2)) == pytest.approx(-30, abs=0.1)


def test_no_second_of_noise_is_in_two_splits():
    noise = {"tap": np.arange(16_000 * 60, dtype=np.float32)}
    parts = list(noise_parts(noise, n_test=20, seed=3))
    spans = {split: [(s.min(), s.max()) for p, _, s in parts if p == split] for split in ("train", "dev", "test")}
    assert len(spans["test"]) == 20
    assert max(spans["train"])[1] < min(spans["dev"])[0]
    assert max(spans["dev"])[1] < min(spans["test"])[0]


def test_the_command_says_one_line(tree, kws_train, tmp_path):
    data = tree().words(WORDS)
    status, _, error = kws_train("prepare", data.root, "--work", tmp_path / "w")
    assert status == 0
    assert "wrote" in error
    status, _, error = kws_train("prepare", data.root, "--work", tmp_path / "w", "--labels", "35")
    assert status == 1
    assert error.splitlines()[-1].startswith("kws-train: too few clips")
    status, _, error = kws_train("prepare", "--work", tmp_path / "w")
    assert (status, error.strip().count("\n")) == (2, 0)
    assert "no data" in error
    status, _, error = kws_train("prepare", data.root, "--work", tmp_path / "w", "--speaker", "(")
    assert status == 2
    assert "--speaker" in error


def test_a_folder_that_is_not_there_is_named(kws_train, tmp_path):
    status, _, error = kws_train("prepare", tmp_path / "gone", "--work", tmp_path / "w")
    assert status == 1
    assert "gone is not there" in error


def test_several_processes_write_the_same_stores(tree, kws_train, tmp_path):
    data = tree().words(WORDS, SPEAKERS[:4])
    for processes in (1, 2):
        status, _, error = kws_train(
            "prepare", data.root, "--work", tmp_path / f"w{processes}", "--processes", processes
        )
        assert status == 0, error
    for name in ("frames.npy", "clips.jsonl"):
        one, two = ((tmp_path / f"w{n}" / "words" / name).read_bytes() for n in (1, 2))
        assert one == two
