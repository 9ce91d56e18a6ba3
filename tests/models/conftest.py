"""A tiny bundle, whole and valid, that each test may spoil."""

from pathlib import Path
from typing import Any

import pytest

NETWORKS = Path(__file__).parent / "networks"


def tiny_manifest() -> dict[str, Any]:
    """Return the manifest of a three-label command bundle of ten frames of four bins."""
    return {
        "id": "tiny",
        "kind": "commands",
        "version": "1",
        "licence": "CC0-1.0",
        "rate": 16_000,
        "features": {"mels": 4},
        "labels": ["_silence_", "_unknown_", "yes"],
        "decision": {
            "kind": "commands",
            "window_frames": 10,
            "temperature": 1.0,
            "threshold": 0.5,
            "silence": "_silence_",
            "unknown": "_unknown_",
        },
        "training": {
            "command": "python tests/models/make_networks.py",
            "recipe": "none",
            "commit": "none",
            "seed": 0,
            "minutes": 0,
            "parameters": 1,
            "data": [{"name": "none", "licence": "CC0-1.0", "attribution": "nobody"}],
        },
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The tiny bundle's manifest, to be changed at will."""
    return tiny_manifest()


@pytest.fixture
def folder(tmp_path: Path, manifest: dict[str, Any]) -> Path:
    """A folder with the tiny bundle."""
    from voice.models.bundle import write_bundle

    return write_bundle(tmp_path / "tiny", manifest, (NETWORKS / "window.tflite").read_bytes()).folder
