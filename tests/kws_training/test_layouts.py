"""Each layout, from a small synthetic tree through `prepare` to stores."""

import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kws_training.batches import CommandBatches, CommandData, validation
from kws_training.corpora import ASR_FOLDERS
from kws_training.dataset import COMMANDS, PACK, V1_WORDS, V2_WORDS, read_dataset
from kws_training.feature_store import FeatureStore, audio_bytes
from kws_training.layouts import detect
from kws_training.sample_store import SampleStore
from kws_training.settings import CommandsRecipe, OptimiserSettings
from voice.errors import ConfigError, DataError

from .conftest import SPEAKERS, spoken

OTHERS = ("bed", "cat", "one")
SMALL = CommandsRecipe(optimiser=OptimiserSettings(batch=40))


def batch(work):
    return CommandBatches(CommandData(work), SMALL, seed=1)(0)


def counted(work, store="words"):
    return Counter((clip.label, clip.split) for clip in FeatureStore(work / store).clips)


def official(tree):
    """A tree of fourteen words whose first speakers validate and test by its lists."""
    words = (*COMMANDS, *OTHERS)
    data = tree("speech_commands_v0.02").words(words).noise()
    return data.lists(
        validation=[f"{word}/{speaker}_nohash_0.wav" for word in words for speaker in SPEAKERS[:2]],
        testing=[f"{word}/{speaker}_nohash_0.wav" for word in words for speaker in SPEAKERS[2:5]],
    )


def test_speech_commands_with_its_lists_gives_twelve_labels(tree, prepared):
    dataset, work = prepared(official(tree).root)
    assert (dataset.layout, dataset.split) == ("speech-commands", "official")
    assert dataset.labels == ("_silence_", "_unknown_", *COMMANDS)
    assert dataset.other_words == OTHERS
    count = counted(work)
    assert {count[word, "train"] for word in (*COMMANDS, *OTHERS)} == {7}
    assert {count[word, "test"] for word in COMMANDS} == {3}
    assert counted(work, "noise")["noise", "test"] == 3
    assert read_dataset(work) == dataset
    assert "yes/" + SPEAKERS[2] + "_nohash_0.wav" in (work / "testing_list.txt").read_text()
    clips, targets = batch(work)
    assert clips.shape == (40, 98, 40)
    assert targets.shape == (40, 15)
    clips, labels = validation(CommandData(work))
    assert len(clips) == 2 * 13 + 2
    assert set(labels) == {0, *range(2, 15)}


@pytest.mark.parametrize("protocol", ["A", "B"])
def test_the_papers_protocols_cut_unknown_and_silence(tree, prepared, protocol):
    dataset, work = prepared(official(tree).root, protocol=protocol)
    count = counted(work)
    for split, each in (("train", 7), ("dev", 2), ("test", 3)):
        assert sum(count[word, split] for word in OTHERS) == each
    assert counted(work, "noise")["noise", "test"] == 3
    assert not dataset.apart
    assert batch(work)[1].shape == (40, 12)


@pytest.mark.parametrize("suffix", ["gztar", "zip"])
def test_an_archive_is_unpacked_once(tree, prepared, suffix):
    data = official(tree)
    archive = shutil.make_archive(str(data.root), suffix, data.root.parent, data.root.name)
    shutil.rmtree(data.root)
    dataset, work = prepared(Path(archive))
    assert dataset.split == "official"
    inside = next((work / "unpacked").iterdir())
    before = inside.stat().st_mtime_ns
    assert prepared(Path(archive))[0] == dataset
    assert inside.stat().st_mtime_ns == before


def test_a_damaged_archive_says_so_and_leaves_nothing(tree, prepared, tmp_path):
    data = official(tree)
    archive = Path(shutil.make_archive(str(data.root), "gztar", data.root))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(DataError, match="damaged archive"):
        prepared(archive)
    assert not list((tmp_path / "work" / "unpacked").iterdir())


def test_an_archive_that_leads_elsewhere_is_refused(tree, prepared, tmp_path):
    clip = tree().clip("yes", "a.wav", spoken(0, 0))
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.add(clip, "../../escaped.wav")
    with pytest.raises(DataError, match="damaged archive"):
        prepared(tmp_path / "evil.tar")
    assert not (tmp_path / "escaped.wav").exists()


def test_the_official_test_set_replaces_the_test_clips(tree, prepared):
    test = tree("speech_commands_test_set_v0.02")
    test.words(("_silence_", "_unknown_", *COMMANDS), ("ffff0001", "ffff0002"), seed=9000)
    _, work = prepared(official(tree).root, test=test.root)
    count = counted(work)
    assert {count[word, "test"] for word in (*COMMANDS, "_unknown_")} == {2}
    assert counted(work, "noise")["noise", "test"] == 2
    _, labels = CommandData(work).fixed("words", "test")
    assert Counter(labels.tolist()) == dict.fromkeys(range(1, 12), 2)


