"""Speech recognition with a CTC bundle: audio to log-probabilities of characters or phones, to text by a search."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np

from voice.audio.features import features
from voice.decoding.beam import BeamSettings, PrefixBeam
from voice.decoding.ctc import greedy, log_softmax
from voice.decoding.hotwords import HotWords
from voice.decoding.lexicon import LexiconDecoder, LexiconSettings
from voice.decoding.ngram import NGram, read_arrays
from voice.decoding.pronounce import Pronunciations
from voice.decoding.speller import LETTERS, Speller, spelled
from voice.decoding.trie import Trie
from voice.errors import AudioError, BundleError, ConfigError
from voice.events import Segment, Transcript
from voice.models.backend import Array, Network
from voice.models.bundle import AsrDecision, Bundle
from voice.stages import LogProbs
from voice.text import ENGLISH_CHARACTERS, Alphabet, normalise

DecoderName = Literal["greedy", "beam", "words", "lexicon"]
"""Best path (phones stay phones); any spelling of characters, weighed with the language model where there is one; only
words of that model, by how they are said alone; the same, weighed with it."""


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
        self.model_path = bundle.model_path
        self._hotwords: HotWords | None = None
        self.best_decoder: DecoderName = "lexicon" if bundle.language_path else "greedy"

    @property
    def stride_seconds(self) -> float:
        """Time between two label frames, s."""
        return self.decision.stride_ms / 1000

    @cached_property
    def speller(self) -> Speller:
        """What labels a word is."""
        path = self._bundle.lexicon_path
        return Pronunciations(path) if path else LETTERS

    @property
    def letters(self) -> tuple[str, ...]:
        """The characters that its texts are written in."""
        return self.alphabet.labels if self.decision.units == "characters" else ENGLISH_CHARACTERS

    def labelled(self, text: str) -> list[tuple[str, list[int]]]:
        """Return each word of a normalised text with its usual labels.

        Raises:
            ConfigError: a character has no label.
        """
        return [(word, self.alphabet.encode(self.speller.ways(word)[0])) for word in text.split()]

    def spellings(self, text: str) -> list[list[int]]:
        """Return the label indices that words may be, the usual ones first.

        Args:
            text: normalised.

        Raises:
            ConfigError: a character has no label.
        """
        return [self.alphabet.encode(way) for way in spelled(text.split(), self.speller)]

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
            BundleError: the bundle has no language model for `words` or `lexicon`.
        """
        return self.read(self.log_probs(segment), decoder)

    def read(self, log_probs: LogProbs, decoder: DecoderName | None = None) -> Transcript:
        """Return the text of log-probabilities that `log_probs` gave, with times and confidences of its words.

        Args:
            log_probs: shape (frames, labels).
            decoder: how to search; None: `best_decoder`.

        Raises:
            BundleError: the bundle has no language model for `words` or `lexicon`.
        """
        return self.n_best(log_probs, 1, decoder)[0]

    def n_best(self, log_probs: LogProbs, n: int, decoder: DecoderName | None = None) -> list[Transcript]:
        """Return at most `n` texts, best first; the best path is one.

        Args:
            log_probs: shape (frames, labels).
            n: how many.
            decoder: how to search; None: `best_decoder`.

        Raises:
            BundleError: the bundle has no language model for `words` or `lexicon`.
        """
        name = decoder or self.best_decoder
        if name == "greedy" or len(log_probs) == 0:
            found = [greedy(log_probs, self.alphabet, self.stride_seconds)]
        else:
            search = self.beam if name == "beam" else self.words if name == "words" else self.lexicon
            found = search.n_best(log_probs, self.stride_seconds, n)
        calibration = self.decision.confidence if name == self.best_decoder else None
        return [calibration.calibrated(text) for text in found] if calibration else found

    def boost(self, hotwords: Mapping[str, float]) -> None:
        """Make words and phrases likelier from the next utterance on; the best path stays as it is.

        Args:
            hotwords: nats for each, normalised text; none takes all back.

        Raises:
            ConfigError: a hot word is not normalised text.
        """
        hot = HotWords(hotwords)
        for phrase in hotwords:
            if phrase != (written := normalise(phrase, self.letters)):
                raise ConfigError(f"hot word {phrase!r} is not as texts are written", fix=f"write {written!r}")
        self._hotwords = hot
        for search in ("beam", "words", "lexicon"):
            self.__dict__.pop(search, None)

    @cached_property
    def beam(self) -> PrefixBeam:
        """The search through any spelling.

        Raises:
            BundleError: the language model is broken.
            ConfigError: the labels are phones.
        """
        if self.decision.units == "phones":
            raise ConfigError("a model of phones spells no words", fix="choose lexicon, or greedy for the phones")
        language = self._bundle.manifest.language
        if language is None:
            return PrefixBeam(self.alphabet, hotwords=self._hotwords)
        settings = BeamSettings(weight=language.weight, word_bonus=language.word_bonus)
        model, trie = NGram(self._language), Trie.of(self._language)
        return PrefixBeam(self.alphabet, settings, model=model, trie=trie, hotwords=self._hotwords)

    @cached_property
    def words(self) -> LexiconDecoder:
        """The search through the words of the bundle's language model without its weights.

        Raises:
            BundleError: the bundle has none, or it is broken.
        """
        return self.lexicon.without_language_model()

    @cached_property
    def lexicon(self) -> LexiconDecoder:
        """The search through the words of the bundle's language model.

        Raises:
            BundleError: the bundle has none, or it is broken.
        """
        language = self._bundle.manifest.language
        if language is None:
            raise BundleError(
                f"{self._bundle.folder} has no language model", fix="choose another decoder, or export it with one"
            )
        settings = LexiconSettings(weight=language.weight, word_bonus=language.word_bonus)
        model, trie = NGram(self._language), Trie.of(self._language)
        return LexiconDecoder(model, trie, self.alphabet, settings, self._hotwords, self.speller)

    @cached_property
    def _language(self) -> dict[str, Array]:
        path = self._bundle.language_path
        return read_arrays(path) if path else {}
