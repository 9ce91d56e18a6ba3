"""Verbs: the protocols that a stage of the loop satisfies. Stages are synchronous and do no I/O."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from voice.events import Chunk, Command, Intent, Segment, Transcript, Wake

LogProbs = npt.NDArray[np.float32]
"""Natural log-probabilities of the labels, shape (frames, labels)."""

Progress = Literal["complete", "open", "unfinished", "other"]
"""What was said so far: a sentence of the grammar, one that may go on, the beginning of one, or none of these."""


class AudioSource(Protocol):
    """Where audio comes from: a microphone, files, or raw PCM on standard input."""

    live: bool
    """True when audio arrives in real time and is lost if nobody reads it; False when the source waits."""

    def chunks(self) -> AsyncIterator[Chunk]:
        """Yield 16 kHz mono chunks until the source ends.

        Raises:
            AudioError: the source can't be opened or read, or has gone.
        """
        ...

    async def close(self) -> None:
        """Release the device or file; ends `chunks`."""
        ...


class WakeWordDetector(Protocol):
    """Finds a wake word in a stream."""

    model_ids: tuple[str, ...]

    def process(self, chunk: Chunk) -> Wake | None:
        """Return a `Wake` when the word ends in this chunk."""
        ...

    def reset(self) -> None:
        """Forget the past audio."""
        ...


@runtime_checkable
class ReplayableDetector(WakeWordDetector, Protocol):
    """A detector that may leave audio out, and take it in later where it turns out to matter."""

    period: int
    """Samples between two looks."""
    context: int
    """Samples before the end of a look that its score depends on."""

    def replay(self, chunk: Chunk, since: int) -> Wake | None:
        """Take in past audio anew, as if none had been left out; the refractory time goes on.

        Args:
            chunk: from the beginning of the stream, or from at least `context` samples before `since`; it starts a
                whole number of periods after the stream.
            since: sample before which no look is wanted.
        """
        ...


@runtime_checkable
class Rearming(Protocol):
    """A detector whose last wake can be taken back."""

    def rearm(self, model_id: str) -> None:
        """End a word's refractory time: its last wake did not count, so the next look may tell it again."""
        ...


class VoiceActivityDetector(Protocol):
    """Says how speech-like a stream is."""

    def process(self, chunk: Chunk) -> float:
        """Return the share of this chunk's frames that hold speech, 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget the past audio."""
        ...


class CommandClassifier(Protocol):
    """Classifies a one-word command."""

    labels: tuple[str, ...]

    def classify(self, segment: Segment) -> Command:
        """Return the most probable label and all probabilities."""
        ...


class SpeechRecognizer(Protocol):
    """Turns speech into text."""

    def log_probs(self, segment: Segment) -> LogProbs:
        """Return the acoustic model's CTC log-probabilities."""
        ...

    def transcribe(self, segment: Segment) -> Transcript:
        """Return the text of free speech."""
        ...


class IntentParser(Protocol):
    """Finds the intent of recognised text."""

    def parse(self, text: str, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of `text` among `intent_filter` (None: all), or None."""
        ...

    def parse_open(self, text: str, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the intent of a transcript that only a sentence with free words explains, or None."""
        ...


class GrammarDecoder(Protocol):
    """Finds the sentence of a grammar that was spoken (constrained CTC)."""

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Intent | None:
        """Return the best sentence's intent, or None where the speech is rejected."""
        ...

    def progress(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Progress:
        """Return what was said so far."""
        ...
