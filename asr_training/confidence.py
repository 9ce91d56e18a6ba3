"""Word confidences calibrated on a dev set: a logistic regression, judged on speakers that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr_training.figures import area_under_roc, calibration_error, right_words
from asr_training.heard import Heard
from asr_training.scoring import Scored
from voice.decoding.confidence import WordConfidence, features_of
from voice.decoding.ctc import greedy
from voice.decoding.lexicon import LexiconSettings
from voice.errors import DataError
from voice.events import Token
from voice.models.asr import CtcRecognizer

_RIDGE = 1e-2  # keeps the slope finite where right and wrong words don't overlap
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration and what it does, on speakers left out in turn."""

    confidence: WordConfidence
    error_before: float
    """Expected calibration error of the plain confidences, as a share."""
    error: float
    auc: float | None
    """Probability that a right word is surer than a wrong one."""
    n_words: int


def fit(scored: Sequence[Scored], words: Sequence[Sequence[Token]]) -> Fitted:
    """Return the calibration of a recogniser's words.

    Args:
        scored: utterances of a dev split.
        words: the tokens of each, not calibrated.

    Raises:
        DataError: there are too few words, or none is wrong, or none right.
    """
    rows, right, speakers, before = [], [], [], []
    for s, tokens in zip(scored, words, strict=True):
        for token, is_right in zip(tokens, right_words(s), strict=True):
            rows.append((1.0, *features_of(token)))
            right.append(float(is_right))
            speakers.append(s.speaker)
            before.append(token.confidence)
    if len(rows) < 20 or len(set(right)) < 2:
        raise DataError(f"{len(rows)} words can't calibrate confidences", fix="give more utterances of the dev split")
    x, y = np.array(rows), np.array(right)
    names = np.unique(speakers)
    fold = np.searchsorted(names, speakers) % min(_FOLDS, max(2, len(names)))
    held_out = np.full(len(y), y.mean())
    for k in np.unique(fold):
        others = fold != k
        if len(set(y[others])) > 1:
            held_out[fold == k] = _sigmoid(x[fold == k] @ _weights(x[others], y[others]))
    offset, slope, per_letter = _weights(x, y)
    return Fitted(
        WordConfidence(offset=round(offset, 4), slope=round(max(slope, 0.0), 4), per_letter=round(per_letter, 4)),
        calibration_error(np.array(before), y),
        calibration_error(held_out, y),
        area_under_roc(held_out, y > 0),
        len(y),
    )


def calibrate_words(
    heard: Sequence[Heard], recognizer: CtcRecognizer, language: LexiconSettings | None = None
) -> Fitted:
    """Return the calibration of a recogniser's own decoder.

    Args:
        heard: utterances of a dev split.
        recognizer: whose posteriors they are.
        language: weights of its language model; None takes the bundle's.

    Raises:
        DataError: see `fit`.
    """
    stride = recognizer.stride_seconds
    if recognizer.best_decoder == "lexicon":
        search = recognizer.lexicon.with_settings(language) if language else recognizer.lexicon
        found = [search.decode(u.log_probs, stride) for u in heard]
    else:
        found = [greedy(u.log_probs, recognizer.alphabet, stride) for u in heard]
    scored = [Scored(u.speaker, u.reference, text.text) for u, text in zip(heard, found, strict=True)]
    return fit(scored, [text.tokens for text in found])


def _weights(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the weights of a logistic regression, by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        p = _sigmoid(x @ weights)
        gradient = x.T @ (y - p) - _RIDGE * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(x.shape[1])
        step = np.linalg.solve(hessian, gradient)
        weights += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _sigmoid(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))
