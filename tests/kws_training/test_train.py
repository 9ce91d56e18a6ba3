"""Tiny nets through the whole path: stores, batches, training, export, and the run time that reads the bundle."""

import numpy as np
import pytest

from kws_training.corpora import COMMANDS
from kws_training.feature_store import write_store

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def tone(word, n_frames, rng):
    """Frames whose loud mel band tells the word."""
    frames = rng.integers(20, 40, (n_frames, 40)).astype(np.uint8)
    band = 3 * (COMMANDS.index(word) + 1) if word in COMMANDS else 0
    frames[30:70, band : band + 3] = 200
    return frames


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    rng = np.random.default_rng(0)

    def entries(labels, n_frames, copies=3):
        for split in ("train", "dev", "test"):
            for label in labels:
                for copy in range(copies):
                    fields = {"label": label, "split": split, "group": f"{split}{copy}", "name": f"{label}{copy}"}
                    end = 70 if label == "keyword" else -1
                    yield {**fields, "keyword_end": end}, tone(label, n_frames, rng)

    for name in ("words", "words-jpeg", "images"):
        write_store(folder / name, entries([*COMMANDS, "cat"], 98))
    for name in ("noise", "noise-jpeg"):
        write_store(folder / name, entries(["noise"], 300))
    for name in ("speech", "speech-jpeg", "wake"):
        write_store(folder / name, entries(["speech"], 200))
    write_store(folder / "keyword-abra", entries(["keyword"], 120))
    write_store(folder / "synthetic-abra", entries(["keyword", "near-miss"], 120))
    return folder


def test_a_tiny_classifier_learns_and_its_bundle_runs(work, tmp_path):
    from kws_training.batches import CommandData, validation
    from kws_training.commands import decide, manifest, merged, test_shares, train_commands
    from kws_training.export import export
    from kws_training.settings import CommandsRecipe, OptimiserSettings, SeparableSettings
    from voice.events import RATE, Segment
    from voice.models.commands import CommandsCnn

    recipe = CommandsRecipe(
        network=SeparableSettings(stem_channels=16, blocks=((16, 5, 2),), head_channels=16),
        optimiser=OptimiserSettings(steps=40, steps_per_epoch=20, batch=48, warmup_steps=5, ema=0.8),
    )
    model = train_commands(work, tmp_path / "run", recipe)
    decision = decide(model, work, recipe)
    model = merged(model, unknown_bias=decision.unknown_bias)
    shares = test_shares(model, work, decision)
    assert shares["ten words"].n == 30
    training = {"command": "t", "recipe": "r", "commit": "c", "seed": 1, "minutes": 0, "parameters": 1, "data": []}
    clips, _ = validation(CommandData(work))
    bundle = export(model, tmp_path / "bundle", manifest(decision, training, []), clips[:5])
    command = CommandsCnn(bundle).classify(Segment(np.zeros(RATE, np.float32), 0))
    assert len(command.scores) == 12


def test_tiny_wake_words_train_mine_join_and_calibrate(work, tmp_path):
    from kws_training.keyword import calibrate, joined, litert, train_keyword
    from kws_training.keyword_batches import KeywordData
    from kws_training.settings import KeywordRecipe, OptimiserSettings, SeparableSettings

    recipe = KeywordRecipe(
        mining_steps=(20,),
        network=SeparableSettings(stem_channels=8, blocks=((8, 5, 2),), head_channels=8),
        optimiser=OptimiserSettings(steps=20, steps_per_epoch=10, batch=16, warmup_steps=2, ema=0.8),
    )
    model = train_keyword(work, tmp_path / "run", "abra", recipe)
    assert model.output_shape == (None, 1)
    again = train_keyword(work, tmp_path / "run", "abra", recipe)  # nothing is left to train
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    both = joined([tmp_path / "run", tmp_path / "run"])
    clips = np.zeros((2, recipe.window_frames, 40), np.float32)
    assert np.asarray(both(clips)) == pytest.approx(np.asarray(model(clips)), abs=1e-4)
    calibration = calibrate(litert(both, tmp_path, recipe), KeywordData(work, recipe, "abra", "dev"), recipe)
    assert 0 < calibration.threshold < 1
    assert calibration.hours == pytest.approx(600 * 0.01 / 3600)


def test_export_refuses_a_network_that_differs(tmp_path, monkeypatch):
    import keras

    from kws_training import export as exporter
    from voice.errors import DataError

    inputs = keras.Input((20, 40))
    good = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(inputs)))
    network = exporter.to_litert(good)
    other = keras.models.clone_model(good)
    monkeypatch.setattr(exporter, "to_litert", lambda model, weights: network)
    with pytest.raises(DataError, match="differ"):
        exporter.export(other, tmp_path / "bundle", {}, np.ones((3, 20, 40), np.float32))
    assert not (tmp_path / "bundle").exists()
