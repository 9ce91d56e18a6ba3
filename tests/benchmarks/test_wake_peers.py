"""Engines in processes of their own: what they report is what they do alone."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.wake.ours import our_track
from benchmarks.wake.peers import PEERS, PYTHON, _run, breaks, cost, installed, peer_tracks
from benchmarks.wake.scoring import apart
from benchmarks.wake.sound import pcm
from benchmarks.wake.streams import Span, Stream
from voice import demo
from voice.audio.files import read_audio
from voice.events import RATE
from voice.models.bundle import SHIPPED, load_bundle

SAID = Path(demo.__file__).parent
GAP = np.zeros(RATE, np.float32)


@pytest.fixture(scope="module")
def stream():
    """The demo's recordings, each between two seconds of silence."""
    whole = np.concatenate([part for path in sorted(SAID.glob("*.flac")) for part in (GAP, read_audio(path), GAP)])
    samples = pcm(whole)
    return Stream("demo", "demo", lambda: iter([samples[: RATE // 3], samples[RATE // 3 :]]))


def test_a_worker_hears_what_the_detector_hears(stream, tmp_path):
    bundle = SHIPPED / "computer"
    arrays, took = _run(Path(sys.executable), ["earshot", str(bundle)], stream.blocks(), tmp_path, [])
    loaded = load_bundle(bundle, kind="wake")
    ours = our_track(loaded, stream, tmp_path).events(loaded.manifest.decision.threshold)
    assert len(ours) > 0
    assert arrays["at_0"].tolist() == ours.tolist()
    assert took["cpu_s"] > 0
    assert took["rss_mb"] > took["python_mb"] > 0


def test_scores_are_kept_under_the_bundle_and_the_audio(stream, tmp_path):
    loaded = load_bundle(SHIPPED / "computer", kind="wake")
    first = our_track(loaded, stream, tmp_path)
    silent = Stream("demo", "demo", lambda: iter([]))
    assert our_track(loaded, silent, tmp_path).at.tolist() == first.at.tolist()
    other = Stream("demo", "other", lambda: iter([np.zeros(RATE, np.int16)]))
    assert our_track(loaded, other, tmp_path).n_samples == RATE


def test_cost_is_a_share_of_a_core():
    found = cost("earshot", str(SHIPPED / "computer"), np.zeros(5 * RATE, np.int16))
    assert 0 < found.cpu < 1
    assert found.kilobytes * 1000 == load_bundle(SHIPPED / "computer").manifest.model.bytes


def test_an_engine_begins_anew_between_takes_only():
    spans = tuple(Span(str(n), n * 20 * RATE, (n * 20 + 3) * RATE, (n * 20 + 2) * RATE, {}) for n in range(5))
    found = breaks(Stream("words", "words", lambda: iter([]), spans))
    assert found == [44 * RATE, 84 * RATE]  # a second behind the third and fifth take, at least 30 s apart


@pytest.mark.skipif(not PYTHON.exists(), reason="no peers: `make peers` installs them")
def test_porcupine_s_sweep_in_one_pass_is_that_of_each_sensitivity_alone(stream, tmp_path):
    peer = next(peer for peer in PEERS if peer.name == "porcupine")
    version = installed()["porcupine"]
    sweep = peer_tracks(peer, version, ["computer", "jarvis"], stream, tmp_path)["computer"]
    arrays, _ = _run(PYTHON, ["porcupine", "computer", "--one"], stream.blocks(), tmp_path, [])
    alone = apart(arrays["at_0"], round(1.5 * RATE))
    assert len(alone) > 0
    assert sweep.events(0.5 - 1e-6).tolist() == alone.tolist()
