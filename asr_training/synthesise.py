"""Spoken assistant sentences from free synthesisers: espeak-ng, flite and festival.

Synthetic speech gives a small recogniser the words and phrases of an assistant. Five voices stay out of every training,
so that they can be used to evaluate (`HELD_OUT`).
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr_training.sentences import WAKE_WORD, mixture, read_sentences
from voice.errors import DataError
from voice.events import RATE, Samples

HELD_OUT = frozenset(
    {"flite:slt", "flite:rms", "festival:ked_diphone", "espeak-ng:en-us+f2", "espeak-ng:en-gb-scotland+m3"}
)
"""Voices that nothing is trained on."""

_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
_VARIANTS = (*(f"m{i}" for i in range(1, 9)), *(f"f{i}" for i in range(1, 6)), "klatt", "klatt2", "klatt4", "steph")
_FLITE = ("kal", "kal16", "awb")
_WEIGHTS = {"commands": 0.55, "ha_intents": 0.12, "snips_nlu": 0.13, "slurp": 0.13, "clinc_oos": 0.07}
_SHARES = (("espeak-ng", 0.62), ("flite", 0.3), ("festival", 0.08))
_DISTORTED = 0.6  # share of clips with a room, a low-pass or noise


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is to be said, by whom, and how."""

    text: str
    voice: str
    rate: float
    """Speed relative to the voice's own."""
    pitch: float
    """0 to 1, low to high within the voice's range."""
    pause: bool = False
    """Whether a wake word is followed by a pause."""

    @property
    def spoken(self) -> str:
        """What the synthesiser gets."""
        return self.text.replace(f"{WAKE_WORD} ", f"{WAKE_WORD}, ", 1) if self.pause else self.text


def synthesise(texts: Path, out: Path, *, clips: int, seed: int) -> Path:
    """Write `clips` spoken sentences as FLAC with a manifest; what a former call wrote is kept and continued.

    Args:
        texts: `source<TAB>sentence` lines.
        out: folder of the corpus.
        clips: how many in the end.
        seed: of sentences, voices and rooms; a clip depends on it and on its number only.

    Returns:
        The manifest.

    Raises:
        DataError: the texts can't be read, a synthesiser is missing, or the disk is full.
    """
    engines = [(name, share) for name, share in _SHARES if shutil.which(name)]
    if not engines:
        raise DataError("no synthesiser is installed", fix="install espeak-ng, flite or festival")
    sentences = read_sentences(texts)
    manifest = out / "manifest.jsonl"
    try:
        (out / "audio").mkdir(parents=True, exist_ok=True)
        done = len(manifest.read_text(encoding="utf-8").splitlines()) if manifest.is_file() else 0
        with manifest.open("a", encoding="utf-8") as stream:
            for number in range(done, clips):
                rng = np.random.default_rng([seed, number])
                utterance = _draw(next(mixture(sentences, _WEIGHTS, rng)), engines, rng)
                samples = distort(speak(utterance), rng)
                name = f"audio/{number:06d}.flac"
                soundfile.write(out / name, samples, RATE, subtype="PCM_16")
                stream.write(json.dumps(_record(name, utterance, len(samples))) + "\n")
    except OSError as error:
        raise DataError(f"{out}: {error.strerror or error}", fix="free disk space or choose another folder") from error
    return manifest


def speak(utterance: Utterance) -> Samples:
    """Return the speech of one utterance at 16 kHz.

    Raises:
        DataError: the synthesiser is missing or fails.
    """
    engine, _, voice = utterance.voice.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        try:
            subprocess.run(  # noqa: S603 - fixed programs, text as an argument
                list(_command(engine, voice, utterance, path)), check=True, capture_output=True, timeout=60
            )
            samples, rate = soundfile.read(path, dtype="float32")
        except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError) as error:
            raise DataError(f"{utterance.voice}: {error}", fix=f"check that {engine} works") from error
    return soxr.resample(samples, rate, RATE).astype(np.float32)


