"""PocketSphinx 5 beside the recogniser: the models of its own wheel, on the same clips, its answers kept."""

import hashlib
import json
import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from voice.errors import DataError
from voice.events import RATE, Samples
from voice.text import normalise

NAME = "pocketsphinx"


def kept_answers() -> Path:
    """Return the folder in which answers are kept: XDG_CACHE_HOME/earshot, else ~/.cache/earshot."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot"


def installed_pocketsphinx() -> str | None:
    """Return the installed version, None without one."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return None


class PocketSphinx:
    """The peer.

    An answer depends on the audio and the version only, so each is computed once: it takes a quarter of real time.

    Args:
        folder: where answers are kept.

    Raises:
        DataError: it is not installed, or what was kept can't be read.
    """

    def __init__(self, folder: Path) -> None:
        found = installed_pocketsphinx()
        if found is None:
            raise DataError(f"{NAME} is not installed", fix=f"pip install {NAME}, or go without a peer")
        self.version = found
        self._path = folder / f"{NAME}-{found}.jsonl"
        self._decoder: Any = None
        self._answers: dict[str, tuple[str, float]] = {}
        try:
            for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else ():
                answer = json.loads(line)
                self._answers[answer["audio"]] = (answer["text"], answer["cpu_seconds"])
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{self._path}: {error}", fix="delete the file; it is made again") from error

    def recognise(self, samples: Samples) -> tuple[str, float]:
        """Return the normalised text and the CPU seconds that it took.

        Args:
            samples: at 16 kHz.

        Raises:
            DataError: the disk refuses.
        """
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        key = hashlib.sha256(pcm).hexdigest()
        if key not in self._answers:
            self._answers[key] = self._computed(pcm)
            self._keep(key)
        return self._answers[key]

    def _computed(self, pcm: bytes) -> tuple[str, float]:
        if self._decoder is None:
            from pocketsphinx import Decoder  # noqa: PLC0415 - an optional peer, slow to load

            self._decoder = Decoder(samprate=RATE, loglevel="FATAL")
        started = time.process_time()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, no_search=False, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return normalise(found.hypstr) if found else "", round(time.process_time() - started, 4)

    def _keep(self, key: str) -> None:
        text, cpu = self._answers[key]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"audio": key, "text": text, "cpu_seconds": cpu}) + "\n")
        except OSError as error:
            raise DataError(
                f"{self._path}: {error.strerror}", fix="free disk space or choose another folder"
            ) from error
