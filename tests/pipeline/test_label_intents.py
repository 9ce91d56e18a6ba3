"""A command bundle of any labels: configuration lines name the bundle and map its labels to intents."""

from pathlib import Path

import numpy as np
import pytest

from tests.models.conftest import NETWORKS, tiny_manifest
from voice.config import load_config
from voice.events import RATE, Segment
from voice.models.bundle import load_bundle, write_bundle
from voice.models.commands import CommandsCnn
from voice.pipeline.arbiter import Understander


@pytest.fixture
def configured(tmp_path):
    """The understander of a configuration file, in front of everything but the classifier."""
    decision = tiny_manifest()["decision"] | {"threshold": 0.4}
    manifest = tiny_manifest() | {"labels": ["_silence_", "_unknown_", "abracadabra"], "decision": decision}
    bundle = write_bundle(tmp_path / "magic", manifest, (NETWORKS / "window.tflite").read_bytes())
    path = tmp_path / "assistant.yaml"
    words = "{abracadabra: OpenSesame}"
    path.write_text(f"models: {{commands: {bundle.folder}}}\narbiter: {{commands: {words}, command_score: 0.4}}\n")
    config = load_config(Path(path))
    classifier = CommandsCnn(load_bundle(config.models.commands, "commands"))
    return Understander(classifier, None, None, None, config.arbiter)


def test_a_label_of_another_bundle_becomes_the_intent_of_the_configuration(configured):
    time = np.arange(RATE // 2) / RATE
    tone = np.sin(2 * np.pi * 1500 * time).astype(np.float32)  # in the band of the network's third label
    heard = configured.understand(Segment(tone, 0, speech_start=0, speech_end=len(tone)))
    assert (heard.intent.name, heard.text, heard.source) == ("OpenSesame", "abracadabra", "command")


def test_a_written_label_means_the_same(configured):
    assert configured._word("abracadabra", None).name == "OpenSesame"
