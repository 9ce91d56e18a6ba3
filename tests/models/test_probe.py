"""A try-out finds a network that does not belong to its manifest."""

from pathlib import Path
from typing import Any

import pytest

from voice.errors import BundleError
from voice.models.bundle import Bundle, shipped_bundles, write_bundle
from voice.models.probe import probe

NETWORKS = Path(__file__).parent / "networks"


def test_a_good_bundle_is_timed(folder: Path) -> None:
    result = probe(Bundle(folder))
    assert result.milliseconds > 0
    assert result.window_ms == 100


def test_a_network_with_other_labels_is_found(tmp_path: Path, manifest: dict[str, Any]) -> None:
    manifest["labels"].append("no")
    bundle = write_bundle(tmp_path, manifest, (NETWORKS / "window.tflite").read_bytes())
    with pytest.raises(BundleError, match="no output of 4 labels"):
        probe(bundle)


def test_a_network_with_another_input_is_found(tmp_path: Path, manifest: dict[str, Any]) -> None:
    bundle = write_bundle(tmp_path, manifest, (NETWORKS / "difference.tflite").read_bytes())
    with pytest.raises(BundleError, match="no output of 3 labels"):
        probe(bundle)


def test_nan_is_found(tmp_path: Path, manifest: dict[str, Any]) -> None:
    bundle = write_bundle(tmp_path, manifest, (NETWORKS / "broken.tflite").read_bytes())
    with pytest.raises(BundleError, match="NaN"):
        probe(bundle)


@pytest.mark.parametrize("path", shipped_bundles(), ids=lambda path: path.name)
def test_every_shipped_bundle_runs(path: Path) -> None:
    assert probe(Bundle(path)).milliseconds > 0
