"""Make the demo's recordings: `python -m voice.demo.synthesise`. Needs espeak-ng, flite, festival with ked_diphone.

A voice is named `program:voice`. None of the voices used here had a part in any training.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from voice.audio.files import read_audio
from voice.events import RATE
from voice.yaml12 import read_yaml

HERE = Path(__file__).parent


def synthesise(voice: str, text: str, path: Path) -> None:
    """Write `text` spoken by `voice` as a WAV file.

    Raises:
        FileNotFoundError: the program is not installed.
        subprocess.CalledProcessError: it refuses.
        ValueError: the program is none of the three.
    """
    program, _, name = voice.partition(":")
    if program == "espeak-ng":
        command = ["espeak-ng", "-v", name, "-s", "150", "-w", str(path), text]
        subprocess.run(command, check=True)  # noqa: S603
    elif program == "flite":
        subprocess.run(["flite", "-voice", name, "-t", text, "-o", str(path)], check=True)  # noqa: S603, S607
    elif program == "festival":
        command = ["text2wave", "-eval", f"(voice_{name})", "-o", str(path)]
        subprocess.run(command, input=text.encode(), check=True)  # noqa: S603
    else:
        raise ValueError(f"no program {program!r}: use espeak-ng, flite or festival")


def main() -> None:
    """Write every recording of `script.yaml` beside it, as 16 kHz mono FLAC."""
    for step in read_yaml(HERE / "script.yaml"):
        for clip in step["play"]:
            with tempfile.TemporaryDirectory() as folder:
                wav = Path(folder) / "speech.wav"
                synthesise(clip["voice"], clip["text"], wav)
                samples = read_audio(wav)
            soundfile.write(HERE / f"{clip['file']}.flac", samples * (0.3 / abs(samples).max()), RATE, "PCM_16")
            sys.stdout.write(f"{clip['file']}.flac  {len(samples) / RATE:.1f} s\n")


if __name__ == "__main__":
    main()
