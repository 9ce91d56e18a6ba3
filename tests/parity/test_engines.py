"""A bundle gives the same labels on LiteRT, on TensorFlow's interpreter and on tflite-runtime 2.14 with numpy 1.x."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.engines import compare, make_old_environment, run_in
from voice.models.bundle import shipped_bundles

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shipped_bundles(), reason="no bundle is shipped"),
]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Outputs of the engine that Earshot installs."""
    return run_in(
        sys.executable, "ai-edge-litert", shipped_bundles(), tmp_path_factory.mktemp("litert") / "outputs.npz"
    )


def assert_same_labels(reference: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    records = compare(shipped_bundles(), reference, other)
    assert all(record["clips"] > 0 and record["differing_clips"] == 0 for record in records), records


@pytest.mark.training
def test_tensorflows_interpreter_agrees(reference: dict[str, np.ndarray], tmp_path: Path) -> None:
    assert_same_labels(reference, run_in(sys.executable, "tensorflow", shipped_bundles(), tmp_path / "outputs.npz"))


def test_tflite_runtime_2_14_with_numpy_1_agrees(reference: dict[str, np.ndarray], tmp_path: Path) -> None:
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime 2.14 has no wheel for this Python")
    environment = Path(sys.prefix) / "tflite-2.14"
    try:
        python = make_old_environment(environment)
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"the environment can't be made: {error}")
    assert_same_labels(reference, run_in(python, "tflite-runtime", shipped_bundles(), tmp_path / "outputs.npz"))
