"""Takes of a wake word: cut out of a stream by the VAD, judged, and kept in a folder that one can go on with."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from voice.audio.features import Features
from voice.audio.files import read_audio
from voice.audio.pcm import level_dbfs
from voice.audio.takes import Fault, TakeFacts, TakeSettings, cepstra, disagreements, find_fault, measure, odd
from voice.errors import AudioError, ConfigError
from voice.events import RATE, Chunk, Samples, Segment
from voice.models.vad import WebRtcVad
from voice.pipeline.segmenter import Segmenter, SegmenterSettings
from voice.speech.wav import encode
from voice.text import normalise

_MARGIN = 3 * RATE // 10
"""Samples kept before and after the speech."""

_SEGMENTS = SegmenterSettings(silence_ms=600, no_speech_ms=10_000, cap_ms=8_000)
_FAINT = -55.0
"""Level of 20 ms or more, dBFS, below which nothing is speech: a VAD takes faint noise after silence for some."""

_PHRASE, _ASIDE = "phrase.txt", "rejected"
_NAME = re.compile(r"[a-z0-9_]+")


class TakeListener:
    """Cuts one take after another out of a stream."""

    def __init__(self) -> None:
        self._vad = WebRtcVad()
        self._segmenter = Segmenter(_SEGMENTS)

    @property
    def waits(self) -> bool:
        """True where nobody has been asked to speak."""
        return not self._segmenter.listening

    def ask(self, at: int) -> None:
        """Wait for a take from sample `at` on."""
        self._segmenter.start(at)

    def process(self, chunk: Chunk) -> Segment | None:
        """Take in a chunk; return a take, or a segment without speech after ten seconds of waiting."""
        speech = self._vad.process(chunk)
        return self._segmenter.process(chunk, speech if level_dbfs(chunk.samples) > _FAINT else 0.0)

    def takes_in(self, samples: Samples) -> Iterator[Segment]:
        """Yield every take in a recording; one segment without speech where there is none."""
        self._vad, self._segmenter = WebRtcVad(), Segmenter(_SEGMENTS)
        frame, n_found = RATE // 50, 0
        self.ask(0)
        for start in range(0, len(samples), frame):
            chunk = Chunk(samples[start : start + frame], start)
            if (segment := self.process(chunk)) is not None:
                if segment.speech_start is not None:
                    n_found += 1
                    yield segment
                self.ask(chunk.end)
        if (segment := self._segmenter.stop("end_of_stream")) is not None:
            n_found += 1
            yield segment
        if n_found == 0:
            yield Segment(samples, 0, ended_by="end_of_stream")


def trimmed(segment: Segment) -> Samples:
    """Return the speech of a segment with 0.3 s around it, as far as the segment goes; without speech all of it."""
    if segment.speech_start is None or segment.speech_end is None:
        return segment.samples
    start = max(0, segment.speech_start - segment.start - _MARGIN)
    return segment.samples[start : segment.speech_end - segment.start + _MARGIN]


class TakeFolder:
    """A folder of one phrase's takes, `<speaker>-001.wav` and so on; numbers are never given twice.

    Args:
        folder: made where it isn't there.
        phrase: what is said; a folder of another phrase is refused.
        speaker: whose takes.

    Raises:
        ConfigError: the phrase or the speaker can't be used, or the folder holds takes of another phrase.
        AudioError: the folder can't be made or read.
    """

    def __init__(self, folder: Path, phrase: str, speaker: str = "take") -> None:
        if not normalise(phrase):
            raise ConfigError(f"{phrase!r} holds nothing to say", fix="name the phrase, as in 'hey luna'")
        if not _NAME.fullmatch(speaker):
            raise ConfigError(f"{speaker!r} can't stand in a file's name", fix="use letters a to z and digits")
        self.folder = folder
        self._speaker = speaker
        noted = folder / _PHRASE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if noted.exists() and normalise(noted.read_text(encoding="utf-8")) != normalise(phrase):
                there = noted.read_text(encoding="utf-8").strip()
                raise ConfigError(f"{folder} holds takes of {there!r}", fix="name another folder with --out")
        except (OSError, UnicodeDecodeError) as error:
            raise AudioError(f"{folder} can't be used ({error})", fix="name another folder with --out") from error
        _write(noted, f"{phrase.strip()}\n".encode())

    def paths(self) -> list[Path]:
        """Return this speaker's takes, in the order of their numbers."""
        return sorted(self.folder.glob(f"{self._speaker}-*.wav"))

    def add(self, samples: Samples) -> Path:
        """Keep a take as 16-bit WAV, whole or not at all; return where.

        Raises:
            AudioError: it can't be written.
        """
        taken = [*self.paths(), *(self.folder / _ASIDE).glob(f"{self._speaker}-*.wav")]
        numbers = [int(number) for path in taken if (number := path.stem.rpartition("-")[2]).isdigit()]
        path = self.folder / f"{self._speaker}-{max(numbers, default=0) + 1:03d}.wav"
        _write(path, encode(samples, RATE))
        return path

    def set_aside(self, path: Path) -> Path:
        """Move a take into the folder `rejected`; return where.

        Raises:
            AudioError: it can't be moved.
        """
        aside = self.folder / _ASIDE / path.name
        try:
            aside.parent.mkdir(exist_ok=True)
            return path.replace(aside)
        except OSError as error:
            raise AudioError(f"{path} can't be moved ({error.strerror})", fix="see to the disk") from error


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a take."""

    path: Path | None
    """Where it is kept; None where it was rejected."""
    fault: Fault | None
    facts: TakeFacts
    set_aside: tuple[tuple[Path, Fault], ...] = ()
    """Earlier takes that turn out to be of something else, where they are now, and why."""


class TakeSession:
    """Judges takes as they come, each by itself and against those kept.

    Args:
        folder: where they are kept; those of the same speaker count.
        settings: what a take must be.
        score: how well a take says the phrase (`SpokenPhrase.score`).

    Raises:
        AudioError: a take that is there can't be read.
    """

    def __init__(self, folder: TakeFolder, settings: TakeSettings, score: Callable[[Samples], float]) -> None:
        self._folder = folder
        self._settings = settings
        self._score = score
        self._kept = {path: self._described(read_audio(path)) for path in folder.paths()}

    @property
    def n_kept(self) -> int:
        """Takes of this speaker in the folder."""
        return len(self._kept)

    def offer(self, segment: Segment) -> Verdict:
        """Judge a take, and keep it if it is good.

        Raises:
            AudioError: it can't be written.
        """
        samples = trimmed(segment)
        facts = measure(samples)
        if segment.speech_start is None:
            return Verdict(None, _NOTHING if facts.level_dbfs > _FAINT else _silence(facts), facts)
        if fault := find_fault(facts, self._settings):
            return Verdict(None, fault, facts)
        described = self._described(samples)
        features, scores = zip(*self._kept.values(), described, strict=True)
        *others, own = disagreements(features, self._settings.agreement, scores)
        if own > self._settings.disagreement:
            return Verdict(None, odd(own), facts)
        aside = tuple(
            (self._folder.set_aside(path), odd(ratio))
            for path, ratio in zip(tuple(self._kept), others, strict=True)
            if ratio > self._settings.disagreement
        )
        for moved, _ in aside:
            del self._kept[self._folder.folder / moved.name]
        path = self._folder.add(samples)
        self._kept[path] = described
        return Verdict(path, None, facts, aside)

    def _described(self, samples: Samples) -> tuple[Features, float]:
        return cepstra(samples), self._score(samples)


_NOTHING = Fault("silent", "no speech was heard", "say the phrase, nearer to the microphone")


def _silence(facts: TakeFacts) -> Fault:
    level = f"{facts.level_dbfs:.0f} dBFS at most"
    return Fault("silent", f"no speech was heard ({level})", "check the microphone with `voice devices`")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise AudioError(f"{path} can't be written ({error.strerror})", fix="see to the disk") from error
