import json

import numpy as np
import pytest
import soundfile

from .conftest import SPEAKERS, spoken

pytestmark = pytest.mark.training  # pictures need the extra `train`


@pytest.fixture
def odd(tree):
    """A data set with one of each thing that a report should find."""
    data = tree().words(("lights", "music"))
    loud = np.clip(20 * spoken(0, 77), -1, 1)
    data.clip("lights", "0000beef_nohash_0.wav", loud)
    data.clip("lights", "0000beef_nohash_1.wav", np.zeros(16_000, np.float32))
    data.clip("music", "0000beef_nohash_2.wav", spoken(1, 88, seconds=0.5))
    data.clip("music", "0000beef_nohash_3.wav", spoken(1, 89, seconds=2.5))
    samples, rate = soundfile.read(data.root / "music" / f"{SPEAKERS[0]}_nohash_0.wav")
    data.clip("music", f"{SPEAKERS[0]}_nohash_1.wav", samples, rate)
    data.clip("music", "0000beef_nohash_4.wav", spoken(1, 90, rate=8000), 8000)
    return data


def test_the_report_counts_everything(odd, kws_train, tmp_path):
    status, out, _ = kws_train("inspect", odd.root, "--json")
    report = json.loads(out)
    assert status == 0
    assert report["clips"] == 2 * len(SPEAKERS) + 5
    assert sum(report["classes"]["lights"][split] for split in ("train", "dev", "test")) == len(SPEAKERS) + 2
    assert report["classes"]["lights"]["speakers"] == len(SPEAKERS) + 1
    assert report["clipped"]["n"] == 1
    assert report["silent"]["files"][0].endswith("lights/0000beef_nohash_1.wav")
    assert report["duplicates"]["clips"] == 1
    assert report["seconds"]["shortest"] == 0.5
    assert report["seconds"]["longest"] == 2.5
    assert report["seconds"]["above_one_second"] == 1
    assert report["skipped"]["8000 Hz"]["n"] == 1
    assert report["speakers"]["known"] == len(SPEAKERS) + 1
    assert report["speakers"]["n_in_two_splits"] == 0


def test_the_report_for_people_says_the_same(odd, kws_train):
    _, out, _ = kws_train("inspect", odd.root)
    assert "clipped 1, silent 1, copies 1 (0 across splits)" in out
    assert "skipped, 8000 Hz: 1" in out
    assert "0000beef_nohash_4.wav" in out


def test_a_speaker_in_two_splits_fails(tree, kws_train):
    data = tree().words(("lights", "music"), takes=2)
    data.lists(validation=[f"lights/{SPEAKERS[0]}_nohash_0.wav"], testing=[f"lights/{SPEAKERS[1]}_nohash_0.wav"])
    status, out, error = kws_train("inspect", data.root, "--json")
    assert status == 1
    assert f"2 speakers are in two splits, '{SPEAKERS[0]}' in dev and train" in error
    assert json.loads(out)["speakers"]["in_two_splits"][SPEAKERS[1]] == ["test", "train"]


def test_one_sound_under_two_labels_fails(tree, kws_train):
    data = tree().words(("lights", "music"))
    samples, rate = soundfile.read(data.root / "lights" / f"{SPEAKERS[0]}_nohash_0.wav")
    data.clip("music", "0000beef_nohash_0.wav", samples, rate)
    status, _, error = kws_train("inspect", data.root)
    assert status == 1
    assert "one sound under two labels" in error


def test_classes_without_clips_are_reported(tree, kws_train):
    data = tree().words(("lights", "music"))
    (data.root / "timer").mkdir()
    status, out, error = kws_train("inspect", data.root, "--json")
    assert status == 1
    assert json.loads(out)["classes"]["timer"]["train"] == 0
    assert "fewer than two clips of timer" in error


def test_pictures_show_every_class(odd, kws_train, tmp_path):
    from PIL import Image

    status, _, _ = kws_train("inspect", odd.root, "--out", tmp_path / "out")
    assert status == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["classes.png", "clips-1.png", "report.json"]
    for name in ("classes.png", "clips-1.png"):
        picture = np.asarray(Image.open(tmp_path / "out" / name).convert("L"), np.float32)
        assert min(picture.shape) > 100
        assert picture.std() > 10
