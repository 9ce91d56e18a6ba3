import json

import numpy as np
import pytest

from kws_training.corpora import further_speech, keyword_split, official_split, speech_split, wake_words
from kws_training.feature_store import FLOOR, Clip, FeatureStore, audio_bytes, to_bytes, to_logmel, write_store
from kws_training.keyword_data import Phrase, recordings, word_end
from kws_training.settings import BackboneRecipe, CommandsRecipe, KeywordRecipe, read_recipe
from kws_training.synthesis import HELD_OUT, resample, training_styles
from voice.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


def frames(n):
    return RNG.integers(8, 200, (n, 40)).astype(np.uint8)


def test_bytes_keep_the_logarithm_to_half_a_step():
    logmel = RNG.uniform(-13.8, 10, (50, 40)).astype(np.float32)
    assert np.abs(to_logmel(to_bytes(logmel)) - logmel).max() <= 0.5 / 10.06 + 1e-5


def test_digital_silence_is_the_floor():
    assert (audio_bytes(np.zeros(16_000, np.float32)) == FLOOR).all()


def test_a_store_gives_back_what_was_written(tmp_path):
    one, two = frames(30), frames(5)
    fields = {"split": "train", "group": "g", "name": "n"}
    assert write_store(tmp_path, [({"label": "a", **fields}, one), ({"label": "b", **fields}, two)]) == 2
    store = FeatureStore(tmp_path)
    assert store.select(label="b") == [Clip("b", "train", "g", "n", 30, 5)]
    assert np.array_equal(store[store.clips[1]], two)


def test_a_missing_store_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="kws-train prepare"):
        FeatureStore(tmp_path / "none")


def test_official_split_is_the_published_rule():
    assert official_split("bbaa7946_nohash_0") == official_split("bbaa7946_nohash_3")


def test_keyword_split_is_stable_and_near_its_shares():
    splits = [keyword_split(f"speaker{i}") for i in range(2000)]
    assert splits == [keyword_split(f"speaker{i}") for i in range(2000)]
    assert abs(splits.count("test") / 2000 - 0.30) < 0.04
    assert abs(splits.count("dev") / 2000 - 0.15) < 0.03


def test_further_speech_keeps_neighbours_together():
    splits = [speech_split(f"clip{i:06d}") for i in range(20_000)]
    assert abs(splits.count("test") / 20_000 - 0.65) < 0.1
    assert splits[100:200] == [splits[100]] * 100


def test_listed_clips_of_further_speech_keep_their_split_and_skipped_ones_stay_out(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("one.mp3", "two.mp3", "silent.mp3"):
        (clips / name).touch()
    listed = tmp_path / "listed"
    listed.mkdir()
    row = {"audio": "../clips/one.mp3", "text": "Hello.", "speaker": "s", "split": "train"}
    (listed / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "skip.txt").write_text("some/repository\tsilent\tsilent or nearly so\n")
    found = {recording.path.stem: (recording, text) for recording, text in _found(tmp_path, clips, listed)}
    assert set(found) == {"one", "two"}
    assert found["one"][0].split == "train"
    assert found["one"][1] == "Hello."


def _found(tmp_path, *folders):
    return further_speech(folders, [tmp_path / "skip.txt"])


def test_a_phrase_says_the_word_among_others():
    phrase = Phrase("computer", "hey", "stop", pause=True)
    assert phrase.text() == "hey computer, stop"
    assert phrase.text(cut=True) == "hey computer"
    assert Phrase("", after="commuter").text() == "commuter"


def test_a_shorter_vocal_tract_is_faster_and_higher():
    tone = np.sin(2 * np.pi * 400 * np.arange(16_000) / 16_000).astype(np.float32)
    higher = resample(tone, 1.25)
    assert len(higher) == 12_800
    assert np.argmax(np.abs(np.fft.rfft(higher))) * 16_000 / len(higher) == pytest.approx(500, abs=2)


def test_copies_of_a_recording_count_once(tmp_path):
    folder = tmp_path / "wake" / "computer"
    folder.mkdir(parents=True)
    rows = [
        {"audio": f"computer/{name}.wav", "recording": take, "speaker": None, "keyword": "computer"}
        for name, take in (("a", "a"), ("b", "a"), ("c", "c"))
    ]
    for row in rows:
        (tmp_path / "wake" / row["audio"]).touch()
    (tmp_path / "wake" / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [r.path.stem for r in recordings([folder])] == ["a", "c"]
    assert [r.path.stem for r in wake_words(tmp_path)] == ["a", "c"]


def test_a_folder_without_audio_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no audio"):
        recordings([tmp_path])


def test_the_end_of_a_word_is_where_its_level_falls():
    clip = np.full((200, 40), 60, np.uint8)
    clip[80:140] = 180
    assert abs(word_end(clip) - 140) <= 3


def test_a_clip_of_one_level_has_no_word():
    assert word_end(np.full((100, 40), 60, np.uint8)) == -1


def test_held_out_voices_never_train():
    voices = {style.voice for style in training_styles(np.random.default_rng(1), 3000)}
    assert not voices & set(HELD_OUT)
    assert "flite:kal" in voices
    assert len(voices) > 300


def test_shipped_recipes_are_valid(request):
    folder = request.config.rootpath / "config" / "kws"
    for path in folder.glob("*.yaml"):
        kind = {"computer": KeywordRecipe, "backbone": BackboneRecipe}.get(path.stem.split("-")[0], CommandsRecipe)
        read_recipe(path, kind)
    assert read_recipe(folder / "commands.yaml", CommandsRecipe).optimiser.batch == 128
    assert read_recipe(folder / "computer.yaml", KeywordRecipe).window_frames == 112
    assert read_recipe(folder / "official-12.yaml", CommandsRecipe).data.protocol == "A"


def test_an_unknown_key_is_named(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("optimiser: {stepps: 3}\n")
    with pytest.raises(ConfigError, match=r"r\.yaml: optimiser\.stepps"):
        read_recipe(path, CommandsRecipe)
