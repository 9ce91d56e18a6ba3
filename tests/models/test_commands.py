import time

import numpy as np
import pytest

from voice.errors import BundleError
from voice.events import RATE, Command, Segment
from voice.models.bundle import load_bundle, write_bundle
from voice.models.commands import CommandsCnn, speech_window

BUNDLE = load_bundle("commands-en", kind="commands")
RAMP = np.arange(1, 3 * RATE + 1, dtype=np.float32)


@pytest.fixture(scope="module")
def classifier():
    return CommandsCnn(BUNDLE)


def test_the_window_is_centred_on_the_speech():
    segment = Segment(RAMP, 1_000, speech_start=1_000 + RATE, speech_end=1_000 + 2 * RATE)
    assert np.array_equal(speech_window(segment, RATE), RAMP[RATE : 2 * RATE])


def test_the_window_is_padded_with_silence_at_the_edges():
    window = speech_window(Segment(RAMP[:4_000], 0, speech_start=0, speech_end=4_000), RATE)
    assert len(window) == RATE
    assert np.array_equal(window[6_000:10_000], RAMP[:4_000])
    assert not window[:6_000].any()
    assert not window[10_000:].any()


def test_the_wake_word_before_the_command_is_silenced():
    segment = Segment(RAMP, 0, speech_start=0, speech_end=2 * RATE, wake_at=RATE)
    kept = speech_window(segment, RATE)
    assert kept[kept > 0].min() > RATE - RATE // 5


def test_without_speech_the_loudest_moment_is_taken():
    audio = np.zeros(3 * RATE, np.float32)
    audio[40_000:41_000] = 0.5
    window = speech_window(Segment(audio, 0), RATE)
    assert window.sum() == pytest.approx(500)
    assert abs(int(np.flatnonzero(window).mean()) - RATE // 2) < RATE // 10


@pytest.mark.parametrize("length", [0, 1, 700])
def test_any_length_gives_a_window(length):
    assert speech_window(Segment(np.ones(length, np.float32), 0), RATE).shape == (RATE,)


def test_probabilities_are_of_all_labels_and_add_to_one(classifier):
    command = classifier.classify(Segment(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32), 0))
    assert tuple(command.scores) == classifier.labels == BUNDLE.manifest.labels
    assert sum(command.scores.values()) == pytest.approx(1, abs=1e-5)
    assert command.score == max(command.scores.values())


def test_digital_silence_is_silence(classifier):
    assert classifier.classify(Segment(np.zeros(RATE, np.float32), 0)).label == "_silence_"


def test_only_a_sure_word_is_a_command(classifier):
    assert classifier.is_command(Command("stop", classifier.threshold))
    assert not classifier.is_command(Command("stop", classifier.threshold - 0.01))
    assert not classifier.is_command(Command("_unknown_", 0.999))


def test_one_window_takes_less_than_five_milliseconds(classifier):
    segment = Segment(np.zeros(RATE, np.float32), 0)
    times = []
    for _ in range(20):
        started = time.process_time()
        classifier.classify(segment)
        times.append(time.process_time() - started)
    assert min(times) < 0.005


def test_a_bundle_of_another_kind_is_refused():
    with pytest.raises(BundleError, match="is a wake bundle"):
        CommandsCnn(load_bundle("computer"))


def test_labels_that_do_not_fit_the_network_are_refused(tmp_path):
    manifest = BUNDLE.manifest.model_dump(exclude={"format", "model"}) | {"labels": ("_silence_", "_unknown_", "up")}
    with pytest.raises(BundleError, match="12 outputs for 3 labels"):
        CommandsCnn(write_bundle(tmp_path / "short", manifest, BUNDLE.model_path.read_bytes()))
