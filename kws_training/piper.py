"""Piper's neural voices, where the user has them: the program `piper` and a folder of `NAME.onnx`, `NAME.onnx.json`.

A voice is written `piper:PATH.onnx`, or `piper:PATH.onnx#7` for speaker 7 of a model of several. Piper is run without
its random variation of rhythm and timbre, so that a style always sounds the same.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from voice.errors import DataError

MOST_SPEAKERS = 200
"""Of one model: the first."""

_NATURAL = 170  # words a minute at length scale 1


def piper_voices(folder: Path) -> list[str]:
    """Return the English voices in a folder and below it, one for each speaker.

    Raises:
        DataError: Piper isn't installed, the folder holds no English voice, or a voice lacks its settings.
    """
    program()
    voices: list[str] = []
    for model in sorted(folder.rglob("*.onnx")):
        settings = _settings(model)
        language = _within(settings, "language", "code") or _within(settings, "espeak", "voice") or model.name
        if not language.lower().startswith("en"):
            continue
        stated = settings.get("num_speakers")
        n_speakers = stated if isinstance(stated, int) else 1
        several = [f"piper:{model}#{speaker}" for speaker in range(min(n_speakers, MOST_SPEAKERS))]
        voices += several if n_speakers > 1 else [f"piper:{model}"]
    if not voices:
        fix = "put NAME.onnx and NAME.onnx.json of an English Piper voice there"
        raise DataError(f"{folder} holds no English Piper voice", fix=fix)
    return voices


def model_names(voices: Sequence[str]) -> list[str]:
    """Return the models that voices are of, as `piper_voices` writes them, without folder and suffix."""
    return list(dict.fromkeys(Path(voice.removeprefix("piper:").partition("#")[0]).stem for voice in voices))


def _within(settings: dict[str, object], key: str, inner: str) -> str:
    found = settings.get(key)
    return str(found.get(inner) or "") if isinstance(found, dict) else ""


def _settings(model: Path) -> dict[str, object]:
    path = model.with_name(f"{model.name}.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} can't be read ({error})", fix="download it beside the voice") from error
    if not isinstance(settings, dict):
        raise DataError(f"{path} holds no settings of a voice", fix="download it again")
    return settings


@lru_cache(maxsize=1)
def program() -> str:
    """Return the program `piper`, from the path or beside this Python.

    Raises:
        DataError: it isn't installed; the mouse configurator of the same name doesn't count.
    """
    beside = Path(sys.executable).with_name("piper")
    for found in (shutil.which("piper"), str(beside) if beside.exists() else None):
        if found and b"--model" in _help(found):
            return found
    raise DataError("Piper isn't installed", fix="pip install piper-tts, or leave --piper out")


def _help(found: str) -> bytes:
    try:
        done = subprocess.run([found, "--help"], capture_output=True, check=False, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return b""
    return done.stdout + done.stderr


def command(voice: str, words_per_minute: float, path: str) -> list[str]:
    """Return the call that says what it reads from standard input, by a voice as `piper_voices` writes it.

    Args:
        voice: behind `piper:`.
        words_per_minute: of English.
        path: the WAV file to write.
    """
    model, _, speaker = voice.partition("#")
    pace = ["--length_scale", f"{_NATURAL / words_per_minute:.3f}", "--noise_scale", "0", "--noise_w", "0"]
    which = ["--speaker", speaker] if speaker else []
    return [program(), "--model", model, "--output_file", path, *which, *pace]
