"""Commands in running audio: chunking, the rule of detection, networks of steps and of windows."""

import itertools
import json

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from voice.cli import build
from voice.errors import BundleError
from voice.events import RATE, Chunk
from voice.models.backend import STREAM, StreamingNetwork
from voice.models.bundle import load_bundle, write_bundle
from voice.models.command_stream import CommandStream

NOISE = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)


@pytest.fixture
def stepping(tmp_path, manifest, request):
    """A bundle whose network takes steps of two frames and tells the energy of the last eight in three bands."""
    networks = request.path.parent / "networks"
    manifest["decision"]["stream"] = {"step_frames": 2, "window_steps": 4, "smoothing_steps": 2, "refractory_ms": 400}
    manifest["decision"]["threshold"] = 0.4
    return write_bundle(tmp_path / "stepping", manifest, (networks / "steps.tflite").read_bytes())


def heard(stream, samples, *cuts):
    edges = [0, *sorted(cuts), len(samples)]
    chunks = [Chunk(samples[a:b], a) for a, b in itertools.pairwise(edges)]
    return [score for chunk in chunks for score in stream.scores(chunk)]


@given(st.lists(st.integers(0, RATE), max_size=4))
def test_chunking_changes_no_score(cuts):
    stream = CommandStream(load_bundle("commands-en"))
    whole = heard(stream, NOISE[:RATE])
    stream.reset()
    parts = heard(stream, NOISE[:RATE], *cuts)
    assert [at for at, _ in whole] == [at for at, _ in parts]
    assert np.array_equal([score for _, score in whole], [score for _, score in parts])


def test_a_network_of_steps_keeps_its_past_and_forgets_it(stepping):
    network = StreamingNetwork(stepping.model_path)
    ones = np.ones((1, 2, 4), np.float32)
    assert network.step(ones) == pytest.approx([2, 2, 2])
    assert network.step(ones) == pytest.approx([4, 4, 4])
    for _ in range(4):
        last = network.step(ones)
    assert last == pytest.approx([8, 8, 8])
    network.reset()
    assert network.step(ones) == pytest.approx([2, 2, 2])


def test_steps_come_at_the_frames_of_the_stream(stepping):
    ats = [at for at, _ in CommandStream(stepping, steps=True).scores(Chunk(NOISE[:4000], 0))]
    assert ats == [160 * (2 * n + 1) + 480 for n in range(len(ats))]
    assert len(ats) == 11


def tones(*moments):
    """A second of silence with a tone in the band of "yes" at some moments, 0.2 s each."""
    samples = np.zeros(2 * RATE, np.float32)
    time = np.arange(RATE // 5) / RATE
    for moment in moments:
        first = round(moment * RATE)
        samples[first : first + len(time)] = np.sin(2 * np.pi * 1500 * time)
    return samples


@pytest.mark.parametrize("steps", [False, True])
def test_a_command_is_heard_once_while_it_is_in_the_window_and_again_later(stepping, steps):
    stream = CommandStream(stepping, steps=steps)
    found = stream.process(Chunk(tones(0.5, 1.4), 0))
    assert [item.command.label for item in found] == ["yes", "yes"]
    assert [item.at / RATE for item in found] == pytest.approx([0.57, 1.47], abs=0.06)
    assert sum(found[0].command.scores.values()) == pytest.approx(1, abs=1e-5)
    assert found[0].command.score >= 0.4


@pytest.mark.parametrize("steps", [False, True])
def test_a_jump_of_the_clock_forgets_the_past(stepping, steps):
    stream = CommandStream(stepping, steps=steps)
    first = stream.scores(Chunk(NOISE[:3200], 0))
    again = stream.scores(Chunk(NOISE[:3200], 100_000))
    assert [at + 100_000 for at, _ in first] == [at for at, _ in again]
    assert np.array_equal([score for _, score in first], [score for _, score in again])


def test_windows_and_steps_agree_from_the_moment_on_at_which_a_window_is_full(stepping):
    """This network has no past beyond its window."""
    both = [CommandStream(stepping, steps=steps).scores(Chunk(NOISE[:RATE], 0)) for steps in (False, True)]
    assert [at for at, _ in both[0]] == [at for at, _ in both[1]]
    windows, steps = (np.array([score for _, score in scores[6:]]) for scores in both)
    assert windows == pytest.approx(steps, abs=1e-5)


def test_in_steps_nothing_is_heard_before_a_window_is_full(stepping):
    first = CommandStream(stepping, steps=True).process(Chunk(tones(0.0), 0))
    assert first[0].at >= 9 * 160 + 480


def test_a_bundle_without_steps_looks_at_whole_windows():
    bundle = load_bundle("commands-en")
    found = CommandStream(bundle).scores(Chunk(np.zeros(RATE, np.float32), 0))
    assert bundle.manifest.labels[int(found[-1][1].argmax())] == "_silence_"


def test_a_stream_of_another_kind_is_refused():
    with pytest.raises(BundleError, match="is a wake bundle"):
        CommandStream(load_bundle("computer"))


def test_another_feature_definition_is_refused(stepping, manifest, tmp_path, folder):
    network = stepping.model_path.read_bytes()
    other = write_bundle(tmp_path / "other", {**manifest, "features": {"mels": 5}}, network)
    with pytest.raises(BundleError, match=r"steps of \[1, 2, 4\], features of \[1, 2, 5\]"):
        CommandStream(other, steps=True)
    del manifest["decision"]["stream"]
    plain = write_bundle(
        tmp_path / "plain", {**manifest, "features": {"mels": 5}}, (folder / "model.tflite").read_bytes()
    )
    with pytest.raises(BundleError, match=r"takes \[\[10, 4\]\], .* gives \[10, 5\]"):
        CommandStream(plain)


def test_a_file_without_the_signature_is_refused(folder):
    with pytest.raises(BundleError, match="no network that takes steps"):
        StreamingNetwork(folder / "model.tflite")
    assert STREAM == "stream"


def test_the_command_line_writes_a_line_for_each_command(stepping, tmp_path):
    soundfile.write(tmp_path / "long.wav", tones(0.5, 1.4), RATE)
    soundfile.write(tmp_path / "quiet.wav", tones(), RATE)
    files = [str(tmp_path / name) for name in ("long.wav", "quiet.wav")]
    result = CliRunner().invoke(build(), ["classify", "--stream", "--model", str(stepping.folder), "--json", *files])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [(line["file"], line["label"]) for line in lines] == [(files[0], "yes")] * 2
    assert [line["time"] for line in lines] == pytest.approx([0.57, 1.47], abs=0.06)
    assert set(lines[0]) == {"file", "label", "time", "score", "scores"}
