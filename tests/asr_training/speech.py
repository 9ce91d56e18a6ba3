"""The demo's recordings and what is said in them: real input for the shipped recogniser."""

from pathlib import Path

import soundfile

import voice.demo
from voice.yaml12 import read_yaml

FOLDER = Path(voice.demo.__file__).parent
TEXTS = {
    part["file"]: part["text"] for step in read_yaml(FOLDER / "script.yaml") for part in step["play"] if "text" in part
}


def transcribed(folder: Path, *names: str, suffix: str = "wav") -> Path:
    """Write recordings with a `.txt` beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        samples, rate = soundfile.read(FOLDER / f"{name}.flac")
        soundfile.write(folder / f"{name}.{suffix}", samples, rate)
        (folder / f"{name}.txt").write_text(TEXTS[name])
    return folder
