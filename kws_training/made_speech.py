"""Speech and noise of the machine's own making, for those who have no recordings of either.

WORK/made-speech   sentences that the installed voices say      WORK/made-noise   pink, white and brown noise, hum

They teach a wake word what it isn't where `kws-train prepare` never ran. What people's speech does to it, they can't
say.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.feature_store import Bytes, audio_bytes, write_store
from kws_training.keyword_data import COMMAND_SENTENCES, Phrase, say_phrase
from kws_training.noise_sweep import pink
from kws_training.report import say
from kws_training.synthesis import training_styles
from kws_training.tracking import ticks
from kws_training.word_rates import shipped_pairs
from voice.events import RATE, Samples

SPEECH, NOISE = "made-speech", "made-noise"
_N_SENTENCES = 1200
_COMMANDS = 0.3  # share of the sentences
_WORDS = (5, 13)
_N_NOISES, _NOISE_S = 24, 15


def prepare_noise(work: Path) -> None:
    """Write the store of noise, where it is missing."""
    if not (work / NOISE / "clips.jsonl").exists():
        say(f"{NOISE}: {write_store(work / NOISE, _noises())} clips")


def prepare_speech(
    work: Path, seed: int, *, neural: Sequence[str] = (), n_sentences: int = _N_SENTENCES, n_processes: int = 1
) -> None:
    """Write the store of sentences, where it is missing; `neural` are Piper's voices that say some of them.

    Raises:
        DataError: no synthesiser is installed.
    """
    if not (work / SPEECH / "clips.jsonl").exists():
        entries = ticks(_sentences(seed, n_sentences, neural, n_processes), "speaking sentences", n_sentences)
        say(f"{SPEECH}: {write_store(work / SPEECH, entries)} clips")


def _sentences(
    seed: int, n_sentences: int, neural: Sequence[str], n_processes: int
) -> Iterator[tuple[dict[str, Any], Bytes]]:
    rng = np.random.default_rng(seed)
    walk = _Walk(rng)
    texts = []
    for _ in range(n_sentences):
        commands = " and ".join(str(rng.choice(COMMAND_SENTENCES)) for _ in range(2))
        texts.append(commands if rng.random() < _COMMANDS else walk(int(rng.integers(*_WORDS))))
    styles = training_styles(rng, n_sentences, neural=neural)
    jobs = zip([Phrase("", "", text) for text in texts], styles, strict=True)
    with ProcessPoolExecutor(n_processes) as pool:
        for fields, frames in pool.map(say_phrase, jobs, chunksize=20):
            yield {**fields, "label": "speech"}, frames


class _Walk:
    """Draws texts, each word by the one before, with the shipped language model's pairs of words."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        following: dict[str, tuple[list[str], list[float]]] = defaultdict(lambda: ([], []))
        for first, second, share in shipped_pairs():
            words, shares = following[first]
            words.append(second)
            shares.append(share)
        self._following = {first: (words, list(accumulate(shares))) for first, (words, shares) in following.items()}
        self._first = list(self._following)
        self._weights = list(accumulate(sums[-1] for _, sums in self._following.values()))

    def __call__(self, n_words: int) -> str:
        text: list[str] = []
        for _ in range(n_words):
            known = self._following.get(text[-1]) if text else None
            words, sums = known or (self._first, self._weights)
            text.append(words[min(bisect(sums, self._rng.random() * sums[-1]), len(words) - 1)])
        return " ".join(text)


def _noises() -> Iterator[tuple[dict[str, Any], Bytes]]:
    rng = np.random.default_rng(0)
    kinds = (pink, _white, _brown, _hum)
    for number in range(_N_NOISES):
        kind = kinds[number % len(kinds)]
        samples = kind(rng, _NOISE_S * RATE)
        slow = np.repeat(rng.uniform(0.3, 1, _NOISE_S * 2), RATE // 2)  # now louder, now softer
        level = 10 ** (rng.uniform(-50, -20) / 20) / float(np.std(samples))
        frames = audio_bytes((samples * slow * level).astype(np.float32))
        cut = int(0.8 * len(frames))
        for split, part in (("train", frames[:cut]), ("dev", frames[cut:])):
            name = f"{kind.__name__.strip('_')} {number}"
            yield {"label": "noise", "split": split, "group": name, "name": name, "keyword_end": -1}, part


def _white(rng: np.random.Generator, n_samples: int) -> Samples:
    return rng.normal(size=n_samples).astype(np.float32)


def _brown(rng: np.random.Generator, n_samples: int) -> Samples:
    walked = np.cumsum(rng.normal(size=n_samples))
    window = RATE // 20  # what changes more slowly than 20 Hz goes
    return (walked - np.convolve(walked, np.ones(window) / window, mode="same")).astype(np.float32)


def _hum(rng: np.random.Generator, n_samples: int) -> Samples:
    time = np.arange(n_samples) / RATE
    hertz = float(rng.choice([50, 60, 100, 120]))
    waves = [np.sin(2 * np.pi * hertz * n * time + rng.uniform(0, 6.28)) / n for n in range(1, 30)]
    return (np.sum(waves, axis=0) + 0.05 * rng.normal(size=n_samples)).astype(np.float32)
