"""Picovoice's Porcupine as a wake detector; the only importer of `pvporcupine`.

Version 1.9.5 is the last that needs no access key. From version 2 on the library asks Picovoice's servers whether the
key may be used, so with it something leaves the machine.
"""

import importlib
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.pcm import to_int16
from voice.audio.rechunk import Rechunker
from voice.errors import BundleError, ConfigError
from voice.events import RATE, Chunk, Wake

KEY_VARIABLE = "PICOVOICE_ACCESS_KEY"
FORGET_S = 1.5
"""Silence that is fed after a jump of the clock: the library has no call that forgets the past."""
_KEY_FIX = f"set {KEY_VARIABLE} or models.porcupine.access_key_file to a key of console.picovoice.ai"


class PorcupineSettings(BaseModel):
    """Picovoice's Porcupine, where a wake word asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_key_file: str | None = Field(
        None, description=f"first line: the key; else {KEY_VARIABLE}; from version 2 on"
    )
    model: str | None = Field(None, description="file of another language (.pv); none: English")


@dataclass(frozen=True)
class PorcupineWord:
    """A keyword of Porcupine."""

    keyword: str
    """Name of a built-in keyword, or path of a `.ppn` file."""
    id: str
    """What the detections are called."""
    sensitivity: float = 0.5
    """0 to 1: higher hears more, and more that isn't the word."""
    refractory_ms: int = 1500
    """No second detection of it within."""


class PorcupineDetector:
    """Finds any number of Porcupine's keywords in a stream with one engine.

    Porcupine takes 512 samples at a time. The stream is cut anew from its first sample on, so chunking changes nothing.
    A detection's sample is the one after those 512. Porcupine tells no score: it is 1.

    Args:
        words: what to find.
        settings: key and language.

    Raises:
        ConfigError: the package or the key is missing, a keyword is unknown, or Picovoice refuses the key.
        BundleError: a `.ppn` file can't be read or was made for another platform.
    """

    def __init__(self, words: Sequence[PorcupineWord], settings: PorcupineSettings | None = None) -> None:
        self.model_ids: tuple[str, ...] = tuple(word.id for word in words)
        self._refractory = [word.refractory_ms * RATE // 1000 for word in words]
        self._engine: Any = _create(words, settings or PorcupineSettings())
        self._frames = Rechunker(self._engine.frame_length)
        self._quiet_until = [0] * len(words)
        self._next = 0
        self._heard_any = False

    def process(self, chunk: Chunk) -> Wake | None:
        """Return the first `Wake` that falls into this chunk."""
        if chunk.start != self._next:
            self.reset()
            self._quiet_until = [chunk.start] * len(self._refractory)
        self._next, self._heard_any = chunk.end, True
        found = None
        for frame in self._frames.process(chunk):
            word = self._engine.process(_integers(frame))
            if word >= 0 and frame.end >= self._quiet_until[word] and found is None:
                self._quiet_until[word] = frame.end + self._refractory[word]
                found = Wake(self.model_ids[word], 1.0, frame.end)
        return found

    def rearm(self, model_id: str) -> None:
        """End a word's refractory time: its last wake did not count."""
        if model_id in self.model_ids:
            self._quiet_until[self.model_ids.index(model_id)] = 0

    def reset(self) -> None:
        """Forget the past audio."""
        self._frames.reset()
        self._quiet_until = [0] * len(self._refractory)
        if self._heard_any:
            size = self._engine.frame_length
            for _ in range(round(FORGET_S * RATE / size)):
                self._engine.process([0] * size)
        self._heard_any = False
        self._next = -1


def porcupine_version() -> str:
    """Return the version of the package that is installed; an empty text where there is none."""
    try:
        return version("pvporcupine")
    except PackageNotFoundError:
        return ""


def _integers(frame: Chunk) -> list[int]:
    """Return the samples as the engine takes them."""
    return np.frombuffer(to_int16(frame.samples), "<i2").tolist()


def _create(words: Sequence[PorcupineWord], settings: PorcupineSettings) -> Any:
    package = _package()
    arguments: dict[str, Any] = {
        "keyword_paths": [_path_of(word.keyword, package) for word in words],
        "sensitivities": [word.sensitivity for word in words],
        "model_path": settings.model,
    }
    if "access_key" in inspect.signature(package.create).parameters:
        arguments["access_key"] = _access_key(settings)
    known = (OSError, ValueError, KeyError, RuntimeError, MemoryError)
    try:
        engine = package.create(**arguments)
    except (*known, getattr(package, "PorcupineError", ValueError)) as error:
        raise _refusal(error, words) from error
    if engine.sample_rate != RATE:
        raise BundleError(f"Porcupine wants {engine.sample_rate} Hz", fix="give a model of 16 kHz")
    return engine


def _package() -> Any:
    try:
        return importlib.import_module("pvporcupine")
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a wake word asks for Porcupine, and pvporcupine is not installed", fix='pip install "earshot[porcupine]"'
        ) from error
    except (RuntimeError, OSError, ValueError) as error:  # it looks at the processor while it is imported
        raise ConfigError(f"pvporcupine does not run on this machine ({_line(error)})", fix="take another") from error


def _path_of(keyword: str, package: Any) -> str:
    path = Path(keyword).expanduser()
    if path.suffix == ".ppn":
        if not path.is_file():
            raise BundleError(f"{keyword}: no such file", fix="give the .ppn file of a keyword")
        return str(path)
    paths: dict[str, str] = package.KEYWORD_PATHS
    if keyword.lower() not in paths:
        known = ", ".join(sorted(paths))
        raise ConfigError(f"Porcupine has no keyword {keyword!r}", fix=f"give a .ppn file or one of: {known}")
    return paths[keyword.lower()]


def _access_key(settings: PorcupineSettings) -> str:
    if settings.access_key_file is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
    else:
        path = Path(settings.access_key_file).expanduser()
        try:
            key = next(iter(path.read_text(encoding="utf-8").splitlines()), "").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: the access key can't be read ({_line(error)})", fix=_KEY_FIX) from error
    if not key:
        raise ConfigError("Porcupine needs an access key from version 2 on", fix=_KEY_FIX)
    return key


def _refusal(error: Exception, words: Sequence[PorcupineWord]) -> ConfigError | BundleError:
    """Return one line for what the engine says; its class names tell more than its messages."""
    name, said = type(error).__name__, _line(error)
    if "Activation" in name:
        reasons = {"Limit": "is used up", "Throttled": "is throttled", "Refused": "is refused"}
        why = next((reason for key, reason in reasons.items() if key in name), "can't be checked")
        return ConfigError(f"the Porcupine access key {why} ({said})", fix="see console.picovoice.ai, or the network")
    files = [word.keyword for word in words if word.keyword.endswith(".ppn")]
    if files:
        made_for = "it is no keyword, or was made for another platform or version"
        return BundleError(
            f"{', '.join(files)}: {made_for} ({said})", fix="make it for this one on console.picovoice.ai"
        )
    return ConfigError(
        f"Porcupine can't start ({said})", fix="check models.porcupine, and pip install pvporcupine again"
    )


def _line(error: Exception) -> str:
    """Return what an error says on one line, or what it is."""
    said = " ".join(str(error).split())
    return said or type(error).__name__
