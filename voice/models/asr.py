"""Speech recognition with a CTC bundle: audio to log-probabilities of characters, and to text by the best path."""

import numpy as np

from voice.audio.features import features
from voice.decoding.ctc import greedy
from voice.errors import AudioError, BundleError
from voice.events import Segment, Transcript
from voice.models.backend import Array, Network
from voice.models.bundle import AsrDecision, Bundle
from voice.stages import LogProbs
from voice.text import Alphabet


class CtcRecognizer:
    """A `SpeechRecognizer` on a bundle of kind asr.

    Args:
        bundle: alphabet, features, time bucket and network.

    Raises:
        BundleError: it is of another kind.
    """

    def __init__(self, bundle: Bundle) -> None:
        decision = bundle.manifest.decision
        if not isinstance(decision, AsrDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give an asr bundle")
        self.decision = decision
        self.alphabet = Alphabet(bundle.manifest.labels, decision.blank)
        self.features = bundle.manifest.features
        self._network = Network(bundle.model_path)

    @property
    def stride_seconds(self) -> float:
        """Time between two label frames, s."""
        return self.decision.stride_ms / 1000

    def log_probs(self, segment: Segment) -> LogProbs:
        """Return CTC log-probabilities, shape (label frames, labels); no frame for less audio than one window.

        Raises:
            AudioError: the segment has another sampling rate than the bundle.
        """
        if segment.rate != self.features.rate:
            raise AudioError(
                f"speech at {segment.rate} Hz for a model of {self.features.rate} Hz", fix="resample it in the source"
            )
        frames = features(segment.samples, self.features)  # (t, bins)
        if len(frames) == 0:
            return np.zeros((0, len(self.alphabet)), np.float32)
        bucket = self.decision.pad_frames
        padded = np.zeros((1, -(-len(frames) // bucket) * bucket, frames.shape[1]), np.float32)
        padded[0, : len(frames)] = frames
        logits = self._network.run(padded)[0][0]  # (label frames, labels)
        hop_ms = 1000 * self.features.hop / self.features.rate
        n_real = int(np.ceil(len(frames) * hop_ms / self.decision.stride_ms))
        return log_softmax(logits[:n_real])

    def transcribe(self, segment: Segment) -> Transcript:
        """Return the text of the best path; words with their times and confidences."""
        return greedy(self.log_probs(segment), self.alphabet, self.stride_seconds)


def log_softmax(logits: Array) -> LogProbs:
    """Return natural log-probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))).astype(np.float32)