def test_kaggle_trains_on_its_labelled_half(tree, prepared):
    data = tree("challenge")
    (data.root / "train").mkdir(parents=True)
    audio = tree("challenge/train/audio").words((*COMMANDS, *OTHERS)).noise()
    tree("challenge/test").clip("audio", "clip_0000adecb.wav", spoken(3, 3))
    dataset, work = prepared(data.root, split="hash")
    assert (dataset.layout, dataset.split, len(dataset.labels)) == ("kaggle", "hash", 12)
    assert sum(counted(work).values()) == 13 * len(SPEAKERS)
    assert '"unlabelled": 1' in (work / "report.json").read_text()
    assert audio.root.is_dir()


def test_folders_of_own_labels_take_them_all(tree, prepared):
    dataset, work = prepared(tree().words(("lights", "music", "timer")).root)
    assert (dataset.layout, dataset.split) == ("folders", "speaker")
    assert dataset.labels == ("_silence_", "lights", "music", "timer")
    assert {split for _, split in counted(work)} == {"train", "dev", "test"}
    assert batch(work)[1].shape == (40, 4)
    report = (work / "report.json").read_text()
    assert '"n_in_two_splits": 0' in report


def test_own_labels_make_the_other_folders_unknown(tree, prepared):
    dataset, work = prepared(tree().words(("lights", "music", "timer")).root, labels="music,lights")
    assert dataset.labels == ("_silence_", "_unknown_", "music", "lights")
    assert dataset.other_words == ("timer",)
    _, targets = batch(work)
    assert (
        targets.sum(axis=0).min() > 0
    )  # every class is drawn, though there is neither running speech nor a spectrogram


def test_folders_of_special_names_are_unknown_speech_and_silence(tree, prepared):
    data = tree().words(("lights", "music", "_unknown_", "_silence_"))
    dataset, work = prepared(data.root)
    assert dataset.labels == ("_silence_", "_unknown_", "lights", "music")
    assert ("_silence_", "train") not in counted(work)
    assert counted(work, "noise")["noise", "train"] >= 8
    _, labels = CommandData(work).fixed("words", "train")
    assert 1 in labels


def test_folders_of_splits_keep_them(tree, prepared):
    for name, speakers in (("train", SPEAKERS[:8]), ("valid", SPEAKERS[8:10]), ("test", SPEAKERS[10:])):
        tree(f"data/{name}").words(("lights", "music"), speakers)
    dataset, work = prepared(tree().root)
    assert dataset.split == "listed"
    assert counted(work) == {
        (word, split): n for word in ("lights", "music") for split, n in (("train", 8), ("dev", 2), ("test", 2))
    }


@pytest.mark.parametrize(("labels", "words"), [("30", V1_WORDS), ("35", V2_WORDS)])
def test_thirty_and_thirty_five_words_have_no_special_labels(tree, prepared, labels, words):
    dataset, work = prepared(tree().words(V2_WORDS, SPEAKERS[:4]).noise().root, labels=labels, split="speaker")
    assert dataset.labels == words
    assert {word for word, _ in counted(work)} == set(words)
    assert batch(work)[1].shape == (40, int(labels))


def test_twenty_words_have_unknown_and_silence(tree, prepared):
    dataset, _ = prepared(tree().words(V2_WORDS, SPEAKERS[:4]).noise().root, labels="20", split="speaker")
    assert len(dataset.labels) == 22
    assert len(dataset.other_words) == 15


def test_spectrogram_sets_beside_audio_folders_train_too(tree, prepared):
    data = tree().words(("lights", "music")).noise()
    images = np.stack([audio_bytes(spoken(0, 700 + n)) for n in range(20)])
    names = [f"{SPEAKERS[0]}_nohash_9", *(f"{n:08x}_nohash_0" for n in range(19))]
    np.savez(data.root / "lights.npz", logmel=images, names=names)
    dataset, work = prepared(data.root, silence=True)
    store = FeatureStore(work / "images")
    assert len(store.clips) == 20
    assert np.array_equal(store[store.clips[3]], images[3])
    of_speaker = {clip.split for clip in FeatureStore(work / "words").clips if clip.group == SPEAKERS[0]}
    assert {clip.split for clip in store.clips if clip.group == SPEAKERS[0]} == of_speaker
    assert len(FeatureStore(work / "words-jpeg").clips) == 24
    assert dataset.counts["train"]["lights"] > 12
    assert batch(work)[1].shape == (40, 3)
    assert json.loads((work / "report.json").read_text())["spectrograms"] == {"lights": 20}
    batches, rng = CommandBatches(CommandData(work), SMALL, seed=1), np.random.default_rng(0)
    jpegs = FeatureStore(work / "words-jpeg")
    of_audio = [jpegs[clip].tobytes() for clip in jpegs.select(label="lights", split="train")]
    drawn = [batches._word(rng, "lights", 0).tobytes() in of_audio for _ in range(100)]
    assert 10 < sum(drawn) < 90  # both are drawn, and the audio looks like a spectrogram that went through JPEG


def test_a_spectrogram_set_alone_can_be_trained_on(tree, prepared, tmp_path):
    folder = tmp_path / "sets"
    folder.mkdir()
    for number, word in enumerate(("lights", "music")):
        images = np.stack([audio_bytes(spoken(number, n)) for n in range(40)])
        np.savez(folder / f"{word}.npz", logmel=images, names=[f"{n:08x}_nohash_0" for n in range(40)])
    dataset, work = prepared(folder)
    assert dataset.words == ("lights", "music")
    assert batch(work)[0].shape == (40, 98, 40)


