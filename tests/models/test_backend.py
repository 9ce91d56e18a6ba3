"""The engine behind one door: several inputs, dynamic axes, and one line for a network that does not fit."""

from pathlib import Path

import numpy as np
import pytest

from voice.errors import BundleError
from voice.models.backend import Network, installed_interpreter, softmax
from voice.models.bundle import Bundle, shipped_bundles

NETWORKS = Path(__file__).parent / "networks"


def test_a_fixed_window_gives_its_logits() -> None:
    features = np.zeros((1, 10, 4), np.float32)
    features[0, :, 1] = 1
    (logits,) = Network(NETWORKS / "window.tflite").run(features)
    assert logits.tolist() == [[0, 10, 0]]


@pytest.mark.parametrize("frames", [1, 7, 50, 3])
def test_a_dynamic_axis_takes_the_arrays_length(frames: int) -> None:
    network = Network(NETWORKS / "frames.tflite")
    features = np.random.default_rng(frames).normal(size=(1, frames, 4)).astype(np.float32)
    (output,) = network.run(features)
    np.testing.assert_allclose(output, features @ np.arange(12, dtype=np.float32).reshape(4, 3), rtol=1e-5, atol=1e-5)


def test_lengths_may_change_from_run_to_run() -> None:
    network = Network(NETWORKS / "frames.tflite")
    one, two = np.ones((1, 2, 4), np.float32), np.ones((1, 9, 4), np.float32)
    assert [network.run(a)[0].shape[1] for a in (one, two, one)] == [2, 9, 2]


def test_dynamic_axes_are_shown_as_minus_one() -> None:
    assert Network(NETWORKS / "frames.tflite").input_shapes == [(1, -1, 4)]
    assert Network(NETWORKS / "window.tflite").input_shapes == [(1, 10, 4)]


def test_inputs_go_in_the_files_order() -> None:
    left, right = np.array([5, 5], np.float32), np.array([1, 2], np.float32)
    (output,) = Network(NETWORKS / "difference.tflite").run(left, right)
    assert output.tolist() == [4, 3]


@pytest.mark.parametrize("path", shipped_bundles(), ids=lambda path: path.name)
def test_every_input_is_fed_though_their_names_may_be_empty(path: Path) -> None:
    """A wake word's export has thirteen inputs without a name: one that got no array held whatever memory held."""
    file = Bundle(path).model_path
    engine = installed_interpreter()(model_path=str(file), num_threads=1)
    assert len(Network(file).input_shapes) == len(engine.get_input_details())


def test_too_few_inputs_are_counted() -> None:
    with pytest.raises(BundleError, match="2 inputs, 1 given"):
        Network(NETWORKS / "difference.tflite").run(np.zeros(2, np.float32))


@pytest.mark.parametrize("shape", [(1, 11, 4), (1, 10, 5), (10, 4)])
def test_a_shape_that_does_not_fit_says_expected_and_given(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match=r"is \[1, 10, 4\], given \["):
        Network(NETWORKS / "window.tflite").run(np.zeros(shape, np.float32))


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"not a flatbuffer")
    with pytest.raises(BundleError, match="the engine refuses it") as caught:
        Network(path)
    assert "\n" not in str(caught.value)


def test_softmax_is_stable_and_sums_to_one() -> None:
    probabilities = softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.5, 0.5], [0, 1]])
