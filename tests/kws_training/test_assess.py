"""A bundle is measured from audio: a network that looks for a tone stands for a trained one."""

import json

import numpy as np
import pytest
import soundfile

from kws_training.curves import area, class_figures, confusion, reliability, roc
from kws_training.evaluate import balanced, speaker_interval
from kws_training.noise_sweep import babble, mix, pink, power
from kws_training.open_set import command_scores, rejection
from kws_training.test_sets import read_test_set, unseen_elsewhere
from voice.errors import DataError
from voice.events import RATE


def tone(frequency, seconds=1.0, gain=0.3, seed=0):
    n = int(seconds * RATE)
    noise = np.random.default_rng(seed).normal(0, 0.002, n)
    return (gain * np.sin(2 * np.pi * frequency * np.arange(n) / RATE) + noise).astype(np.float32)


def test_the_interval_over_speakers_is_wider_where_a_speaker_is_all_right_or_all_wrong():
    right = np.repeat([1, 1, 1, 0, 1, 0, 1, 1, 1, 1], 20)
    speakers = [str(i) for i in np.repeat(np.arange(10), 20)]
    low, high = speaker_interval(right, speakers)
    alone_low, alone_high = speaker_interval(right, [str(i) for i in range(200)])
    assert low < 0.6 < alone_low < 0.8 < alone_high < 0.9 < high
    assert speaker_interval(np.ones(4), ["a", "a", "b", "c"]) == (1, 1)


def test_balanced_keeps_all_words_and_a_words_mean_of_the_others():
    labels = np.array([0] * 50 + [1] * 70 + [2] * 10 + [3] * 20)
    kept = balanced(labels)
    assert np.bincount(labels[kept]).tolist() == [15, 15, 10, 20]
    assert len(set(kept)) == 60


def test_precision_and_recall_by_hand():
    labels, answers = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    counts = confusion(labels, answers, 3)
    assert counts.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    chances = np.eye(3, dtype=np.float32)[answers]
    first, second, none = class_figures(counts, ("a", "b", "c"), chances, labels)
    assert (first.precision, first.recall, first.f1) == (1, pytest.approx(2 / 3), pytest.approx(0.8))
    assert (second.precision, second.recall) == (pytest.approx(2 / 3), 1)
    assert (none.precision, none.recall, none.f1, none.auc) == (None, None, None, None)


def test_the_area_under_the_curve_counts_pairs():
    scores, own = np.array([0.9, 0.4, 0.4, 0.1], np.float32), np.array([True, True, False, False])
    assert area(scores, own) == pytest.approx((2 + 1.5) / 4)
    curve = roc(scores, own, "a")
    assert (curve.false[0], curve.true[0], curve.false[-1], curve.true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve.true, curve.false) == pytest.approx(area(scores, own))


def test_a_long_curve_is_thinned_and_keeps_its_area():
    rng = np.random.default_rng(0)
    own = rng.random(5000) < 0.3
    scores = (rng.normal(size=5000) + 2 * own).astype(np.float32)
    curve = roc(scores, own, "a")
    assert len(curve.true) <= 200
    assert np.trapezoid(curve.true, curve.false) == pytest.approx(area(scores, own), abs=2e-3)


def test_reliability_bins_hold_every_clip():
    chances = np.array([[0.9, 0.1], [0.95, 0.05], [0.45, 0.55]], np.float32)
    bins = reliability(chances, np.array([0, 1, 1]), n_bins=10)
    assert [(b.n, b.right) for b in bins] == [(1, 1.0), (2, 0.5)]
    assert bins[1].low < 0.5 < bins[1].high


def test_open_set_takes_the_highest_threshold_with_the_wanted_recall():
    chances = np.zeros((20, 3), np.float32)
    chances[:, 1] = np.linspace(0.05, 1.0, 20)
    chances[0, 2] = 1.0  # heard as another command
    heard = command_scores(chances, np.ones(20, np.int64), [1, 2])
    assert heard[0] == -np.inf
    found = rejection(heard, np.array([0.05, 0.2, 0.99]), list("ab" * 10), list("cde"), recall=0.9)
    assert found.threshold == pytest.approx(0.15, abs=1e-4)  # 18 of 20 reach it
    assert (found.recall, found.false_accepts.value) == (0.9, pytest.approx(2 / 3))
    unreachable = rejection(heard, np.array([0.0]), list("ab" * 10), ["c"], recall=1.0)
    assert (unreachable.threshold, unreachable.recall) == (0, 0.95)


