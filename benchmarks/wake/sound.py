"""What happens to a recording before an engine hears it: noise, talk."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws_training.corpora import noises, read_samples
from kws_training.noise_parts import made
from kws_training.prepare import TRAINED_NOISE
from voice.events import RATE, Samples

Pcm = npt.NDArray[np.int16]
SNR_DB = 10.0
_TALKERS = 6


def pcm(samples: Samples) -> Pcm:
    """Return samples as 16-bit PCM; louder than full scale, the whole is turned down."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(np.rint(samples * (32767 / max(1.0, peak))), np.int16)


def loudness(samples: Samples) -> float:
    """Return the mean power of the loudest half second: what the signal-to-noise ratios refer to."""
    n = min(RATE // 2, len(samples))
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    return float((sums[n:] - sums[:-n]).max()) / n


def in_noise(samples: Samples, noise: Samples, snr_db: float = SNR_DB) -> Samples:
    """Return samples with noise under all of them, `snr_db` below their loudest half second (both mean powers)."""
    noise = np.resize(noise, len(samples))
    power = float(np.mean(np.square(noise, dtype=np.float64)))
    return samples + noise * np.float32(np.sqrt(loudness(samples) / power / 10 ** (snr_db / 10)))


def pink(rng: np.random.Generator) -> Iterator[Samples]:
    """Yield stretches of pink noise of 20 s."""
    while True:
        yield made(rng, 20, 0.5)


def recorded_noise(data: Path, rng: np.random.Generator) -> Iterator[Samples]:
    """Yield noise of the pack: of a random recording the last part, which training doesn't hear."""
    parts = untrained_noise(data)
    while True:
        yield parts[rng.integers(len(parts))]


def untrained_noise(data: Path) -> list[Samples]:
    """Return the part of each noise recording that no training hears, where it is longer than a second."""
    whole = [read_samples(recording.path) for recording in noises(data)]
    parts = [samples[int(TRAINED_NOISE * len(samples)) :] for samples in whole]
    return [part for part in parts if len(part) > RATE and np.mean(part**2) > 0]


def talk(voices: Sequence[Path], rng: np.random.Generator) -> Iterator[Samples]:
    """Yield six clips of running speech at once, each equally loud on average."""
    while True:
        drawn = [read_samples(voices[rng.integers(len(voices))]) for _ in range(_TALKERS)]
        longest = max(map(len, drawn))
        level = [np.sqrt(np.mean(v**2)) + 1e-9 for v in drawn]
        yield np.sum([np.resize(v / p, longest) for v, p in zip(drawn, level, strict=True)], axis=0, dtype=np.float32)
