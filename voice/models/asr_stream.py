"""Speech recognised as it comes, by a causal bundle: the network takes steps, and no audio passes through it twice."""

from collections.abc import Callable

import numpy as np

from voice.audio.features import FeatureStream
from voice.decoding.ctc import log_softmax
from voice.errors import BundleError
from voice.events import Samples, Segment, Transcript
from voice.models.asr import CtcRecognizer, DecoderName
from voice.models.backend import StreamingNetwork
from voice.stages import LogProbs


class CtcStream:
    """The log-probabilities of a stream, equal to those of the whole utterance however it is cut into chunks.

    Args:
        recognizer: of a causal bundle; its decoders read the text.

    Raises:
        BundleError: the bundle's network looks ahead, so it takes no steps.
    """

    def __init__(self, recognizer: CtcRecognizer) -> None:
        self._recognizer = recognizer
        self._network = StreamingNetwork(recognizer.model_path)
        self._step = self._network.frames_shape[1]
        self._features = FeatureStream(recognizer.features)
        self._frames = np.zeros((0, recognizer.features.bins), np.float32)
        self._found: list[LogProbs] = []

    def process(self, samples: Samples) -> None:
        """Take in the next samples."""
        self._frames = np.concatenate([self._frames, self._features.process(samples)])
        while len(self._frames) >= self._step:
            self._take(self._frames[: self._step])
            self._frames = self._frames[self._step :]

    def finish(self) -> None:
        """Take in the frames that fill no step; nothing may follow but `reset`."""
        if len(self._frames):
            hop_ms = 1000 * self._recognizer.features.hop / self._recognizer.features.rate
            n_labels = int(np.ceil(len(self._frames) * hop_ms / self._recognizer.decision.stride_ms))
            self._take(np.pad(self._frames, ((0, self._step - len(self._frames)), (0, 0))))
            self._found[-1] = self._found[-1][:n_labels]
            self._frames = self._frames[:0]

    def reset(self) -> None:
        """Forget the utterance."""
        self._network.reset()
        self._features.reset()
        self._frames, self._found = self._frames[:0], []

    @property
    def log_probs(self) -> LogProbs:
        """CTC log-probabilities so far, shape (label frames, labels)."""
        empty = np.zeros((0, len(self._recognizer.alphabet)), np.float32)
        return np.concatenate([empty, *self._found])

    def so_far(self, decoder: DecoderName | None = None) -> Transcript:
        """Return the text so far.

        Args:
            decoder: how to search; None: the bundle's best.
        """
        return self._recognizer.read(self.log_probs, decoder)

    def _take(self, frames: Samples) -> None:
        self._found.append(log_softmax(self._network.step(frames[None])))


def growing_text(recognizer: CtcRecognizer, decoder: DecoderName | None = None) -> Callable[[Segment], Transcript]:
    """Return what recognises an utterance that grows: each segment begins with the one before.

    A causal network only hears what is new; any other hears the whole again.

    Args:
        recognizer: of any bundle.
        decoder: how to search; None: the bundle's best.
    """
    try:
        stream = CtcStream(recognizer)
    except BundleError:
        return lambda segment: recognizer.transcribe(segment, decoder)
    heard = 0

    def transcribe(segment: Segment) -> Transcript:
        nonlocal heard
        stream.process(segment.samples[heard:])
        heard = len(segment.samples)
        return stream.so_far(decoder)

    return transcribe
