"""The CTC recogniser on the shipped bundle and on broken calls."""

from dataclasses import replace

import numpy as np
import pytest

from voice.errors import AudioError
from voice.events import Segment
from voice.models.asr import CtcRecognizer, log_softmax
from voice.models.bundle import SHIPPED, load_bundle

if not (SHIPPED / "asr-en" / "bundle.json").is_file():
    pytest.skip("the asr-en bundle is not exported yet", allow_module_level=True)


@pytest.fixture(scope="module")
def recognizer():
    return CtcRecognizer(load_bundle("asr-en", "asr"))


@pytest.fixture
def segment():
    rng = np.random.default_rng(1)
    return Segment(0.05 * rng.standard_normal(20_000).astype(np.float32), 0)


def test_log_probs_are_normalised_and_cover_the_audio(recognizer, segment):
    log_probs = recognizer.log_probs(segment)
    n_frames = recognizer.features.frames(len(segment.samples))
    assert log_probs.shape == (-(-n_frames // 4), len(recognizer.alphabet))
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-5)


def test_a_longer_bucket_changes_little(recognizer, segment):
    decision = recognizer.decision
    short = recognizer.log_probs(segment)
    recognizer.decision = decision.model_copy(update={"pad_frames": 4 * decision.pad_frames})
    long = recognizer.log_probs(segment)
    recognizer.decision = decision
    assert short.shape == long.shape
    assert np.mean(short.argmax(-1) == long.argmax(-1)) > 0.9


def test_less_than_a_window_gives_no_frames_and_no_text(recognizer):
    tiny = Segment(np.zeros(100, np.float32), 0)
    assert recognizer.log_probs(tiny).shape == (0, 29)
    assert recognizer.transcribe(tiny).text == ""


def test_the_wrong_rate_is_refused(recognizer, segment):
    with pytest.raises(AudioError, match="8000 Hz"):
        recognizer.log_probs(replace(segment, rate=8000))


def test_silence_is_finite(recognizer):
    assert np.all(np.isfinite(recognizer.log_probs(Segment(np.zeros(16_000, np.float32), 0))))


def test_log_softmax_survives_large_logits():
    np.testing.assert_allclose(log_softmax(np.array([[1000.0, 0.0]])), [[0.0, -1000.0]])