def test_a_spectrogram_set_of_another_definition_is_refused(tree, prepared):
    data = tree().words(("lights", "music"))
    np.savez(data.root / "lights.npz", logmel=np.zeros((3, 98, 64), np.uint8), names=["a", "b", "c"])
    with pytest.raises(DataError, match=r"logmel is uint8 \(3, 98, 64\) for 3 names: uint8 \(clips, frames, 40\)"):
        prepared(data.root)


def pack(tree):
    """The project's data pack in small: words with lists, spectrograms, silence, noise, wake words, one corpus."""
    data, words = tree("pack"), (*COMMANDS, "cat")
    commands = tree("pack/speech_commands").words(words).noise()
    commands.lists(
        validation=[f"{word}/{SPEAKERS[0]}_nohash_0.wav" for word in words],
        testing=[f"{word}/{SPEAKERS[1]}_nohash_0.wav" for word in words],
    )
    data.clip("speech_commands_test_silence", "a.wav", 0.01 * spoken(1, 1))
    (data.root / "speech_commands_logmel").mkdir()
    images = np.stack([audio_bytes(spoken(1, n)) for n in (701, 702)])
    np.savez(
        data.root / "speech_commands_logmel" / "go.npz", logmel=images, names=["026290a7_nohash_0", "0132a06d_nohash_0"]
    )
    rows = {
        "noise": {"audio": "hum.wav", "kind": "noise"},
        "wake": {"audio": "computer/a.wav", "speaker": "s"},
        **{
            name: {"audio": f"{name}.wav", "speaker": "s", "split": "train", "text": "so it is"} for name in ASR_FOLDERS
        },
    }
    for name, row in rows.items():
        data.clip(name, "placeholder.wav", spoken(1, 2))
        (data.root / name / row["audio"]).parent.mkdir(exist_ok=True)
        (data.root / name / "placeholder.wav").rename(data.root / name / row["audio"])
        (data.root / name / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    return data


def test_the_data_pack_has_its_own_stores_and_split(tree, prepared):
    data = pack(tree)
    dataset, work = prepared(data.root)
    assert (dataset.layout, dataset.labels) == ("pack", PACK.labels)
    assert len(dataset.targets) == 37
    assert dataset.counts["test"]["cat"] == 1
    assert len(FeatureStore(work / "speech").clips) == len(ASR_FOLDERS)
    assert {clip.split for clip in FeatureStore(work / "images").clips} == {"train", "dev"}
    assert batch(work)[1].shape == (40, 37)
    assert prepared(data.root)[0] == dataset


def test_the_data_pack_can_be_divided_otherwise(tree, prepared):
    dataset, work = prepared(pack(tree).root, split="speaker", labels="go,stop", samples_rate=8000)
    assert dataset.labels == ("_silence_", "_unknown_", "go", "stop")
    assert dataset.split == "speaker"
    assert len(FeatureStore(work / "images").clips) == 2
    assert SampleStore(work / "samples").clips


def test_clips_whose_names_tell_no_speaker_stand_alone_and_that_is_said(tree, prepared, capsys):
    data = tree()
    for number, word in enumerate(("lights", "music")):
        for take in range(10):
            data.clip(word, f"take{take}.wav", spoken(number, take))
    prepared(data.root)
    assert "the names of 20 clips tell no speaker: each counts as a speaker of its own" in capsys.readouterr().err
    dataset, _ = prepared(data.root, work="by take", speaker=r"^take(\d)")
    assert "tell no speaker" not in capsys.readouterr().err
    assert dataset.counts["dev"] == {"lights": 1, "music": 1}


@pytest.mark.parametrize("content", [b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_spectrogram_set_is_named(tree, prepared, content):
    data = tree().words(("lights", "music"), SPEAKERS[:4])
    (data.root / "lights.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"lights\.npz: no spectrogram set"):
        prepared(data.root)


def test_layouts_are_told_apart(tree):
    assert detect(official(tree).root) == "speech-commands"
    assert detect(tree("own").words(("a", "b"), SPEAKERS[:2]).root) == "folders"
    assert detect(pack(tree).root) == "pack"


def test_a_file_that_is_no_archive_is_named(tmp_path, prepared):
    (tmp_path / "train.7z").write_bytes(b"7z")
    with pytest.raises(DataError, match=r"train\.7z is no archive that can be read: .*unpack a \.7z"):
        prepared(tmp_path / "train.7z")


def test_the_wrong_layout_is_named(tree, prepared):
    with pytest.raises(ConfigError, match="train/audio"):
        prepared(tree().words(("a", "b"), SPEAKERS[:2]).root, layout="kaggle")
    with pytest.raises(ConfigError, match="is not the data pack"):
        prepared(tree().root, layout="pack")


def test_a_folder_without_clips_says_what_to_name(tmp_path, prepared):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="holds no labelled clip"):
        prepared(tmp_path / "nothing")
