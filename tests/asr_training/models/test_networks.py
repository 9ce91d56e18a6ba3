"""Every network: its size, its padding, its LiteRT form; and the causal one as a stream."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

keras = pytest.importorskip("keras", reason="needs the extra `train`")
tf = pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training.export import ALLOWED_OPERATORS, convert, operators  # noqa: E402
from asr_training.models import build  # noqa: E402
from asr_training.models.causal import build_step  # noqa: E402
from asr_training.models.settings import NetworkSettings  # noqa: E402
from voice.models.backend import Network  # noqa: E402

SIZES = {  # bins and parameters at the defaults, with 29 labels
    "convolutional": (80, 3_197_370),
    "causal": (80, None),
    "conformer": (80, 7_863_306),
    "citrinet": (80, 9_119_690),
    "deep_speech2": (161, 6_233_981),
    "hey_jetson": (161, 10_371_101),
    "residual_gru": (128, 23_705_373),  # as AssemblyAI's tutorial prints it
}
SMALL = {
    "convolutional": {"channels": 16, "blocks": 2, "stem": 4},
    "causal": {"channels": 16, "blocks": 2, "stem": 4, "kernel": 5},
    "conformer": {"channels": 16, "blocks": 2, "stem": 4, "heads": 2},
    "citrinet": {"channels": 16, "kernels": (11, 13, 15), "repeats": 2, "last_channels": 24},
    "deep_speech2": {"filters": 4, "units": 8, "blocks": 2},
    "hey_jetson": {"filters": 8, "units": 8, "blocks": 2, "dense_units": 16},
    "residual_gru": {"filters": 4, "units": 8, "blocks": 2, "residuals": 1},
}
N_BINS = 24


def settings(kind, **more):
    return TypeAdapter(NetworkSettings).validate_python({"kind": kind, **SMALL[kind], **more})


def sound(n_frames, seed=1):
    return np.random.default_rng(seed).normal(-5, 2, (1, n_frames, N_BINS)).astype(np.float32)


@pytest.mark.parametrize("kind", SIZES)
def test_the_defaults_have_the_published_size(kind):
    n_bins, expected = SIZES[kind]
    full = TypeAdapter(NetworkSettings).validate_python({"kind": kind})
    network = build(full, n_bins, 29)
    n_values = network.count_params()
    assert n_values == expected or expected is None
    if kind not in {"residual_gru", "convolutional", "causal"}:
        assert 4e6 <= n_values <= 13e6


@pytest.mark.parametrize("kind", SMALL)
def test_a_network_converts_to_builtin_operators_with_dynamic_time(kind, tmp_path):
    plain = settings(kind, dropout=0.1).exact()
    keras.utils.set_random_seed(1)  # int8 has to agree, which random networks do more or less
    network = build(plain, N_BINS, 29, batch_size=1)
    rng = np.random.default_rng(1)
    network.set_weights([w + rng.normal(0, 0.05, w.shape) ** 2 for w in network.get_weights()])
    probe = sound(75)[0]
    step = build_step(network, plain) if plain.streamable else None
    exported = convert(network, probe, plain, step=step)  # its gates: finite, equal, int8 agrees, operators allowed
    assert exported.largest_difference < 1e-4
    assert operators(exported.network) <= ALLOWED_OPERATORS
    (tmp_path / "model.tflite").write_bytes(exported.network)
    engine = Network(tmp_path / "model.tflite")
    for n_frames in (16, 64):
        (logits,) = engine.run(sound(n_frames))
        assert logits.shape == (1, plain.label_frames(n_frames), 29)


@pytest.mark.parametrize("kind", SMALL)
def test_padding_does_not_change_a_network(kind):
    plain = settings(kind)
    network = build(plain, N_BINS, 29)
    x = sound(64)
    longer = np.pad(x, ((0, 0), (0, 48), (0, 0)))
    n_label_frames = plain.label_frames(64)
    padded = np.asarray(network(longer, training=False))[:, :n_label_frames]
    np.testing.assert_allclose(padded, np.asarray(network(x, training=False)), atol=2e-5)


@pytest.mark.parametrize("kind", SMALL)
def test_the_helping_heads_have_label_frames_too(kind):
    last = {"phone_block": 3, "inter_block": 3} if kind == "citrinet" else {"phone_block": 1, "inter_block": 2}
    network = build(settings(kind, **last), N_BINS, 29, n_phones=40)
    labels, phones, inter = network(sound(64), training=False)
    n_label_frames = settings(kind).label_frames(64)
    assert labels.shape == inter.shape == (1, n_label_frames, 29)
    assert phones.shape == (1, n_label_frames, 40)


def test_no_head_after_a_block_that_is_not_there():
    with pytest.raises(ValidationError, match="phone_block 3 of a network of 2 blocks"):
        settings("conformer", phone_block=3)
    with pytest.raises(ValidationError, match="longer from block 3 on"):
        settings("citrinet", phone_block=2)


@pytest.mark.parametrize(("stride", "label_rate"), [(4, 1), (8, 2), (8, 1), (4, 2)])
def test_a_conformer_has_the_label_frames_that_were_asked_for(stride, label_rate):
    wanted = settings("conformer", stride=stride, label_rate=label_rate)
    network = build(wanted, N_BINS, 29)
    assert network(sound(64), training=False).shape[1] == wanted.label_frames(64) == 64 // stride * label_rate


def test_attention_depends_on_distances_not_on_positions():
    from asr_training.models.attention import SelfAttention

    layer = SelfAttention(2)
    x = np.random.default_rng(1).normal(size=(1, 12, 8)).astype(np.float32)
    alone = np.asarray(layer(x, np.ones((1, 12, 1), np.float32)))
    moved = np.pad(x, ((0, 0), (5, 0), (0, 0)))
    mask = np.ones((1, 17, 1), np.float32)
    mask[:, :5] = 0
    np.testing.assert_allclose(np.asarray(layer(moved, mask))[:, 5:], alone, atol=1e-5)
    swapped = np.asarray(layer(x[:, ::-1].copy(), np.ones((1, 12, 1), np.float32)))[:, ::-1]
    assert np.abs(swapped - alone).max() > 1e-3  # and it does depend on those


@pytest.mark.parametrize("step_frames", [8, 24])
def test_the_causal_network_streams_to_the_same_numbers(step_frames):
    plain = settings("causal", step_frames=step_frames)
    whole = build(plain, N_BINS, 29)
    rng = np.random.default_rng(3)
    whole.set_weights([w + rng.normal(0, 0.1, w.shape) for w in whole.get_weights()])
    step = build_step(whole, plain)
    x = sound(96)
    states = [np.zeros(state.shape, np.float32) for state in step.inputs[1:]]
    parts = []
    for at in range(0, 96, step_frames):
        logits, *states = step(list(map(tf.constant, [x[:, at : at + step_frames], *states])), training=False)
        parts.append(np.asarray(logits))
    np.testing.assert_allclose(np.concatenate(parts, axis=1), np.asarray(whole(x, training=False)), atol=1e-5)


def test_the_causal_network_looks_back_only():
    plain = settings("causal")
    network = build(plain, N_BINS, 29)
    x, other = sound(96), sound(96, seed=2)
    other[:, :48] = x[:, :48]
    one, two = np.asarray(network(x, training=False)), np.asarray(network(other, training=False))
    np.testing.assert_array_equal(one[:, :12], two[:, :12])
    assert (one[:, 12:] != two[:, 12:]).any()


def test_masked_batch_statistics_are_of_the_real_frames():
    plain = settings("citrinet", dropout=0.0)
    network = build(plain, N_BINS, 29)
    x = sound(64)
    alone = np.asarray(network(x, training=True))
    padded = np.asarray(network(np.pad(x, ((0, 0), (0, 64), (0, 0))), training=True))
    np.testing.assert_allclose(padded[:, : alone.shape[1]], alone, atol=1e-4)


@pytest.mark.parametrize("kind", SMALL)
def test_bfloat16_products_give_float32_labels_near_the_exact_ones(kind):
    plain = settings(kind).exact()
    network = build(plain, N_BINS, 29)
    fast = build(plain.model_copy(update={"precision": "mixed_bfloat16"}), N_BINS, 29)
    fast.set_weights(network.get_weights())
    exact, near = network(sound(64), training=False), fast(sound(64), training=False)
    assert near.dtype == "float32"
    assert float(tf.reduce_max(tf.abs(near - exact))) < 0.1 * max(0.1, float(tf.reduce_max(tf.abs(exact))))
