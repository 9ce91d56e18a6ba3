"""Time each stage of the loop on this machine, with the models and sentences that are configured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from time import thread_time

import numpy as np

from voice.audio.features import FeatureSettings, FeatureStream
from voice.audio.rechunk import CHUNK
from voice.events import RATE, Chunk, Samples, Segment
from voice.pipeline.arbiter import Understander
from voice.pipeline.ears import Ears

_RUNS = 9
_FLOOR = 1e-4  # amplitude of the noise that fills a recording up to whole chunks


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU time of one stage."""

    stage: str
    milliseconds: float
    """Median of several runs, on one thread."""
    audio_ms: float
    """Audio that a run covered."""

    @property
    def rtf(self) -> float:
        """CPU time in proportion to the audio's."""
        return self.milliseconds / self.audio_ms


def measure(samples: Samples, features: FeatureSettings, ears: Ears, brain: Understander) -> Iterator[Timing]:
    """Yield the timing of each stage on a recording.

    Args:
        samples: speech, shape (n,).
        features: the recogniser's.
        ears: wake words, VAD and segmenter.
        brain: classifier, recogniser and grammar.
    """
    n_chunks = -(-len(samples) // CHUNK)
    noise = np.random.default_rng(0).normal(0, _FLOOR, n_chunks * CHUNK - len(samples)).astype(np.float32)
    audio = np.concatenate([samples, noise])
    audio_ms = 1000 * len(audio) / RATE
    pieces = np.split(audio, n_chunks)
    segment = Segment(audio, 0, speech_start=0, speech_end=len(samples))
    stream, starts = FeatureStream(features), count(0, CHUNK)

    def listen() -> None:
        for piece in pieces:
            ears.process(Chunk(piece, next(starts)))

    yield Timing("features", _cpu_ms(lambda: [stream.process(piece) for piece in pieces]), audio_ms)
    yield Timing("wake words, VAD, segmenter", _cpu_ms(listen), audio_ms)
    if (classifier := brain.classifier) is not None:
        yield Timing("command classifier", _cpu_ms(lambda: classifier.classify(segment)), 1000)
    log_probs = brain.recognizer.log_probs(segment)
    yield Timing("recogniser", _cpu_ms(lambda: brain.recognizer.log_probs(segment)), audio_ms)
    yield Timing("grammar", _cpu_ms(lambda: brain.grammar.decode(log_probs)), audio_ms)
    yield Timing("end of speech to intent", _cpu_ms(lambda: brain.understand(segment)), audio_ms)


def _cpu_ms(work: Callable[[], object]) -> float:
    """Return the median CPU time, ms, after a first run that loads what is loaded late."""
    work()
    times = []
    for _ in range(_RUNS):
        started = thread_time()
        work()
        times.append(thread_time() - started)
    return 1000 * float(np.median(times))