def distort(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return the clip with silence around it and, most of the time, a room, a low-pass and a noise floor."""
    lead, tail = rng.uniform(0.05, 0.4, 2)
    audio = np.pad(samples, (int(lead * RATE), int(tail * RATE)))
    audio = audio / max(1e-3, float(np.abs(audio).max()))
    if rng.random() < _DISTORTED:
        audio = _room(audio, rng)
    if rng.random() < _DISTORTED / 2:
        audio = _low_pass(audio, rng.uniform(2800, 7000))
    floor = 10 ** (rng.uniform(-75, -40) / 20) * rng.standard_normal(len(audio))
    audio = audio * (10 ** (rng.uniform(-26, -3) / 20) / max(1e-3, float(np.abs(audio).max()))) + floor
    return np.clip(audio, -1, 1).astype(np.float32)


def _draw(text: str, engines: list[tuple[str, float]], rng: np.random.Generator) -> Utterance:
    shares = np.array([share for _, share in engines])
    engine = engines[rng.choice(len(engines), p=shares / shares.sum())][0]
    voice = next(voice for voice in _voices(engine, rng) if voice not in HELD_OUT)
    return Utterance(text, voice, float(rng.uniform(0.75, 1.25)), float(rng.uniform(0, 1)), bool(rng.random() < 0.4))


def _voices(engine: str, rng: np.random.Generator) -> Iterator[str]:
    while True:
        if engine == "espeak-ng":
            yield f"espeak-ng:{_ACCENTS[rng.integers(len(_ACCENTS))]}+{_VARIANTS[rng.integers(len(_VARIANTS))]}"
        elif engine == "flite":
            yield f"flite:{_FLITE[rng.integers(len(_FLITE))]}"
        else:
            yield "festival:kal_diphone"


def _command(engine: str, voice: str, utterance: Utterance, path: Path) -> Iterator[str]:
    if engine == "espeak-ng":
        words_a_minute, pitch = round(160 * utterance.rate), round(20 + 60 * utterance.pitch)
        yield from ("espeak-ng", "-v", voice, "-s", f"{words_a_minute}", "-p", f"{pitch}", "-w", f"{path}")
        yield utterance.spoken
    elif engine == "flite":
        hertz = (85 if voice.startswith("kal") else 105) + 50 * utterance.pitch
        yield from ("flite", "-voice", voice, "--setf", f"duration_stretch={1 / utterance.rate:.2f}")
        yield from ("--setf", f"int_f0_target_mean={hertz:.0f}", "-t", utterance.spoken, "-o", f"{path}")
    else:
        stretch = f"(Parameter.set 'Duration_Stretch {1 / utterance.rate:.2f})"
        save = f'(utt.save.wave (utt.synth (Utterance Text "{utterance.spoken}")) "{path}" \'riff)'
        yield from ("festival", "-b", f"(voice_{voice})", stretch, save)


def _room(audio: Samples, rng: np.random.Generator) -> Samples:
    """Convolve with an exponentially decaying noise: a room of random reverberation time and distance."""
    seconds = rng.uniform(0.1, 0.6)
    times = np.arange(int(seconds * RATE)) / RATE
    tail = rng.standard_normal(len(times)) * np.exp(-6.9 * times / seconds)  # -60 dB at the end
    response = tail * rng.uniform(0.02, 0.25) / np.sqrt(np.mean(np.square(tail)) * len(tail))
    response[0] = 1.0
    size = 1 << (len(audio) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size)[: len(audio)]


def _low_pass(audio: Samples, hertz: float) -> Samples:
    spectrum = np.fft.rfft(audio)
    frequency = np.fft.rfftfreq(len(audio), 1 / RATE)
    return np.fft.irfft(spectrum / (1 + (frequency / hertz) ** 8), len(audio))


def _record(name: str, utterance: Utterance, n_samples: int) -> dict[str, object]:
    return {
        "audio": name,
        "text": utterance.text,
        "speaker": utterance.voice,
        "split": "train",
        "duration": round(n_samples / RATE, 3),
        "corpus": "synthetic",
        "licence": "CC BY 4.0",  # SLURP and Home Assistant sentences; CLINC's are CC BY 3.0
    }
