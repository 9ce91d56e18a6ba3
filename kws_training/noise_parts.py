"""Noise recordings, divided in time: what trains is never heard by validation or test.

The papers cut all three from the same recordings; where a figure must be comparable, say so.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kws_training.corpora import read_samples
from kws_training.report import say
from voice.errors import DataError
from voice.events import RATE, Samples

_LEAST_SECONDS = 20.0
"""Noise of which less than this was recorded is helped out with made noise."""
_SPLITS = (("train", 0.0, 0.8), ("dev", 0.8, 0.9), ("test", 0.9, 1.0))
_COLOURS = {"white": 0.0, "pink": 0.5, "brown": 1.0}
"""Name and exponent: the spectrum's amplitude falls as 1 / frequency^exponent."""
_MADE_SECONDS = 30


def read_noise(paths: Sequence[Path]) -> dict[str, Samples]:
    """Return noise recordings by name, and made noise where they are shorter than 20 s together."""
    found = {}
    for path in paths:
        try:
            found[f"{path.parent.name}/{path.stem}"] = read_samples(path)
        except DataError as error:
            say(f"noise left out: {error}")
    if sum(map(len, found.values())) < _LEAST_SECONDS * RATE:
        say("too little noise is recorded: white, pink and brown noise is made")
        rng = np.random.default_rng(0)
        found |= {name: made(rng, _MADE_SECONDS, exponent) for name, exponent in _COLOURS.items()}
    return found


def made(rng: np.random.Generator, seconds: float, exponent: float) -> Samples:
    """Return noise at -30 dB whose amplitude falls as 1 / frequency^exponent above 20 Hz, shape (samples,)."""
    n_samples = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hertz = np.fft.rfftfreq(n_samples, 1 / RATE)
    spectrum *= np.where(hertz < 20, 0, np.maximum(hertz, 20) ** -exponent)
    noise = np.fft.irfft(spectrum, n_samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)) * 10 ** (-30 / 20), np.float32)


def noise_parts(noise: dict[str, Samples], n_test: int, seed: int) -> Iterator[tuple[str, str, Samples]]:
    """Yield split, name and samples: long parts to train and validate with, and seconds that are the test's silence.

    Args:
        noise: recordings by name.
        n_test: seconds to cut for the test, at random places of the recordings' last tenth.
        seed: of the places.
    """
    parts = {
        split: {name: samples[round(a * len(samples)) : round(b * len(samples))] for name, samples in noise.items()}
        for split, a, b in _SPLITS
    }
    for split in ("train", "dev"):
        for name, samples in parts[split].items():
            if len(samples) >= RATE:
                yield split, name, samples
    long = {name: samples for name, samples in parts["test"].items() if len(samples) >= RATE}
    if not long:
        long = {name: np.resize(samples, RATE) for name, samples in parts["test"].items() if len(samples)}
    rng = np.random.default_rng(seed)
    for i in range(n_test):
        name = str(rng.choice(sorted(long)))
        start = int(rng.integers(len(long[name]) - RATE + 1))
        yield "test", f"{name}-{i}", long[name][start : start + RATE]