def test_noise_has_the_stated_ratio():
    word = np.zeros(RATE, np.float32)
    word[4000:12000] = tone(700, 0.5)
    noise = pink(np.random.default_rng(0), RATE)
    for over, clip_power in (("speech", np.mean(word[4000:12000] ** 2)), ("clip", np.mean(word**2))):
        assert power(word, over) == pytest.approx(clip_power, rel=1e-4)
        under = mix(word, noise, 10, over) - word
        assert 10 * np.log10(clip_power / np.mean(under**2)) == pytest.approx(10, abs=0.01)
    assert np.abs(mix(word, noise, -30)).max() == pytest.approx(1)
    assert not mix(np.zeros(RATE, np.float32), noise, 0).any()


def test_pink_noise_falls_three_decibels_an_octave():
    spectrum = np.abs(np.fft.rfft(pink(np.random.default_rng(0), 8 * RATE))) ** 2
    octaves = [spectrum[8 * f : 16 * f].mean() for f in (100, 400, 1600)]
    assert 10 * np.log10(octaves[0] / octaves[1]) == pytest.approx(6, abs=0.6)
    assert 10 * np.log10(octaves[1] / octaves[2]) == pytest.approx(6, abs=0.6)


def test_babble_has_all_its_talkers_equally_loud():
    noise = babble([tone(500, 0.4, 0.01), tone(2000, 3.0, 0.9), np.zeros(100, np.float32)], n_talkers=40)
    spectrum = np.abs(np.fft.rfft(noise(np.random.default_rng(1), RATE)))
    loud, soft = (spectrum[f - 20 : f + 20].max() for f in (500, 2000))
    assert 0.05 < loud / soft < 20
    assert len(noise(np.random.default_rng(1), 5 * RATE)) == 5 * RATE


def test_the_spread_over_speakers():
    from pathlib import Path

    from kws_training.assess import Measured, by_speaker
    from kws_training.test_sets import TestClip

    # Speaker n of ten has n of its ten clips wrong; two clips of an eleventh are too few.
    clips = [TestClip(Path(f"{s}-{i}.wav"), "a", f"s{s}") for s in range(10) for i in range(10)]
    wrong = [i < s for s in range(10) for i in range(10)] + [True, True]
    clips += [TestClip(Path(f"x-{i}.wav"), "a", "few") for i in range(2)]
    chances = np.eye(2, dtype=np.float32)[np.array(wrong, int)]
    found = by_speaker(Measured(clips, np.zeros(len(clips), np.int64), chances, []))
    assert (found["speakers"], found["worst"], found["median"]) == (10, pytest.approx(0.1), pytest.approx(0.55))
    assert found["tenth"] == pytest.approx(0.19)
    assert by_speaker(Measured(clips[:50], np.zeros(50, np.int64), chances[:50], [])) is None


@pytest.fixture
def clips(tmp_path):
    """Two words that differ in pitch, an unseen one between, another word, and noise to cut silence from."""
    root = tmp_path / "sc"
    tested, validated = [], []
    for word, frequency in (("low", 500), ("high", 2000), ("bed", 1000), ("house", 3200)):
        for speaker in range(4):
            path = root / word / f"s{speaker}_nohash_0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone(frequency * (1 + 0.01 * speaker), seed=speaker), RATE)
            (tested if speaker < 3 else validated).append(f"{word}/{path.name}")
    (root / "_background_noise_").mkdir()
    soundfile.write(root / "_background_noise_" / "hum.wav", tone(60, 3, 0.0), RATE)
    (root / "low" / "s9_nohash_0.wav").write_bytes(b"RIFF broken")
    tested.append("low/s9_nohash_0.wav")
    (root / "testing_list.txt").write_text("\n".join(tested))
    (root / "validation_list.txt").write_text("\n".join(validated[:3]))
    return root


def test_lists_split_and_silence_is_cut_from_the_background(clips):
    found = read_test_set(clips)
    words = [clip.word for clip in found.clips]
    assert {word: words.count(word) for word in set(words)} == {
        "low": 4, "high": 3, "bed": 3, "house": 3, "_silence_": 3,
    }  # fmt: skip
    assert {clip.speaker for clip in found.clips} == {"s0", "s1", "s2", "s9", None}
    assert len(found.clips[-1].samples()) == RATE
    assert [clip.word for clip in unseen_elsewhere(clips, ("house",))] == ["house"]
    assert len(read_test_set(clips, "all").clips) == 17 + 4
    with pytest.raises(DataError, match="no folder"):
        read_test_set(clips / "nothing")


