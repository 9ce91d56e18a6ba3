"""The one-word command classifier: one second of speech in, calibrated label probabilities out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from voice.audio.features import features
from voice.errors import BundleError
from voice.events import RATE, Command, Samples, Segment
from voice.models.backend import Network, softmax
from voice.models.bundle import Bundle, CommandsDecision

_WAKE_TAIL = RATE * 160 // 1000  # samples by which a wake follows the end of its word, at most usually


class CommandsCnn:
    """Classifies the window of a segment that holds its speech.

    The window is one second (`window_frames` of the bundle) centred on the speech that the VAD found, or on the loudest
    tenth of a second where it found none. What lies outside the segment, or belongs to the wake word before it, is
    digital silence, as in training.

    Args:
        bundle: of kind commands.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: the bundle isn't a command classifier, or its network and labels disagree.
    """

    def __init__(self, bundle: Bundle, interpreter: Callable[..., Any] | None = None) -> None:
        decision = bundle.manifest.decision
        if not isinstance(decision, CommandsDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give a commands bundle")
        self.labels = bundle.manifest.labels
        self.threshold = decision.threshold
        """Calibrated probability from which a command counts as known."""
        self.silence, self.unknown = decision.silence, decision.unknown
        self._temperature = decision.temperature
        self._features = bundle.manifest.features
        self._length = (decision.window_frames - 1) * self._features.hop + self._features.window
        self._network = Network(bundle.model_path, interpreter)
        self._network.require((1, decision.window_frames, self._features.bins), str(bundle.folder))
        n_outputs = len(self._logits(np.zeros(self._length, np.float32)))
        if n_outputs != len(self.labels):
            raise BundleError(
                f"{bundle.folder}: {n_outputs} outputs for {len(self.labels)} labels", fix="export the bundle again"
            )

    def classify(self, segment: Segment) -> Command:
        """Return the most probable label of the segment's speech and all probabilities."""
        probabilities = softmax(self._logits(speech_window(segment, self._length)) / self._temperature)
        best = int(probabilities.argmax())
        scores = {label: float(value) for label, value in zip(self.labels, probabilities, strict=True)}
        return Command(self.labels[best], float(probabilities[best]), scores)

    def is_command(self, command: Command) -> bool:
        """Return whether an answer is a word of the vocabulary, with enough probability."""
        return command.label not in (self.silence, self.unknown) and command.score >= self.threshold

    def _logits(self, samples: Samples) -> Samples:
        logmel = features(samples, self._features)  # (window_frames, bins)
        return np.asarray(self._network.run(logmel[None])[0][0], np.float32)


def speech_window(segment: Segment, length: int) -> Samples:
    """Return `length` samples around the speech of a segment, shape (length,), zeros where there is nothing to take."""
    if segment.speech_start is None or segment.speech_end is None:
        centre, first = _loudest(segment.samples), 0
    else:
        first = 0 if segment.wake_at is None else max(0, segment.wake_at - _WAKE_TAIL - segment.start)
        start = max(segment.speech_start - segment.start, first)
        centre = (start + max(start, segment.speech_end - segment.start)) // 2
    begin = centre - length // 2
    window = np.zeros(length, np.float32)
    low, high = max(begin, first), min(begin + length, len(segment.samples))
    if low < high:
        window[low - begin : high - begin] = segment.samples[low:high]
    return window


def _loudest(samples: Samples) -> int:
    """Return the middle of the loudest tenth of a second."""
    block = RATE // 10
    n_blocks = len(samples) // block
    if n_blocks == 0:
        return len(samples) // 2
    energy = np.square(samples[: n_blocks * block], dtype=np.float64).reshape(n_blocks, block).sum(axis=1)
    return int(energy.argmax()) * block + block // 2
