"""A corpus small enough to learn in seconds: tones that stand for words."""

import json

import numpy as np
import pytest
import soundfile

from asr_training.models.settings import ConvolutionalSettings
from asr_training.settings import AugmentSettings, Recipe, ScheduleSettings

WORDS = {"on": 500, "off": 1400, "go": 3000}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with a transcribed corpus (train and dev) and background noise."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    lines = []
    (root / "tones").mkdir()
    for number in range(24):
        word = list(WORDS)[number % 3]
        time = np.arange(int(rng.uniform(0.6, 0.9) * 16_000)) / 16_000
        samples = 0.3 * np.sin(2 * np.pi * WORDS[word] * time) + 0.01 * rng.standard_normal(len(time))
        soundfile.write(root / "tones" / f"{number}.wav", samples, 16_000)
        split, seconds = "train" if number < 18 else "dev", round(len(time) / 16_000, 3)
        entry = {"audio": f"{number}.wav", "text": word, "speaker": f"s{number % 5}", "split": split}
        lines.append(json.dumps({**entry, "duration": seconds, "corpus": "tones", "licence": "CC0 1.0"}))
    (root / "tones" / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    (root / "noise").mkdir()
    soundfile.write(root / "noise" / "hum.wav", 0.1 * rng.standard_normal(32_000), 16_000)
    return root


@pytest.fixture(scope="session")
def recipe():
    """A tiny network and a short schedule."""
    return Recipe(
        name="tones",
        network=ConvolutionalSettings(channels=32, blocks=1, kernel=3, stem=4, dropout=0.1),
        augment=AugmentSettings(silence_frames=5),
        schedule=ScheduleSettings(
            steps=12, batch_seconds=6.0, peak=5e-3, warm_up=2, ema=0.9, evaluate_every=1000, short_epochs=0
        ),
    )


@pytest.fixture(scope="session")
def cache(corpus, recipe, tmp_path_factory):
    """The corpus's features."""
    from asr_training.prepare import Cache, prepare

    folder = tmp_path_factory.mktemp("cache")
    prepare([corpus], folder, recipe.features, lambda line: None)
    return Cache(folder, recipe.features)