@pytest.fixture
def bundle(tmp_path):
    """A network that measures the power in three bands; weights by hand."""
    pytest.importorskip("tensorflow")
    import keras

    from kws_training.export import export

    inputs = keras.Input((98, 40))
    mean = keras.layers.GlobalAveragePooling1D()(inputs)
    dense = keras.layers.Dense(4)
    model = keras.Model(inputs, dense(mean))
    weights = np.zeros((40, 4), np.float32)
    centres = 700 * (np.exp((np.arange(40) + 1) * np.log(1 + 4000 / 700) / 41) - 1)
    for label, frequency in ((2, 500), (3, 2000), (1, 3200)):
        weights[np.abs(centres - frequency).argmin(), label] = 1
    dense.set_weights([weights, np.array([-2, 0, 0, 0], np.float32)])
    manifest = {
        "id": "tones",
        "kind": "commands",
        "version": "1.0.0",
        "licence": "Apache-2.0",
        "rate": RATE,
        "features": {},
        "labels": ["_silence_", "_unknown_", "low", "high"],
        "decision": {
            "kind": "commands", "window_frames": 98, "temperature": 1.0, "threshold": 0.9,
            "silence": "_silence_", "unknown": "_unknown_",
        },
        "training": {
            "command": "t", "recipe": "r", "commit": "c", "seed": 1, "minutes": 0, "parameters": 164, "data": [],
            "unseen": ["bed"],
        },
    }  # fmt: skip
    return export(model, tmp_path / "tones", manifest, np.zeros((2, 98, 40), np.float32))


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_evaluate_measures_and_reports(clips, bundle, tmp_path, capsys, monkeypatch):
    from kws_training import __main__ as command

    arguments = ["kws-train", "evaluate", str(bundle.folder), "--data", str(clips), "--out", str(tmp_path / "report")]
    monkeypatch.setattr("sys.argv", [*arguments, "--snr", "10", "--against", str(bundle.folder), "--json"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["accuracy"]["commands"]["value"] == 1
    assert figures["accuracy"]["commands"]["speakers"] == 3
    assert len(figures["data"]["unreadable"]) == 1
    assert "s9_nohash_0" in figures["data"]["unreadable"][0]
    assert figures["open_set"]["words"] == {"bed": 3}
    any_command = figures["open_set"]["as_any_command"]
    assert any_command["threshold"] >= figures["open_set"]["threshold"]
    assert any_command["false_accepts"]["value"] <= figures["open_set"]["false_accepts"]["value"]
    assert figures["against"]["points_lost"] == 0
    assert {row["noise"] for row in figures["noise"]["rows"]} == {"pink", "babble"}
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 5
    assert "http" not in page  # it stands alone
    assert {path.name for path in (tmp_path / "report").glob("*.png")} == {
        f"{name}.png" for name in ("confusion", "roc", "reliability", "open_set", "noise")
    }
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == figures


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--unseen", "low"], "a command can't be an unseen word"),
        (["--snr", "loud"], "not numbers"),
        (["--split", "exam"], "choose train, dev, test, all"),
        (["--data", "nowhere"], "no folder"),
    ],
)
def test_evaluate_says_what_is_wrong(clips, bundle, capsys, monkeypatch, more, message):
    from kws_training import __main__ as command

    monkeypatch.setattr("sys.argv", ["kws-train", "evaluate", str(bundle.folder), "--data", str(clips), *more])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code in (1, 2)
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_prepared_features_give_what_audio_gives(bundle, tree, prepared):
    from kws_training.assess import Plan, Subject, assess
    from kws_training.test_sets import prepared_test_set

    data = tree().noise()
    for word, frequency in (("low", 500), ("high", 2000), ("house", 3200)):
        for speaker in range(8):
            data.clip(word, f"{speaker:08x}_nohash_0.wav", tone(frequency, seed=speaker))
    _, work = prepared(data.root, labels="low,high", test_share=0.3)
    found = assess(Subject(bundle), prepared_test_set(work), Plan(("house",)))
    assert found["accuracy"]["commands"]["value"] == 1
    assert found["data"]["words"].keys() == {"low", "high", "house", "noise"}
    assert found["open_set"]["words"]["house"] > 0
    assert found["noise"] is None  # there is no audio to add it to
    audio = Subject(bundle).measure(clip for clip in read_test_set(data.root, "all").clips if clip.word == "low")
    features = Subject(bundle).measure(clip for clip in prepared_test_set(work, "all").clips if clip.word == "low")
    by_name = {clip.path.stem: row for clip, row in zip(audio.clips, audio.chances, strict=True)}
    for clip, row in zip(features.clips, features.chances, strict=True):
        assert row == pytest.approx(by_name[clip.path.stem], abs=0.02)  # features are kept in eight bits


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_features_of_another_definition_are_refused(bundle, clips):
    from dataclasses import replace

    from kws_training.assess import Plan, Subject, assess
    from voice.audio.features import FeatureSettings

    other = replace(read_test_set(clips), features=FeatureSettings(mels=20))
    with pytest.raises(DataError, match="other features"):
        assess(Subject(bundle), other, Plan())
