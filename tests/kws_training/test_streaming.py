"""A causal network, step by step, is the network of whole windows."""

import numpy as np
import pytest

from voice.errors import DataError

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

N_FRAMES, N_MELS = 98, 40
CLIPS = np.random.default_rng(0).uniform(-13, 3, (4, N_FRAMES, N_MELS)).astype(np.float32)


def network(**changes):
    """A trained-looking network: statistics and weights of the batch normalisation are no zeros and ones."""
    import keras

    from kws_training.models import build
    from kws_training.settings import SeparableSettings

    keras.utils.set_random_seed(3)
    small = {
        "stem_channels": 12,
        "stem_kernel": 8,
        "stem_stride": 4,
        "blocks": ((12, 9, 1), (16, 5, 1)),
        "causal": True,
    }
    model = build(SeparableSettings(**small | {"head_channels": 16} | changes), N_FRAMES, N_MELS, 5)
    return randomised(model)


def randomised(model):
    import keras

    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, gamma.shape),
                    rng.normal(0, 0.5, beta.shape),
                    rng.normal(0, 0.3, mean.shape),
                    rng.uniform(0.5, 2, variance.shape),
                ]
            )
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stem_stride": 2, "stem_kernel": 5},
        {"blocks": ((12, 9, 1), (16, 7, 2), (16, 5, 1)), "stem_stride": 1},
        {"pooling": "weighted"},
        {"stem_kernel": 4},
    ],
)
def test_a_window_step_by_step_gives_the_logits_of_the_whole_window(changes):
    from kws_training.streaming import streaming

    model = network(**changes)
    stream = streaming(model)
    whole = np.asarray(model(CLIPS))
    for clip, expected in zip(CLIPS, whole, strict=True):
        assert stream.run(clip)[-1] == pytest.approx(expected, abs=1e-4)


def test_every_layer_of_the_stream_has_the_frames_of_the_whole_window():
    """Zero padding behind batch normalisation and ReLU is a state that starts as zeros, layer by layer."""
    import keras

    from kws_training.streaming import streaming

    model = network()
    stream = streaming(model)
    ends = [layer.output for layer in model.layers if isinstance(layer, keras.layers.ReLU)]
    whole = [np.asarray(found) for found in keras.Model(model.input, ends)(CLIPS[:1])]  # stem, blocks, head
    for n_done, (_, stem_past, *pasts) in enumerate(stream.inputs(CLIPS[0])):
        assert stem_past[0, :, 0] == pytest.approx(
            0.25 * CLIPS[0, 4 * n_done - 4 : 4 * n_done] + 1.5 if n_done else 0 * stem_past[0, :, 0], abs=1e-5
        )
        for past, layer in zip(pasts, (whole[0], whole[1], whole[3]), strict=True):
            padded = np.pad(layer, ((0, 0), (past.shape[1], 0), (0, 0), (0, 0)))
            assert past == pytest.approx(padded[:, n_done : n_done + past.shape[1]], abs=1e-5)


def causal_conv1d():
    """As the time-depthwise networks of kws_streaming: causal padding inside the convolution, dilation."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input((N_FRAMES, N_MELS))
    x = layers.DepthwiseConv1D(11, padding="valid")(layers.ZeroPadding1D((10, 0))(inputs))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(16, 1)(x)))
    x = layers.Conv1D(16, 7, padding="causal", dilation_rate=2)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv1D(16, 3, strides=2, padding="causal")(x)
    return randomised(keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling1D()(x))))


def test_causal_convolutions_with_dilation_and_stride_become_steps():
    from kws_training.streaming import streaming

    model = causal_conv1d()
    assert streaming(model).step_frames == 2
    assert streaming(model).run(CLIPS[0])[-1] == pytest.approx(np.asarray(model(CLIPS[:1]))[0], abs=1e-4)


def test_a_network_that_looks_ahead_is_refused_by_the_layer():
    from kws_training.streaming import streaming

    with pytest.raises(DataError, match=r"Conv2D .* looks ahead"):
        streaming(network(causal=False))
