"""What a finished wake word is tried on: its phrase in five conditions, said by whom it never heard if there is any.

The trials go through the bundle as the loop runs it, from audio.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kws_training.corpora import Recording, read_samples
from kws_training.keyword_data import COMMAND_SENTENCES
from kws_training.noise_sweep import Noise, babble, mix, pink
from kws_training.synthesis import HELD_OUT, Style, resample, synthesise
from kws_training.telephone import by_telephone
from voice.errors import DataError
from voice.events import RATE, Chunk, Samples
from voice.models.bundle import Bundle
from voice.models.wake import StreamingWakeDetector

CONDITIONS = ("clean", "noise 10 dB", "babble 10 dB", "reverberation", "telephone, 8 kHz")
_MOST_TRIALS = 60  # of a set
_SNR_DB = 10.0
_T60_S = 0.5
_TELEPHONE_HERTZ = (300.0, 3400.0)
_BEFORE_S, _AFTER_S = 1.2, 1.0
_FLOOR = 3e-4  # amplitude of the noise of a quiet room
_PACES = (130, 160, 190)  # words a minute
_TALKERS = 12


@dataclass(frozen=True, slots=True)
class Trials:
    """Recordings that hold the phrase once."""

    name: str
    note: str
    """Who speaks, and what that means for the figures."""
    clips: tuple[Samples, ...]
    names: tuple[str, ...]


def held_out_takes(takes: Sequence[Recording]) -> Trials | None:
    """Return takes of speakers that nothing was learnt from; None where there are none."""
    some = list(takes)[:_MOST_TRIALS]
    clips = tuple(read_samples(take.path) for take in some)
    note = "recordings of speakers whom nothing was learnt from"
    return Trials("held-out takes", note, clips, tuple(take.path.name for take in some)) if some else None


def takes_anew(takes: Sequence[Recording], seed: int) -> Trials | None:
    """Return the takes that were learnt from, by another vocal tract, level and pace; None where there are none."""
    if not takes:
        return None
    rng = np.random.default_rng(seed)
    rows = [takes[i % len(takes)] for i in range(min(_MOST_TRIALS, max(20, len(takes))))]
    clips = tuple(
        resample(read_samples(take.path), float(rng.uniform(0.9, 1.15))) * np.float32(10 ** (rng.uniform(-15, 0) / 20))
        for take in rows
    )
    note = "the takes that were learnt from, varied anew: optimistic, other people are missed more often"
    return Trials("takes varied anew", note, clips, tuple(take.path.name for take in rows))


def synthetic_trials(phrase: str, seed: int) -> Trials | None:
    """Return the phrase by the installed voices that no training hears, alone and with a command; None without any."""
    rng = np.random.default_rng(seed)
    clips, names = [], []
    for voice in held_out_voices():
        for pace in _PACES:
            for text in (phrase, f"{phrase} {rng.choice(COMMAND_SENTENCES)}"):
                clips.append(synthesise(text, Style(voice, pace)))
                names.append(f"{voice} {pace} {text}")
    note = "synthetic voices that no training hears: a hint, not what people will find"
    return Trials("held-out voices", note, tuple(clips), tuple(names)) if clips else None


def held_out_voices() -> list[str]:
    """Return the installed ones of the voices that only judge."""
    found = []
    for voice in HELD_OUT:
        try:
            synthesise("one", Style(voice))
        except DataError:
            continue
        found.append(voice)
    return found


def talkers(voices: Sequence[str], seed: int) -> Noise | None:
    """Return babble of synthetic voices; None without any."""
    rng = np.random.default_rng(seed)
    if not voices:
        return None
    said = [" and ".join(rng.choice(COMMAND_SENTENCES, 3)) for _ in range(_TALKERS)]
    return babble([synthesise(text, Style(voices[i % len(voices)])) for i, text in enumerate(said)])


def in_condition(samples: Samples, condition: str, rng: np.random.Generator, babble_of: Noise | None) -> Samples | None:
    """Return a recording in a quiet room, changed as one of `CONDITIONS` says; None where that can't be made."""
    quiet = [rng.normal(0, _FLOOR, round(seconds * RATE)).astype(np.float32) for seconds in (_BEFORE_S, _AFTER_S)]
    padded = np.concatenate([quiet[0], samples, quiet[1]])
    if condition == "noise 10 dB":
        return mix(padded, pink(rng, len(padded)), _SNR_DB)
    if condition == "babble 10 dB":
        return babble_of and mix(padded, babble_of(rng, len(padded)), _SNR_DB)
    if condition == "reverberation":
        return _reverberant(padded, rng)
    return by_telephone(padded, _TELEPHONE_HERTZ) if condition.startswith("telephone") else padded


def _reverberant(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return samples with a diffuse tail as strong as the direct sound (Polack's model)."""
    n_tail = round(_T60_S * RATE)
    tail = rng.normal(size=n_tail) * 10 ** (-3 * np.arange(n_tail) / n_tail)
    response = np.concatenate([[1.0], tail / np.sqrt(np.square(tail).sum())])
    size = len(samples) + n_tail
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: len(samples)]
    return np.asarray(heard / max(1.0, float(np.abs(heard).max())), np.float32)


def scorer(bundle: Bundle) -> Callable[[Samples], float]:
    """Return a function that gives the highest smoothed score of a recording."""
    detector = StreamingWakeDetector(bundle)

    def score(samples: Samples) -> float:
        detector.reset()
        return max((score for _, score in detector.scores(Chunk(samples, 0))), default=0.0)

    return score
