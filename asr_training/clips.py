"""The utterances that an evaluation is made of, and what is known about each."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr_training.manifest import Utterance, corpora, read_manifest
from voice.errors import DataError
from voice.events import Samples
from voice.text import ENGLISH_CHARACTERS, normalise

_FRAME_S = 0.02
_QUIET, _LOUD = 0.1, 0.9  # quantiles of the power of frames
_LENGTHS = (2.0, 5.0, 10.0, 20.0)
_RATIOS = (10.0, 20.0, 30.0, 40.0)
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance to recognise."""

    audio: Path
    corpus: str
    speaker: str
    """The file where the corpus does not name its speakers."""
    speaker_known: bool
    sex: str
    """female, male or unknown."""
    reference: str


def clip_of(folder: Path, utterance: Utterance, alphabet: Collection[str] = ENGLISH_CHARACTERS) -> Clip:
    """Return an utterance of the corpus in `folder`, its text as a recogniser with this alphabet may write it."""
    return Clip(
        audio=folder / utterance.audio,
        corpus=folder.name,
        speaker=utterance.speaker or utterance.audio,
        speaker_known=utterance.speaker is not None,
        sex=_SEXES.get((utterance.gender or "").lower(), "unknown"),
        reference=normalise(utterance.text or "", alphabet),
    )


def chosen_utterances(data: Path, split: str, limit: int | None, seed: int) -> list[tuple[Path, Utterance]]:
    """Return the transcribed utterances of a split with their corpus's folder, at most `limit`, drawn by `seed`.

    None is left out for being long, short or fast: the filters of training would flatter the figures.

    Raises:
        DataError: there is none.
    """
    found = [
        (folder, utterance)
        for folder in corpora(data)
        for utterance in read_manifest(folder)
        if (utterance.split or "train") == split and any(c.isalnum() for c in utterance.text or "")
    ]
    if not found:
        raise DataError(f"{data}: no utterance in split {split!r}", fix="give another --split")
    order = np.random.default_rng(seed).permutation(len(found))[:limit]
    return [found[i] for i in sorted(order)]


def with_split(data: Path, split: str) -> list[Path]:
    """Return the corpora below `data` that hold a transcribed utterance of the split: each is measured on its own.

    Raises:
        DataError: none does.
    """
    return list(dict.fromkeys(folder for folder, _ in chosen_utterances(data, split, None, seed=1)))


def snr_db(samples: Samples, rate: int) -> float:
    """Return an estimate of the ratio of speech to noise from the recording alone, dB.

    The power of the loudest tenth of the frames less that of the quietest tenth, over the latter. It is too high where
    a codec or an editor has silenced the pauses, and says nothing of a recording without pauses.

    Args:
        samples: one utterance.
        rate: samples per second.
    """
    length = int(_FRAME_S * rate)
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    if not len(frames):
        return float("nan")
    power = np.sort(np.mean(frames.astype(np.float64) ** 2, axis=1))
    noise = power[: max(1, int(_QUIET * len(power)))].mean() + 1e-10  # a digital silence is -100 dB
    speech = power[min(len(power) - 1, int(_LOUD * len(power))) :].mean()
    return float(10 * np.log10(max(speech - noise, 1e-10) / noise))


def length_group(seconds: float) -> str:
    """Return the name of the group of lengths that `seconds` is in."""
    return _group(seconds, _LENGTHS, "s")


def snr_group(ratio: float) -> str:
    """Return the name of the group of signal-to-noise ratios, given in dB."""
    return _group(ratio, _RATIOS, "dB")


def _group(value: float, edges: tuple[float, ...], unit: str) -> str:
    if not np.isfinite(value):
        return "unknown"
    for low, high in zip((None, *edges), (*edges, None), strict=True):
        if high is None or value < high:
            below, above = f"below {high:g} {unit}" if high else "", f"{edges[-1]:g} {unit} and more"
            return below if low is None else above if high is None else f"{low:g} to {high:g} {unit}"
    raise AssertionError(value)
