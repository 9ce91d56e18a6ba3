"""Every network as it is used here: it learns, is saved, becomes LiteRT, streams, and is the same on other backends."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kws_training.models.settings import (
    AttRnnSettings,
    BcResNetSettings,
    CrnnSettings,
    DsCnnSettings,
    DsTcResNetSettings,
    KwtSettings,
    LightCnnSettings,
    LstmSettings,
    M5Settings,
    M18Settings,
    MnistCnnSettings,
    ResSettings,
    SeparableSettings,
    TcResNetSettings,
    TransferSettings,
)
from voice.errors import ConfigError, DataError, EarshotError

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SMALL = [
    SeparableSettings(),
    BcResNetSettings(),
    DsTcResNetSettings(),
    DsTcResNetSettings(causal=True, repeats=2, dropout=0.1),
    TcResNetSettings(),
    TcResNetSettings(causal=True, blocks=2),
    DsCnnSettings(),
    DsCnnSettings(size="M"),
    CrnnSettings(),
    LstmSettings(units=24),
    ResSettings(depth=8),
    ResSettings(depth=15, channels=19),
    AttRnnSettings(units=16),
    KwtSettings(layers=2),
    M5Settings(),
    M18Settings(channels=8),
    LightCnnSettings(),
    MnistCnnSettings(units=32),
]
LARGE = [TransferSettings(backbone=name, units=16) for name in ("vgg16", "inception_v3", "resnet50")]


def name(settings):
    shown = settings.model_dump(exclude_defaults=True)
    return "-".join([settings.kind, *(f"{key}={value}" for key, value in shown.items())])


def made(settings, seed=1):
    """A network of three classes with fresh weights, and two clips for it."""
    import keras

    from kws_training.models import build

    keras.utils.set_random_seed(seed)
    samples = settings.input.kind == "samples"
    model = build(settings, 8000 if samples else 98, 1 if samples else 40, 3)
    return model, clips(samples)


def clips(samples):
    rng = np.random.default_rng(3)
    if samples:
        return rng.normal(0, 0.1, (2, 8000)).astype(np.float32)
    return rng.normal(-6, 3, (2, 98, 40)).astype(np.float32)


@pytest.mark.parametrize("settings", [*SMALL, *LARGE], ids=name)
def test_a_step_of_training_has_finite_gradients_for_every_weight(settings):
    import tensorflow as tf

    model, x = made(settings)
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.constant([0, 2]), logits))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert logits.shape == (2, 3)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), weight.path
    assert sum(float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients) > 0.9 * len(gradients)


@pytest.mark.parametrize("settings", SMALL, ids=name)
def test_it_is_saved_and_read_back(settings, tmp_path):
    import keras

    model, x = made(settings)
    model(x, training=True)  # moves the running statistics
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert np.allclose(again(x), model(x, training=False), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        *(DsTcResNetSettings(), TcResNetSettings(causal=True), DsCnnSettings(), ResSettings(depth=15, channels=19)),
        *(KwtSettings(layers=1), M5Settings(), LightCnnSettings(), CrnnSettings(unroll=True)),
        *(LstmSettings(units=24), LstmSettings(units=24, unroll=True), AttRnnSettings(units=8)),
        TransferSettings(backbone="vgg16", units=16),
    ],
    ids=name,
)
def test_it_becomes_litert_with_operations_that_are_built_in(settings):
    from kws_training.export import parity, to_litert

    model, x = made(settings)
    assert parity(model, to_litert(model), x) < 1e-3


@pytest.mark.parametrize(
    "settings",
    [
        SeparableSettings(causal=True, stem_stride=4, blocks=((80, 9, 1), (96, 9, 1))),
        DsTcResNetSettings(causal=True),
        TcResNetSettings(causal=True),
    ],
    ids=name,
)
def test_a_causal_network_is_a_stream(settings):
    from kws_training.streaming import streaming

    assert settings.streamable
    model, x = made(settings)
    model(x, training=True)
    stream = streaming(model)
    assert np.allclose(stream.run(x[0])[-1], model(x[:1], training=False)[0], atol=1e-4)


def test_a_causal_block_whose_stride_leaves_a_rest_is_refused():
    with pytest.raises(ConfigError, match=r"network\.blocks: .*stride 2 can't divide 49 steps"):
        made(SeparableSettings(causal=True))


@pytest.mark.parametrize("settings", [DsTcResNetSettings(), TcResNetSettings(), BcResNetSettings()], ids=name)
def test_a_network_that_looks_ahead_is_refused_as_a_stream(settings):
    from kws_training.streaming import streaming

    assert not settings.streamable
    with pytest.raises(DataError):
        streaming(made(settings)[0])


def test_mfcc_in_the_network_are_those_of_the_feature_definition():
    from kws_training.models.front import Cepstrum
    from voice.audio.features import FeatureSettings, features

    audio = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    frames = features(audio, FeatureSettings())
    mfcc = features(audio, FeatureSettings(kind="mfcc", coefficients=10))
    assert np.allclose(Cepstrum(10)(frames[None])[0], mfcc, atol=1e-3)
    assert np.allclose(Cepstrum(10, frame_step=2)(frames[None])[0], mfcc[::2], atol=1e-3)


BACKEND = """
import json, sys, keras, numpy as np
from kws_training.models import build
from kws_training.models.settings import NetworkSettings
from pydantic import TypeAdapter
out = {}
for folder in json.load(open(sys.argv[1])):
    settings = TypeAdapter(NetworkSettings).validate_json(open(f"{folder}/settings.json").read())
    x = np.load(f"{folder}/clips.npy")
    model = build(settings, x.shape[1], x.shape[2] if x.ndim > 2 else 1, 3)
    model.load_weights(f"{folder}/model.weights.h5")
    logits = keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(x), training=False))
    saved = keras.models.load_model(f"{folder}/model.keras", compile=False)
    reloaded = keras.ops.convert_to_numpy(saved(keras.ops.convert_to_tensor(x), training=False))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    loss = float(np.ravel(model.train_on_batch(x, np.array([0, 2])))[0])
    changed = all(np.isfinite(w).all() for w in model.get_weights())
    out[folder] = [logits.tolist(), reloaded.tolist(), loss, changed]
