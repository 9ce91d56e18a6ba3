"""The feature cache."""

import numpy as np
import pytest

from asr_training.prepare import Cache, prepare, read_audio
from asr_training.settings import Recipe
from voice.audio.features import FeatureSettings, features
from voice.errors import DataError


def test_cached_features_are_the_run_time_features(corpus, cache, recipe):
    utterance = cache.split("train")[3]
    expected = features(read_audio(corpus / "tones" / utterance.audio, 16_000), recipe.features)
    np.testing.assert_allclose(cache.features(utterance), expected, atol=0.02)


def test_splits_and_noise_are_there(cache):
    assert (len(cache.split("train")), len(cache.split("dev"))) == (18, 6)
    assert cache.noise.shape == (198, 80)


def test_preparing_again_skips_what_is_there(corpus, cache, recipe):
    said = []
    prepare([corpus], cache.folder, recipe.features, said.append)
    assert said == ["tones: already prepared"]


def test_an_unreadable_clip_is_reported_and_left_out(corpus, recipe, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    line = (corpus / "tones" / "manifest.jsonl").read_text().splitlines()[0]
    (folder / "manifest.jsonl").write_text(line + "\n" + line.replace("0.wav", "broken.wav") + "\n")
    (folder / "0.wav").write_bytes((corpus / "tones" / "0.wav").read_bytes())
    (folder / "broken.wav").write_text("not audio")
    said = []
    prepare([folder], tmp_path / "cache", recipe.features, said.append)
    assert said[0].startswith("data: 1 utterances")
    assert "1 with unreadable audio" in said[0]


def test_an_empty_cache_and_other_features_are_refused(cache, tmp_path):
    with pytest.raises(DataError, match="asr-train prepare"):
        Cache(tmp_path, Recipe().features)
    with pytest.raises(DataError, match="other features"):
        Cache(cache.folder, FeatureSettings())
