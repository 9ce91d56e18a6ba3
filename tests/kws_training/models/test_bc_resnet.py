"""BC-ResNet against its paper, and sub-spectral normalisation against its definition."""

import numpy as np
import pytest

from kws_training.models.settings import BcResNetSettings
from voice.errors import ConfigError

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


@pytest.mark.parametrize(("tau", "parameters"), [(1, 9_232), (2, 27_284), (3, 54_168), (8, 321_068)])
@pytest.mark.parametrize("n_frames", [98, 101])
def test_it_has_the_parameters_of_the_released_code(tau, parameters, n_frames):
    from kws_training.models import build

    assert trainable(build(BcResNetSettings(tau=tau), n_frames, 40, 12)) == parameters


@pytest.mark.parametrize(("tau", "thousands"), [(1.5, 17.2), (6, 188)])
def test_the_other_widths_have_the_parameters_of_table_3(tau, thousands):
    from kws_training.models import build

    assert trainable(build(BcResNetSettings(tau=tau), 101, 40, 12)) / 1000 == pytest.approx(thousands, rel=0.005)


def test_mel_filters_that_cant_be_halved_into_five_bands_are_refused():
    from kws_training.models import build

    with pytest.raises(ConfigError, match="use 40 or 80"):
        build(BcResNetSettings(), 98, 64, 12)


def by_definition(x, n_bands, gamma, beta, epsilon):
    """Section 3 of arXiv 2103.13620, band by band, channel by channel."""
    y = np.empty_like(x)
    width = x.shape[2] // n_bands
    for band in range(n_bands):
        rows = slice(band * width, (band + 1) * width)
        for channel in range(x.shape[3]):
            z = x[:, :, rows, channel]
            normal = (z - z.mean()) / np.sqrt(z.var() + epsilon)
            y[:, :, rows, channel] = normal * gamma[band, channel] + beta[band, channel]
    return y


@pytest.mark.parametrize(("n_bands", "n_mels"), [(1, 20), (5, 20), (5, 5)])
def test_sub_spectral_normalisation_is_its_definition_on_both_paths(n_bands, n_mels):
    from kws_training.models.normalisation import SubSpectralNorm

    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4, 7, n_mels, 3)).astype(np.float32)
    layer = SubSpectralNorm(n_bands)
    layer.build(x.shape)
    gamma, beta = rng.normal(1, 0.2, (2, n_bands, 3)).astype(np.float32)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    expected = by_definition(x.astype(np.float64), n_bands, gamma, beta, 1e-5)
    assert np.allclose(layer(x, training=True), expected, atol=1e-4)
    normal, mean, variance = layer._neutral(x)
    assert np.allclose(normal, expected, atol=1e-4)
    assert np.allclose(layer.moving_mean, 0.1 * np.asarray(mean), atol=1e-5)
    assert np.allclose(layer.moving_variance, 0.9 + 0.1 * np.asarray(variance), atol=1e-4)
    bands = x.reshape(28, n_bands, -1, 3)
    assert np.allclose(variance, bands.var(axis=(0, 2), ddof=1), rtol=1e-4)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(bands.var(axis=(0, 2)))
    assert np.allclose(layer(x, training=False), expected, atol=1e-4)


@pytest.mark.parametrize(("n_bands", "n_mels"), [(1, 10), (5, 10), (5, 5)])
def test_the_fused_path_has_the_gradients_of_the_formula(n_bands, n_mels):
    import tensorflow as tf

    from kws_training.models.normalisation import SubSpectralNorm

    rng = np.random.default_rng(1)
    x = tf.constant(rng.normal(1, 2, (2, 5, n_mels, 3)).astype(np.float32))
    wanted = tf.constant(rng.normal(size=x.shape).astype(np.float32))
    layer = SubSpectralNorm(n_bands)
    layer.build(x.shape)
    weights = [layer.gamma.value, layer.beta.value]

    def gradients(path):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = path(x)[0]
        return tape.gradient(y, [x, *weights], wanted)

    for fused, formula in zip(gradients(layer._fused), gradients(layer._neutral), strict=True):
        assert np.allclose(fused, formula, atol=1e-4)


def test_bands_that_dont_divide_the_frequencies_are_refused():
    from kws_training.models.normalisation import SubSpectralNorm

    with pytest.raises(ValueError, match="8 frequencies"):
        SubSpectralNorm(5).build((None, 3, 8, 2))


def test_it_learns_is_saved_and_becomes_litert(tmp_path):
    import keras

    from kws_training.export import parity, to_litert
    from kws_training.models import build

    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 24)
    x = rng.normal(-5, 1, (24, 16, 40)).astype(np.float32)
    for clip, label in zip(x, labels, strict=True):
        clip[4:12, 12 * label : 12 * label + 8] += 4
    model = build(BcResNetSettings(), 16, 40, 3)
    model.compile(keras.optimizers.SGD(0.05, 0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = model.fit(x, labels, batch_size=24, epochs=25, verbose=0).history["loss"]
    assert losses[-1] < 0.3 < 0.9 < losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert np.allclose(again(x), model(x, training=False), atol=1e-5)
    assert parity(model, to_litert(model), x[:4]) < 1e-3
