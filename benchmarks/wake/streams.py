"""The audio that every engine hears: recordings of a word one after the other, and hours of running speech.

A stream is 16-bit PCM at 16 kHz with a key, a digest of what it is made from, under which scores are kept on disk.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.wake.sound import Pcm, in_noise, pcm, pink, recorded_noise, talk
from kws_training.corpora import manifest, read_samples
from kws_training.feature_store import audio_bytes
from kws_training.keyword_data import recordings, word_end
from kws_training.telephone import by_telephone
from voice.events import RATE, Samples

_FORM = 1
"""Raise it where streams of the same recordings change, so that scores on disk are not taken for theirs."""
GAP_S = 1.0
"""Before and behind each recording, filled with the condition's noise."""
_WARM_S = 3.0
FACTS = ("language", "gender", "dialect", "phone")
"""What a manifest may know of a recording, to count by."""


@dataclass(frozen=True, slots=True)
class Take:
    """A recording of the word."""

    path: Path
    samples: Samples
    end: float
    """Seconds at which the word ends: noted by hand, or where the loudest stretch of the clip ends."""
    group: str
    """Speaker or recording."""
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a take is in a stream; all in samples."""

    name: str
    start: int
    end: int
    word_end: int
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stream:
    """Audio without an end to speak of, and where the word is in it."""

    name: str
    key: str
    blocks: Callable[[], Iterator[Pcm]]
    spans: tuple[Span, ...] = ()
    parts: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    """Of running speech: the first sample and the name of each clip."""
    uncounted: tuple[tuple[int, int], ...] = ()
    """From and to which sample detections are nobody's fault."""

    def part(self, at: int) -> str:
        """Return the clip that is heard at a sample, and the second in it."""
        starts = [start for start, _ in self.parts]
        index = int(np.searchsorted(starts, at, side="right")) - 1
        return f"{self.parts[index][1]} at {(at - starts[index]) / RATE:.1f} s" if index >= 0 else "before the first"


def digest(*facts: object) -> str:
    """Return a short digest of what can be written as JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def takes(folder: Path, split: str | None = "test", without: Sequence[str] = ()) -> list[Take]:
    """Return the distinct recordings of a folder.

    Args:
        folder: of the word; a `manifest.jsonl` beside it gives speakers, copies, ends and groups.
        split: of `keyword_split`; None takes all.
        without: groups (speakers, or recordings where the speaker isn't known) that a training heard.
    """
    rows = {}
    if (folder.parent / "manifest.jsonl").exists():
        rows = {folder.parent / row["audio"]: row for row in manifest(folder.parent)}
    found = []
    for recording in recordings([folder]):
        if recording.group in without or (split and recording.split != split):
            continue
        row = rows.get(recording.path, {})
        samples = read_samples(recording.path)
        noted = recording.end if recording.end and recording.end > (row.get("start") or 0) else None
        end = noted or word_end(audio_bytes(samples)) / 100
        facts = {name: str(row[name]) for name in FACTS if row.get(name)}
        found.append(Take(recording.path, samples, min(end, len(samples) / RATE), recording.group, facts))
    return found


def word_streams(said: Sequence[Take], data: Path | None, voices: Sequence[Path] = ()) -> list[Stream]:
    """Return the takes as streams: clean, and at 10 dB above noise and talk, and by telephone.

    Args:
        said: recordings of the word.
        data: the unpacked data pack, for its noise; without it there is none.
        voices: running speech to make the talk of six from.
    """
    made = {
        "clean": lambda: _stream("clean", said, lambda samples: samples),
        "pink noise, 10 dB": lambda: _noisy("pink noise, 10 dB", said, pink(np.random.default_rng(1))),
        "telephone": lambda: _stream("telephone", said, by_telephone),
    }
    if data:
        made["noise, 10 dB"] = lambda: _noisy("noise, 10 dB", said, recorded_noise(data, np.random.default_rng(2)))
    if voices:
        made["talk of six, 10 dB"] = lambda: _noisy(
            "talk of six, 10 dB", said, talk(voices, np.random.default_rng(3)), [path.stem for path in voices]
        )
    order = ("clean", "noise, 10 dB", "pink noise, 10 dB", "talk of six, 10 dB", "telephone")
    return [made[name]() for name in order if name in made]


def _noisy(name: str, said: Sequence[Take], noise: Iterator[Samples], made_from: Sequence[str] = ()) -> Stream:
    return _stream(name, said, lambda samples: in_noise(samples, next(noise)), made_from)


def _stream(
    name: str, said: Sequence[Take], change: Callable[[Samples], Samples], made_from: Sequence[str] = ()
) -> Stream:
    gap = np.zeros(round(GAP_S * RATE), np.float32)
    pieces, spans, at = [np.zeros(round(_WARM_S * RATE), np.int16)], [], round(_WARM_S * RATE)
    for take in said:
        piece = pcm(change(np.concatenate([gap, take.samples, gap])))
        start = at + len(gap)
        word_end_at = start + round(take.end * RATE)
        spans.append(Span(take.path.stem, start, start + len(take.samples), word_end_at, take.facts))
        pieces.append(piece)
        at += len(piece)
    whole = np.concatenate(pieces)
    files = [(take.path.parent.name, take.path.stem, len(take.samples)) for take in said]
    return Stream(name, digest(_FORM, name, files, list(made_from)), lambda: iter([whole]), tuple(spans))
