"""Word confidences become probabilities of being right."""

import numpy as np
import pytest

from asr_training.confidence import fit
from asr_training.figures import calibration_error, reliability
from asr_training.scoring import Scored
from voice.decoding.confidence import WordConfidence
from voice.errors import DataError
from voice.events import Token, Transcript


def dev_set(n=400, *, seed=1):
    """Utterances of one word, right with a probability that depends on its fit and its length."""
    rng = np.random.default_rng(seed)
    scored, words = [], []
    for i in range(n):
        word, fit_nats = "a" * int(rng.integers(1, 9)), -rng.exponential(0.7)
        p = 1 / (1 + np.exp(-(0.5 + 2.0 * fit_nats + 0.2 * len(word))))
        heard = word if rng.random() < p else "b" * len(word)
        scored.append(Scored(f"s{i % 12}", word, heard))
        words.append((Token(heard, 0.0, 1.0, float(np.exp(fit_nats))),))
    return scored, words


def test_the_fit_finds_what_made_the_words_right():
    fitted = fit(*dev_set(4000))
    assert fitted.confidence.offset == pytest.approx(0.5, abs=0.3)
    assert fitted.confidence.slope == pytest.approx(2.0, abs=0.3)
    assert fitted.confidence.per_letter == pytest.approx(0.2, abs=0.05)


def test_held_out_speakers_get_honest_probabilities():
    fitted = fit(*dev_set())
    assert fitted.n_words == 400
    assert fitted.error < 0.08 < fitted.error_before
    assert fitted.auc > 0.7


def test_words_that_are_all_right_or_too_few_say_so():
    scored, words = dev_set(10)
    with pytest.raises(DataError, match="10 words"):
        fit(scored, words)
    with pytest.raises(DataError, match="more utterances"):
        fit([Scored("s", "a", "a")] * 30, [(Token("a", 0, 1, 0.9),)] * 30)


def test_a_transcript_is_as_sure_as_its_words():
    calibration = WordConfidence(offset=1.0, slope=1.0, per_letter=0.0)
    text = calibration.calibrated(Transcript("a b", 0.5, (Token("a", 0, 1, 1.0), Token("b", 1, 2, np.exp(-1.0)))))
    sure, even = 1 / (1 + np.exp(-1)), 0.5
    assert [token.confidence for token in text.tokens] == pytest.approx([sure, even])
    assert text.confidence == pytest.approx((sure + even) / 2)
    assert calibration.calibrated(Transcript("", 0.0)).confidence == 0
    assert 0 < calibration.probability(Token("a", 0, 1, 0.0)) < 1e-4


def test_the_calibration_error_is_the_mean_gap_of_the_bins():
    confidence, right = np.array([0.95, 0.95, 0.15, 0.15]), np.array([1.0, 0.0, 0.0, 0.0])
    assert [b["n"] for b in reliability(confidence, right)] == [2, 2]
    assert calibration_error(confidence, right) == pytest.approx((0.45 + 0.15) / 2)
