"""Running speech that must not wake anything: which clips, and one long stream of them, decoded once."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.wake.sound import Pcm, pcm
from benchmarks.wake.streams import Stream, digest
from kws_training.corpora import Recording, further_speech, read_samples, running_speech
from kws_training.report import say

WORDS = ("computer", "jarvis", "alexa", "athena", "amelia", "android", "operator", "snowboy", "hey mycroft")
"""Clips that say one of them are no negatives for anybody, so that all engines hear the same hours."""
SKIP = Path(__file__).parents[2] / "config" / "kws" / "says-computer.txt"
_UNCOUNTED = Path(__file__).with_name("says.txt")
_BLOCK = 1 << 20  # samples


def cache_folder() -> Path:
    """Return the folder of decoded speech and scores: EARSHOT_WAKE_CACHE, or one below ~/.cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("EARSHOT_WAKE_CACHE") or home / "earshot" / "wake-benchmark")


def corpora(folders: Sequence[Path]) -> list[Path]:
    """Return the folders of further speech: of a folder that only holds corpora with manifests, these."""
    found = []
    for folder in folders:
        inside = sorted(path.parent for path in folder.glob("*/manifest.jsonl"))
        found += inside if inside and not (folder / "manifest.jsonl").exists() else [folder]
    return found


def speech_clips(
    data: Path, more: Sequence[Path] = (), skip: Sequence[Path] = (), split: str = "test", words: Sequence[str] = WORDS
) -> list[Path]:
    """Return the clips of one split of the pack and of further speech, less those whose text has one of the words.

    Args:
        data: the unpacked data pack.
        more: folders of further speech, see `further_speech`.
        skip: lists of clips of these to leave out.
        split: test: no training heard the clip, nor, where speakers are known, its speaker.
        words: what none may say.
    """
    said: list[tuple[Recording, str | None]] = [*running_speech(data), *further_speech(corpora(more), [SKIP, *skip])]
    return [recording.path for recording, text in said if recording.split == split and not says(text, words)]


def says_all_the_same() -> set[str]:
    """Return the clips that hold a wake word though no transcript says so."""
    lines = _UNCOUNTED.read_text(encoding="utf-8").splitlines()
    return {line.split("\t")[0] for line in lines if not line.startswith("#")}


def says(text: str | None, words: Sequence[str]) -> bool:
    """Return whether a transcript holds one of the words or phrases, as such or in the plural."""
    return any(re.search(rf"\b{re.escape(word)}s?\b", text or "", re.IGNORECASE) for word in words)


@dataclass(frozen=True, slots=True)
class Speech:
    """Clips of running speech, decoded into one file."""

    clips: tuple[Path, ...]
    key: str
    file: Path
    starts: tuple[int, ...]
    """Of each clip, samples."""

    @property
    def samples(self) -> Pcm:
        """All clips one after the other."""
        return np.memmap(self.file, np.int16, "r")

    def clip(self, number: int) -> Pcm:
        """Return one clip."""
        whole = self.samples
        ends = (*self.starts[1:], len(whole))
        return np.asarray(whole[self.starts[number] : ends[number]])

    def stream(self, every: int = 1) -> Stream:
        """Return the clips, or every such one, one after the other as one stream."""
        numbers = range(0, len(self.clips), every)
        starts, blocks, name, key = list(self.starts), self._blocks, "running speech", self.key
        if every > 1:
            starts = [0, *np.cumsum([len(self.clip(number)) for number in numbers])[:-1].tolist()]
            blocks = lambda: (self.clip(number) for number in numbers)  # noqa: E731
            name, key = f"running speech, 1 of {every} clips", digest(self.key, every)
        parts = tuple((start, self.clips[number].stem) for start, number in zip(starts, numbers, strict=True))
        known = says_all_the_same()
        ends = [*starts[1:], 1 << 62]
        uncounted = tuple((start, end) for (start, clip), end in zip(parts, ends, strict=True) if clip in known)
        return Stream(name, key, blocks, parts=parts, uncounted=uncounted)

    def _blocks(self) -> Iterator[Pcm]:
        whole = self.samples
        for start in range(0, len(whole), _BLOCK):
            yield np.asarray(whole[start : start + _BLOCK])


def decoded(clips: Sequence[Path], cache: Path | None = None) -> Speech:
    """Return clips as 16-bit PCM in the cache folder, decoded when they are not there yet."""
    key = digest(1, [(path.stem, path.stat().st_size) for path in clips])
    folder = cache or cache_folder()
    file, index = folder / f"speech-{key}.pcm", folder / f"speech-{key}.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        index.write_text(json.dumps(_decode(clips, file)), encoding="utf-8")
    return Speech(tuple(clips), key, file, tuple(json.loads(index.read_text(encoding="utf-8"))))


def speech_stream(clips: Sequence[Path], cache: Path | None = None) -> Stream:
    """Return clips one after the other as one stream, decoded when it is first asked for."""
    return decoded(clips, cache).stream()


def _decode(clips: Sequence[Path], file: Path) -> list[int]:
    """Write the clips' samples; return where each begins."""
    starts, at = [], 0
    partial = file.with_suffix(".part")
    with partial.open("wb") as out:
        for number, path in enumerate(clips):
            samples = pcm(read_samples(path))
            out.write(samples.tobytes())
            starts.append(at)
            at += len(samples)
            if number % 500 == 0:
                say(f"decoding running speech: {number} of {len(clips)} clips")
    partial.replace(file)
    return starts
