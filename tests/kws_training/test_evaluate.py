import numpy as np
import pytest

from kws_training.evaluate import (
    accuracy,
    calibration_error,
    command_threshold,
    fit_temperature,
    poisson,
    probabilities,
    tail_threshold,
    wilson,
)


def test_wilson_by_hand():
    share = wilson(5, 50)  # published example: 0.043 to 0.214
    assert (share.value, share.n) == (0.1, 50)
    assert (share.low, share.high) == pytest.approx((0.0434, 0.2136), abs=1e-3)
    assert wilson(0, 0).high == 1


def test_poisson_against_the_exact_limits():
    assert poisson(0, 1.0) == pytest.approx((0, 0, 3.69), abs=0.08)
    assert poisson(10, 2.0) == pytest.approx((5, 2.40, 9.20), abs=0.05)


def test_accuracy_counts_the_largest():
    assert accuracy(np.array([[2, 1], [0, 3]], np.float32), np.array([0, 0])).value == 0.5


def test_temperature_softens_a_network_that_is_too_sure():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 4000)
    logits = rng.normal(0, 1, (4000, 3))
    logits[np.arange(4000), labels] += 1.5
    temperature = fit_temperature((logits * 4).astype(np.float32), labels)
    assert 2 < temperature < 5
    sure = calibration_error(probabilities(logits * 4, 1.0), labels)
    assert calibration_error(probabilities(logits * 4, temperature), labels) < sure / 2


def test_threshold_lets_the_asked_share_pass():
    chances = np.zeros((100, 4), np.float32)
    chances[:, 3] = np.linspace(0.3, 0.9, 100)
    threshold = command_threshold(chances, 0.05)
    assert (chances[:, 3] >= threshold).mean() <= 0.05 < (chances[:, 3] >= threshold - 0.02).mean()


def test_the_tail_of_the_peaks_gives_a_threshold_beyond_what_can_be_counted():
    rng = np.random.default_rng(0)
    thresholds = []
    for _ in range(50):
        logits = rng.exponential(0.7, 2000) - 3  # one of 2000 reaches 0.7 ln 2000 - 3 = 2.32
        thresholds.append(tail_threshold(1 / (1 + np.exp(-logits)), 1.0))
    assert np.median(thresholds) == pytest.approx(1 / (1 + np.exp(-2.32)), abs=0.02)
    assert tail_threshold(np.array([0.2, 0.3]), 1.0) == 0.99


def test_the_bias_of_unknown_balances_the_labels():
    from kws_training.commands import best_bias

    logits = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 3.0], [0.0, 3.0], [2.0, 0.0]], np.float32)
    labels = np.array([0, 0, 1, 1, 0])
    assert best_bias(logits, labels, unknown=1) == pytest.approx(-1.0)
    assert best_bias(logits[2:], labels[2:], unknown=1) == 0.0


def test_the_probabilities_of_all_other_targets_are_unknown():
    from kws_training.commands import MergeTargets

    chances = np.array([[0.1, 0.2, 0.3, 0.15, 0.25]], np.float32)
    assert np.exp(MergeTargets(3, 1)(np.log(chances)))[0] == pytest.approx([0.1, 0.6, 0.3], abs=1e-5)
    assert np.exp(MergeTargets(3, 1, np.log(0.5))(np.log(chances)))[0] == pytest.approx([0.1, 0.3, 0.3], abs=1e-5)
    again = MergeTargets.from_config(MergeTargets(3, 1, 0.7).get_config())
    assert np.allclose(again(np.log(chances)), MergeTargets(3, 1, 0.7)(np.log(chances)))
