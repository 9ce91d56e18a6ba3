"""The loss against enumeration, and the same losses, gradients and steps of training on every backend."""

import json
import os
import subprocess
import sys
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.training, pytest.mark.slow]


def on(backend):
    """Run `backends.py` on a backend; EARSHOT_PYTHON_JAX and EARSHOT_PYTHON_TORCH may name an interpreter with it."""
    python = os.environ.get(f"EARSHOT_PYTHON_{backend.upper()}", sys.executable)
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    needed = [python, "-c", f"import {backend}, keras, scipy, soxr"]
    has = subprocess.run(needed, env=environment, capture_output=True, check=False)
    if has.returncode:
        pytest.skip(
            f"{backend} is not installed (EARSHOT_PYTHON_{backend.upper()} may name an interpreter that has it)"
        )
    script = Path(__file__).with_name("backends.py")
    done = subprocess.run([python, script], env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def tensorflow():
    return on("tensorflow")


def by_enumeration(log_probs, labels):
    """The loss from all paths (Graves et al. 2006, equation 3)."""
    total = 0.0
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if [label for label, _ in groupby(path) if label] == labels:
            total += np.exp(sum(log_probs[t, label] for t, label in enumerate(path)))
    return -np.log(total)


def test_the_loss_is_that_of_all_paths(tensorflow):
    from tests.asr_training.backends import LABELS, LOGITS, N_FRAMES

    row = 1  # 4 frames of 5 labels: 625 paths
    logits = LOGITS[row, : N_FRAMES[row]].astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = by_enumeration(log_probs, [int(label) for label in LABELS[row] if label])
    assert tensorflow["losses"][row] == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_that_of_differences(tensorflow):
    from tests.asr_training.backends import LABELS, LOGITS, N_FRAMES

    labels = [int(label) for label in LABELS[1] if label]

    def loss(logits):
        return by_enumeration(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), labels)

    logits = LOGITS[1, : N_FRAMES[1]].astype(np.float64)
    for frame, label in ((0, 0), (2, 3), (3, 1)):
        step = np.zeros_like(logits)
        step[frame, label] = 1e-5
        expected = (loss(logits + step) - loss(logits - step)) / 2e-5
        assert tensorflow["gradient"][1][frame][label] == pytest.approx(expected, abs=1e-5)


def test_frames_behind_an_utterance_have_no_gradient(tensorflow):
    gradient = np.array(tensorflow["gradient"])
    assert not gradient[1, 4:].any()
    assert gradient[1, :4].any()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_losses_gradients_and_training_are_equal_on_every_backend(tensorflow, backend):
    other = on(backend)
    np.testing.assert_allclose(other["losses"], tensorflow["losses"], rtol=1e-5)
    np.testing.assert_allclose(other["gradient"], tensorflow["gradient"], atol=2e-5)
    np.testing.assert_allclose(other["apart"], tensorflow["apart"], atol=2e-5)
    np.testing.assert_allclose(other["steps"], tensorflow["steps"], rtol=2e-3)
    assert other["steps"][-1] < other["steps"][0]
    assert other["heard"] == tensorflow["heard"]
