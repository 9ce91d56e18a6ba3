"""Say words and sentences with the free synthesisers of the machine: espeak-ng, flite, festival, SVOX pico, Piper.

A voice is written `engine:name` (`espeak-ng:en-us+f2`, `flite:kal16`, `festival:kal_diphone`, `pico:en-GB`); Piper's as
in `piper.py`.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kws_training import piper
from kws_training.pronounce import INSTALL
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

_HELD_OUT_SPEAKERS = frozenset({"slt", "rms", "ked"})
"""The people behind them, whatever engine carries their voice."""

_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc", "en-gb-scotland")
_VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 adam Alex Alicia Andrea Andy Annie announcer anika antonio aunty belinda "
    "benjamin boris caleb david ed edward Gene grandma grandpa gustave Hugo iven2 john klatt klatt2 klatt3 klatt4 Lee "
    "linda max Michael michel Mike norbert pablo paul quincy rob robert sandro shelby steph travis victor whisperf zac "
    "croak whisper Denis Diogo Gene2 iven Jacky marcelo Marco Mario miguel Nguyen pedro RicishayMax RicishayMax2 Storm "
    "Tweaky AnxiousAndy"
).split()
"""Of espeak-ng 1.51's 99 variants all but the robots and those that sound like another one listed."""
_RECORDED = {"flite": ("kal", "kal16", "awb"), "pico": ("en-US", "en-GB", "de-DE")}
"""Voices that were cut or trained from recordings of people; festival's are those that are installed."""
_FESTIVAL = ("kal", "rab", "don", "cmu_us", "nitech_us", "us1", "us2", "us3", "en1")
"""Beginnings of the names of English voices."""
_FLUENT = ("flite:awb", "pico:en-US", "pico:en-GB", "pico:de-DE")
"""Those that run words together as people do."""
_PROGRAMS = {"espeak-ng": "espeak-ng", "flite": "flite", "festival": "text2wave", "pico": "pico2wave"}
NO_SYNTHESISER = "no speech synthesiser is installed"
_INSTALLED_BY = {
    "espeak-ng": "apt install espeak-ng",
    "flite": "apt install flite",
    "festival": "apt install festival festvox-kallpc16k festvox-kdlpc16k",
    "pico": "apt install libttspico-utils",
    "piper": "pip install piper-tts, and check the voice",
}


@dataclass(frozen=True, slots=True)
class Style:
    """A voice and how it speaks."""

    voice: str
    words_per_minute: int = 160
    pitch: int = 50
    """0 to 99, low to high; 50 is the voice's own."""
    tract: float = 1.0
    """Formants and pitch times this, as of a shorter vocal tract: 1.2 makes a man sound like a woman or a child."""


def engines() -> list[str]:
    """Return the synthesisers that are installed, Piper aside."""
    return [engine for engine, program in _PROGRAMS.items() if shutil.which(program)]


def recorded_voices() -> list[str]:
    """Return the installed voices that training may hear and that were made from recordings, Piper's aside."""
    installed = engines()
    voices = [f"{engine}:{voice}" for engine in _RECORDED if engine in installed for voice in _RECORDED[engine]]
    return voices + (_festival_voices() if "festival" in installed else [])