print("RESULT " + json.dumps(out))
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_the_same_weights_give_the_same_logits_on_another_backend(backend, tmp_path):
    """In a process of its own: this Python where it has the backend, or that of EARSHOT_TORCH or EARSHOT_JAX."""
    python = os.environ.get(f"EARSHOT_{backend.upper()}") or (sys.executable if find_spec(backend) else None)
    if python is None:
        pytest.skip(f"{backend} isn't installed; EARSHOT_{backend.upper()} may name a Python with keras and {backend}")
    expected, folders = {}, []
    for number, settings in enumerate(SMALL):
        folder = tmp_path / str(number)
        folder.mkdir()
        model, x = made(settings)
        model(x, training=True)
        model.save(folder / "model.keras")
        model.save_weights(folder / "model.weights.h5")
        np.save(folder / "clips.npy", x)
        (folder / "settings.json").write_text(settings.model_dump_json())
        expected[str(folder)] = np.asarray(model(x, training=False))
        folders.append(str(folder))
    (tmp_path / "folders.json").write_text(json.dumps(folders))
    (tmp_path / "run.py").write_text(BACKEND)
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [python, tmp_path / "run.py", tmp_path / "folders.json"],
        env=os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.split("RESULT ", 1)[1])
    for settings, folder in zip(SMALL, folders, strict=True):
        logits, reloaded, loss, finite = found[folder]
        assert np.allclose(logits, expected[folder], atol=2e-3), name(settings)
        assert np.allclose(reloaded, expected[folder], atol=2e-3), name(settings)
        assert np.isfinite(loss), name(settings)
        assert finite, name(settings)


def test_frozen_backbones_learn_in_the_dense_layers_alone():
    model, _ = made(TransferSettings(units=16, frozen=True))
    free = model.count_params() - sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert free > 14_714_688
    assert len(model.trainable_weights) == 10


def test_weights_of_imagenet_come_from_a_local_file(tmp_path):
    import keras

    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=(98, 40, 3))
    wanted = backbone.get_layer("block1_conv1").get_weights()[0]
    backbone.save_weights(tmp_path / "vgg.weights.h5")
    settings = TransferSettings(weights=str(tmp_path / "vgg.weights.h5"), units=16)
    assert settings.pretrained
    model, _ = made(settings, seed=9)
    assert np.array_equal(model.get_layer("block1_conv1").get_weights()[0], wanted)


def test_weights_that_arent_there_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"network\.weights: there is no file .*none\.h5"):
        made(TransferSettings(weights=str(tmp_path / "none.h5")))
    (tmp_path / "wrong.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="doesn't hold the weights of vgg16"):
        made(TransferSettings(weights=str(tmp_path / "wrong.weights.h5")))


def test_without_a_network_the_way_out_is_said(tmp_path, monkeypatch):
    from kws_training.models import transfer

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(transfer, "_PLACE", "http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"can't be had .*name the file in network\.weights, or say scratch"):
        made(TransferSettings(weights="imagenet"))
    assert issubclass(DataError, EarshotError)
