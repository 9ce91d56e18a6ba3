"""From nothing to a bundle, as `config/kws/smoke.yaml` does it, in small."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from kws_training.data_settings import SpokenSettings
from kws_training.places import places
from kws_training.settings import CommandsRecipe, read_recipe
from kws_training.smoke import centred, speak, voices
from voice.errors import ConfigError, DataError

spoken = pytest.mark.skipif(
    not (shutil.which("espeak-ng") or shutil.which("flite")), reason="neither espeak-ng nor flite is installed"
)
RECIPE = """
data: {spoken: {words: [left, stop], others: [happy], n_voices: 6}, split: speaker, dev_share: 0.2, test_share: 0.2}
network: {stem_channels: 8, stem_stride: 4, stem_kernel: 8, blocks: [[8, 5, 2]], head_channels: 8}
optimiser: {steps: 20, steps_per_epoch: 10, batch: 16, warmup_steps: 4, ema: 0.8}
"""


@spoken
def test_voices_say_every_word_once(tmp_path):
    settings = SpokenSettings(words=("left", "stop"), n_voices=6)
    folder = speak(settings, tmp_path / "spoken")
    clips = sorted(folder.glob("*/*_nohash_*.wav"))
    assert len(clips) == 12
    samples, rate = soundfile.read(clips[0])
    assert (rate, len(samples)) == (16_000, 16_000)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.01)
    before = clips[0].stat().st_mtime_ns
    speak(settings, tmp_path / "spoken")
    assert clips[0].stat().st_mtime_ns == before


def test_without_a_synthesiser_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="no synthesiser is installed: apt-get install espeak-ng"):
        voices(6, seed=1)


def test_a_word_is_put_into_the_middle_of_its_second():
    word = np.concatenate([np.zeros(3000), np.ones(4000), np.zeros(500)]).astype(np.float32)
    samples = centred(word)
    loud = np.flatnonzero(samples)
    assert (loud[0], loud[-1]) == (6000, 9999)
    assert samples.max() == pytest.approx(0.3)


def test_a_recipe_without_data_needs_its_folders(tmp_path):
    with pytest.raises(ConfigError, match="--run must be given"):
        places(tmp_path / "r.yaml", CommandsRecipe(), tmp_path, None)


def test_a_recipe_with_data_has_folders_in_the_cache(monkeypatch, tmp_path, request):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = request.config.rootpath / "config" / "kws" / "smoke.yaml"
    work, run = places(recipe, read_recipe(recipe, CommandsRecipe), None, tmp_path / "run")
    assert work == tmp_path / "earshot" / "kws" / "smoke" / "work"
    assert run == tmp_path / "run"


def in_a_process(*arguments):
    """TensorFlow's threads can be set once in a process, and other tests do."""
    command = [sys.executable, "-m", "kws_training", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@spoken
@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_recipe_with_data_goes_from_nothing_to_a_bundle(tmp_path):
    from voice.models.bundle import load_bundle
    from voice.models.commands import CommandsCnn

    (tmp_path / "tiny.yaml").write_text(RECIPE)
    places = ("--work", tmp_path / "work", "--run", tmp_path / "run")
    out = in_a_process("train", tmp_path / "tiny.yaml", *places)
    bundle = load_bundle(tmp_path / "run" / "bundle", kind="commands")
    assert bundle.manifest.labels == ("_silence_", "_unknown_", "left", "stop")
    assert CommandsCnn(bundle).labels == bundle.manifest.labels
    assert "4 labels: " in out
    assert "synthetic speech" in bundle.manifest.training.data[0].name
    assert json.loads((tmp_path / "run" / "dataset.json").read_text())["other_words"] == ["happy"]
    assert "4 labels: " in in_a_process("evaluate", *places)
