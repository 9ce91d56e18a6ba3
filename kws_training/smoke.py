"""Speak a small data set with the machine's synthesisers, so that the trainer can be tried without a recording.

Synthetic speakers are far easier than people: accuracy on them says that the tool works, and nothing about a model.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from kws_training.data_settings import SpokenSettings
from kws_training.prepare import one_second
from kws_training.report import say
from kws_training.synthesis import Style, synthesise, training_styles
from voice.errors import DataError
from voice.events import RATE, Samples

_LEVEL = 0.3  # peak
_SILENT = 0.01  # share of the peak below which the ends of a word are cut off
_FLITE = ("kal", "kal16", "awb")


def speak(settings: SpokenSettings, folder: Path) -> Path:
    """Write `folder/<word>/<voice>_nohash_<n>.wav` for every word and voice, and return the folder.

    Raises:
        DataError: no synthesiser is installed, or the disk is full.
    """
    done = folder / "spoken.json"
    wanted = settings.model_dump_json()
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    styles = voices(settings.n_voices, settings.seed)
    say(f"speaks {len(settings.words) + len(settings.others)} words with {len(styles)} voices")
    jobs = [(word, n, style) for word in (*settings.words, *settings.others) for n, style in enumerate(styles)]
    try:
        for word in (*settings.words, *settings.others):
            (folder / word).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: _write(folder, *job), jobs))
        done.write_text(wanted, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}", fix="free disk space, or name another --work") from error
    return folder


def voices(n_voices: int, seed: int) -> list[Style]:
    """Return speakers of espeak-ng, or of flite where that is what is installed.

    Raises:
        DataError: neither is.
    """
    rng = np.random.default_rng(seed)
    if shutil.which("espeak-ng"):
        return training_styles(rng, n_voices, recorded_share=0.0)
    if not shutil.which("flite"):
        raise DataError("no synthesiser is installed", fix="apt-get install espeak-ng, or name recordings instead")
    styles = []
    for n in range(n_voices):
        pace, pitch, tract = int(rng.integers(120, 200)), int(rng.integers(10, 90)), float(rng.uniform(0.85, 1.3))
        styles.append(Style(f"flite:{_FLITE[n % len(_FLITE)]}", pace, pitch, tract))
    return styles


def _write(folder: Path, word: str, number: int, style: Style) -> None:
    import soundfile  # noqa: PLC0415 - slow to import

    speaker = "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in style.voice)
    samples = centred(synthesise(word, style))
    soundfile.write(folder / word / f"{speaker}_nohash_{number}.wav", samples, RATE, subtype="PCM_16")


def centred(samples: Samples) -> Samples:
    """Return one second with the word in its middle, at one level."""
    peak = float(np.abs(samples).max(initial=0.0)) or 1.0
    loud = np.flatnonzero(np.abs(samples) > _SILENT * peak)
    word = samples[loud[0] : loud[-1] + 1][:RATE] if len(loud) else samples[:RATE]
    padded = np.pad(word, ((RATE - len(word)) // 2, 0))
    return one_second(padded * (_LEVEL / peak))
