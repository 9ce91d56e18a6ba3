"""From Keras to a bundle: every kind of weights, gates that refuse, steps in the run time."""

import numpy as np
import pytest

from voice.errors import DataError
from voice.events import RATE, Chunk
from voice.models.bundle import Bundle
from voice.models.command_stream import CommandStream
from voice.models.commands import CommandsCnn

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

LABELS = ("_silence_", "_unknown_", "yes", "no")
RNG = np.random.default_rng(0)
CLIPS = RNG.uniform(-13, 3, (40, 98, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """A causal network whose labels are sure of themselves, so that rounding changes none."""
    import keras

    from kws_training.models import build
    from kws_training.settings import SeparableSettings

    keras.utils.set_random_seed(2)
    blocks = ((32, 9, 1),)
    small = SeparableSettings(
        stem_channels=32, stem_kernel=8, stem_stride=4, blocks=blocks, head_channels=32, causal=True
    )
    model = build(small, 98, 40, len(LABELS))
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([5 * kernel, bias])
    return model


@pytest.fixture
def manifest():
    decision = {"window_frames": 98, "temperature": 1.0, "threshold": 0.5, "silence": LABELS[0], "unknown": LABELS[1]}
    return {
        "id": "tiny",
        "kind": "commands",
        "version": "1",
        "licence": "CC0-1.0",
        "rate": RATE,
        "features": {},
        "labels": list(LABELS),
        "decision": {"kind": "commands", **decision},
        "training": {
            "command": "test",
            "recipe": "none",
            "commit": "none",
            "seed": 0,
            "minutes": 0,
            "parameters": 1,
            "data": [],
        },
    }


@pytest.mark.parametrize("weights", ["float32", "float16", "int8", "dynamic", "full"])
def test_every_kind_of_weights_gives_a_bundle_of_windows_and_steps(model, manifest, tmp_path, weights):
    from kws_training.export import GATES, export

    bundle = export(model, tmp_path / weights, manifest, CLIPS, weights)
    stream = bundle.manifest.decision.stream
    assert (stream.step_frames, stream.window_steps) == (4, 24)
    classifier, listener = CommandsCnn(bundle), CommandStream(Bundle(bundle.folder))
    expected = np.asarray(model(CLIPS))
    found = np.concatenate([classifier._network.run(clip[None])[0] for clip in CLIPS])
    assert (found.argmax(1) == expected.argmax(1)).mean() >= GATES[weights].agreement
    assert len(listener.scores(Chunk(RNG.normal(0, 0.1, RATE).astype(np.float32), 0))) == 24
    if weights == "float32":
        assert found == pytest.approx(expected, abs=1e-4)


def test_int8_weights_are_smaller_and_signatures_share_them(model):
    from kws_training.litert import to_litert
    from kws_training.streaming import streaming

    sizes = {w: len(to_litert(model, w, CLIPS)) for w in ("float32", "float16", "int8", "dynamic", "full")}
    assert max(sizes["int8"], sizes["dynamic"], sizes["full"]) < sizes["float16"] < sizes["float32"]
    both = len(to_litert(model, "float32", CLIPS, streaming(model)))
    assert sizes["float32"] < both < 1.4 * sizes["float32"]


def test_a_network_that_looks_ahead_gets_whole_windows_only(manifest, tmp_path, capsys):
    from kws_training.export import export
    from kws_training.models import build
    from kws_training.settings import SeparableSettings

    small = SeparableSettings(stem_channels=8, blocks=((8, 5, 2),), head_channels=8)
    bundle = export(build(small, 98, 40, len(LABELS)), tmp_path / "bundle", manifest, CLIPS[:3])
    assert bundle.manifest.decision.stream is None
    assert "looks ahead" in capsys.readouterr().err


def test_nothing_is_written_where_labels_disagree(model, manifest, tmp_path, monkeypatch):
    import keras

    from kws_training import export as exporter

    other = keras.models.clone_model(model)
    network = exporter.to_litert(model, "float32", CLIPS, exporter.streaming(model))
    monkeypatch.setattr(exporter, "to_litert", lambda *_: network)
    with pytest.raises(DataError, match=r"LiteRT and Keras disagree .*nothing was written"):
        exporter.export(other, tmp_path / "bundle", manifest, CLIPS)
    assert not (tmp_path / "bundle").exists()


def test_nothing_is_written_where_steps_differ_from_windows(model, manifest, tmp_path, monkeypatch):
    from kws_training import export as exporter
    from kws_training.streaming import Stream

    steps = Stream.steps
    monkeypatch.setattr(Stream, "steps", lambda self, frames: steps(self, frames)[::-1])
    with pytest.raises(DataError, match="steps differ from windows by"):
        exporter.export(model, tmp_path / "bundle", manifest, CLIPS[:4])
    assert not (tmp_path / "bundle").exists()


def test_an_operation_that_is_not_built_in_is_refused_by_name(manifest, tmp_path):
    import keras

    from kws_training.export import export

    inputs = keras.Input((98, 40))
    x = keras.layers.GlobalAveragePooling1D()(keras.ops.sin(inputs))
    with pytest.raises(DataError, match="the network needs SIN"):
        export(keras.Model(inputs, keras.layers.Dense(4)(x)), tmp_path / "bundle", manifest, CLIPS[:2])
