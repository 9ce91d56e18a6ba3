"""Speech recognition with a CTC bundle: audio to log-probabilities of characters, and to text by a search."""

from functools import cached_property
from typing import Literal

import numpy as np

from voice.audio.features import features
from voice.decoding.ctc import greedy, prefix_beam
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.decoding.ngram import NGram, read_arrays
from voice.decoding.trie import Trie
from voice.errors import AudioError, BundleError
from voice.events import Segment, Transcript
from voice.models.backend import Array, Network
from voice.models.bundle import AsrDecision, Bundle
from voice.stages import LogProbs
from voice.text import Alphabet

DecoderName = Literal["greedy", "beam", "lexicon"]
"""Best path; prefix beam without a language model; words of the bundle's language model."""


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
        self._bundle = bundle
        self.best_decoder: DecoderName = "lexicon" if bundle.language_path else "greedy"

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

    def transcribe(self, segment: Segment, decoder: DecoderName | None = None) -> Transcript:
        """Return the text, with times and confidences of its words.

        Args:
            segment: the speech.
            decoder: how to search; None: `best_decoder`.

        Raises:
            AudioError: the segment has another sampling rate than the bundle.
            BundleError: the bundle has no language model for `lexicon`.
        """
        return self.read(self.log_probs(segment), decoder)

    def read(self, log_probs: LogProbs, decoder: DecoderName | None = None) -> Transcript:
        """Return the text of log-probabilities that `log_probs` gave, with times and confidences of its words.

        Args:
            log_probs: shape (frames, labels).
            decoder: how to search; None: `best_decoder`.

        Raises:
            BundleError: the bundle has no language model for `lexicon`.
        """
        name = decoder or self.best_decoder
        if name == "lexicon":
            return self.lexicon.decode(log_probs, self.stride_seconds)
        if name == "beam" and len(log_probs):
            return prefix_beam(log_probs, self.alphabet, stride=self.stride_seconds)[0]
        return greedy(log_probs, self.alphabet, self.stride_seconds)

    @cached_property
    def lexicon(self) -> LexiconDecoder:
        """The search through the words of the bundle's language model.

        Raises:
            BundleError: the bundle has none, or it is broken.
        """
        path, language = self._bundle.language_path, self._bundle.manifest.language
        if path is None or language is None:
            raise BundleError(
                f"{self._bundle.folder} has no language model", fix="choose another decoder, or export it with one"
            )
        arrays = read_arrays(path)
        settings = LexiconSettings(weight=language.weight, word_bonus=language.word_bonus)
        return LexiconDecoder(NGram(arrays), Trie.of(arrays), self.alphabet, settings)


def log_softmax(logits: Array) -> LogProbs:
    """Return natural log-probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))).astype(np.float32)
