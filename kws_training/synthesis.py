"""Say words and sentences with the free synthesisers of the machine: espeak-ng, flite, festival.

A voice is written `engine:name` (`espeak-ng:en-us+f2`, `flite:kal16`, `festival:kal_diphone`).
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voice.errors import DataError
from voice.events import RATE, Samples

HELD_OUT = (
    "flite:slt",
    "flite:rms",
    "festival:ked_diphone",
    "espeak-ng:en-us+f2",
    "espeak-ng:en-gb-scotland+m3",
)
"""Voices that no training hears; they only judge."""

_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc", "en-gb-scotland")
_VARIANTS = (
    "m1 m2 m4 m5 m6 m7 m8 f1 f3 f4 f5 adam Alex Alicia Andrea Andy Annie announcer anika antonio aunty belinda "
    "benjamin boris caleb david ed edward Gene grandma grandpa gustave Hugo iven2 john klatt2 klatt4 Lee linda "
    "max Michael michel Mike norbert pablo paul quincy rob robert sandro shelby steph travis victor whisperf zac"
).split()


@dataclass(frozen=True, slots=True)
class Style:
    """A voice and how it speaks."""

    voice: str
    words_per_minute: int = 160
    pitch: int = 50
    """espeak-ng's 0 to 99."""


def training_styles(rng: np.random.Generator, n_styles: int) -> list[Style]:
    """Return random styles of the voices that training may hear; one in twelve isn't espeak-ng's."""
    others = ("flite:kal", "flite:kal16", "flite:awb", "festival:kal_diphone")
    styles = []
    while len(styles) < n_styles:
        voice = f"espeak-ng:{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}"
        if rng.random() < 1 / 12:
            voice = str(rng.choice(others))
        if voice not in HELD_OUT:
            styles.append(Style(voice, int(rng.integers(110, 215)), int(rng.integers(15, 85))))
    return styles


def synthesise(text: str, style: Style) -> Samples:
    """Return the spoken text, mono at 16 kHz.

    Raises:
        DataError: the synthesiser isn't installed or fails.
    """
    import soundfile  # noqa: PLC0415 - slow to import
    import soxr  # noqa: PLC0415

    try:
        with tempfile.TemporaryDirectory() as folder:  # festival can't write a whole WAV to a pipe
            path = Path(folder) / "spoken.wav"
            command, stdin = _command(text, style, str(path))
            subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60)  # noqa: S603
            samples, rate = soundfile.read(path, dtype="float32")
    except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError) as error:
        raise DataError(
            f"{style.voice} can't say {text!r} ({error})", fix=f"install {style.voice.partition(':')[0]}"
        ) from error
    return np.asarray(samples if rate == RATE else soxr.resample(samples, rate, RATE), np.float32)


def _command(text: str, style: Style, path: str) -> tuple[list[str], bytes]:
    engine, _, voice = style.voice.partition(":")
    if engine == "espeak-ng":
        speed, pitch = str(style.words_per_minute), str(style.pitch)
        return ["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "-w", path, text], b""
    stretch = f"{160 / style.words_per_minute:.2f}"
    if engine == "flite":
        return ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", path], b""
    if engine == "festival":
        setup = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {stretch}))"
        return ["text2wave", "-eval", setup, "-o", path], text.encode()
    raise DataError(f"no synthesiser {engine!r}", fix="use espeak-ng, flite or festival")
