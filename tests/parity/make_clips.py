"""Make the clips of the parity test: `python tests/parity/make_clips.py` (needs flite and espeak-ng)."""

import subprocess
import tempfile
from pathlib import Path

import soundfile
import soxr

CLIPS = Path(__file__).parent / "clips"
FLITE = {"yes": "slt", "stop": "rms", "left": "slt", "computer-turn-on-the-kitchen-light": "rms"}
ESPEAK = {"off": "en-us+f2", "set-a-timer-for-five-minutes": "en-gb-scotland+m3"}


def write(name: str, command: list[str]) -> None:
    """Run a synthesiser that writes a WAV and keep it as 16 kHz FLAC with half a second of silence around it."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as spoken:
        subprocess.run([part.replace("OUT", spoken.name) for part in command], check=True, stdout=subprocess.DEVNULL)
        samples, rate = soundfile.read(spoken.name, dtype="float32")
    samples = soxr.resample(samples, rate, 16_000)
    padded = [0.0] * 4000 + list(samples) + [0.0] * 4000
    soundfile.write(CLIPS / f"{name}.flac", padded, 16_000, subtype="PCM_16")


if __name__ == "__main__":
    CLIPS.mkdir(exist_ok=True)
    for name, voice in FLITE.items():
        write(name, ["flite", "-voice", voice, "-t", name.replace("-", " "), "-o", "OUT"])
    for name, voice in ESPEAK.items():
        write(name, ["espeak-ng", "-v", voice, "-w", "OUT", name.replace("-", " ")])