@lru_cache(maxsize=1)
def _festival_voices() -> list[str]:
    command = ["festival", "-b", "(print (voice.list))"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    names = sorted(listed.replace("(", " ").replace(")", " ").split())
    return [
        f"festival:{name}"
        for name in names
        if name.startswith(_FESTIVAL) and _HELD_OUT_SPEAKERS.isdisjoint(name.split("_"))
    ]


def training_styles(
    rng: np.random.Generator,
    n_styles: int,
    recorded_share: float = 0.45,
    neural: Sequence[str] = (),
    neural_share: float = 0.3,
) -> list[Style]:
    """Return random styles of the installed voices that training may hear.

    Args:
        rng: of the choice.
        n_styles: how many.
        recorded_share: share of the voices that aren't espeak-ng's, which are few but sound more like people.
        neural: Piper's voices to take in, as `piper_voices` lists them.
        neural_share: their share, where there are any; all, where there is nothing else.

    Raises:
        DataError: no synthesiser is installed.
    """
    recorded = recorded_voices()
    if "espeak-ng" not in engines():
        recorded_share = 1.0
        if not recorded:
            neural_share = 1.0
            if not neural:
                what = "the installed synthesisers have no voice for training" if engines() else NO_SYNTHESISER
                raise DataError(what, fix=f"run {INSTALL}")
    styles: list[Style] = []
    while len(styles) < n_styles:
        pace, pitch = _manner(rng)
        if neural and rng.random() < neural_share:
            styles.append(Style(str(rng.choice(neural)), pace, _OWN_PITCH, _tract(rng, 0.9, 1.2)))
        elif recorded and rng.random() < recorded_share:
            styles.append(Style(str(rng.choice(recorded)), pace, pitch, _tract(rng, 0.85, 1.35)))
        else:
            voice = f"espeak-ng:{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}"
            if voice not in HELD_OUT:
                styles.append(Style(voice, pace, pitch, _tract(rng, 0.92, 1.15)))
    return styles


def fluent_styles(rng: np.random.Generator, n_styles: int, neural: Sequence[str] = ()) -> list[Style]:
    """Return random styles of the voices that speak most like people; any recorded one where those aren't installed.

    Raises:
        DataError: no synthesiser is installed.
    """
    recorded = recorded_voices()
    voices = [voice for voice in _FLUENT if voice in recorded] + list(neural) or recorded
    if not voices:
        return training_styles(rng, n_styles)  # espeak-ng's
    return [Style(str(rng.choice(voices)), *_manner(rng), _tract(rng, 0.85, 1.35)) for _ in range(n_styles)]


def _manner(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(110, 215)), int(rng.integers(5, 95))


def _tract(rng: np.random.Generator, least: float, most: float) -> float:
    return round(float(rng.uniform(least, most)), 3)


def synthesise(text: str, style: Style) -> Samples:
    """Return the spoken text, mono at 16 kHz.

    Raises:
        DataError: the synthesiser isn't installed or fails.
    """
    import soundfile  # noqa: PLC0415 - slow to import

    try:
        with tempfile.TemporaryDirectory() as folder:  # festival can't write a whole WAV to a pipe
            path = Path(folder) / "spoken.wav"
            command, stdin = _command(text, style, str(path))
            subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60)  # noqa: S603
            samples, rate = soundfile.read(path, dtype="float32")
    except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError) as error:
        how = _INSTALLED_BY.get(style.voice.partition(":")[0], INSTALL)
        raise DataError(f"{style.voice} can't say {text!r} ({error})", fix=how) from error
    return resample(samples, style.tract, rate)


def resample(samples: Samples, tract: float, rate: int = RATE) -> Samples:
    """Return samples of `rate` at 16 kHz, faster and higher by `tract`."""
    import soxr  # noqa: PLC0415 - slow to import

    if rate == RATE and tract == 1:
        return np.asarray(samples, np.float32)
    return np.asarray(soxr.resample(samples, rate * tract, RATE), np.float32)


def _command(text: str, style: Style, path: str) -> tuple[list[str], bytes]:
    engine, _, voice = style.voice.partition(":")
    pace = style.words_per_minute / style.tract  # the tract's resampling makes it faster
    hertz = (70 + 2.2 * style.pitch) / style.tract
    if engine == "espeak-ng":
        return ["espeak-ng", "-v", voice, "-s", f"{pace:.0f}", "-p", str(style.pitch), "-w", path, text], b""
    if engine == "flite":
        pitch = [] if style.pitch == _OWN_PITCH else ["--setf", f"int_f0_target_mean={hertz:.0f}"]
        stretch = f"duration_stretch={160 / pace:.2f}"
        return ["flite", "-voice", voice, "--setf", stretch, *pitch, "-t", text, "-o", path], b""
    if engine == "festival":
        melody = "" if style.pitch == _OWN_PITCH else f"(set! int_lr_params '({_MELODY.format(hertz, hertz / 7)}))"
        setup = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {160 / pace:.2f}) {melody})"
        return ["text2wave", "-eval", setup, "-o", path], text.encode()
    if engine == "piper":
        return piper.command(voice, pace, path), f"{text}\n".encode()
    if engine == "pico":
        tags = f'<speed level="{100 * pace / 160:.0f}"><pitch level="{50 + style.pitch}">{text}</pitch></speed>'
        return ["pico2wave", "-l", voice, "-w", path, tags], b""
    raise DataError(f"no synthesiser {engine!r}", fix="use espeak-ng, flite, festival, pico or piper")


_OWN_PITCH = 50
_MELODY = "(target_f0_mean {:.0f}) (target_f0_std {:.0f}) (model_f0_mean 170) (model_f0_std 34)"
