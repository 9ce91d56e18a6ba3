"""What a classifier is measured on: clips with the label that it should give, and their speakers.

DATA/speech_commands/...          the data pack: its lists, its silence clips, its running speech for babble
DATA/testing_list.txt, DATA/<word>/*   Speech Commands as it is published; silence is cut from _background_noise_
DATA/<label>/*                    folders of audio files; without lists there are no splits, and all clips count
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws_training.corpora import AUDIO_SUFFIXES, further_speech, read_samples, running_speech
from kws_training.dataset import read_dataset
from kws_training.feature_store import FeatureStore, to_logmel
from kws_training.prepare import WINDOW_FRAMES
from voice.audio.features import FeatureSettings
from voice.audio.files import read_audio
from voice.errors import AudioError, DataError
from voice.events import RATE, Samples

SILENCE_FOLDERS = frozenset({"_silence_", "silence", "_background_noise_", "noise"})
_LISTS = {"test": "testing_list.txt", "dev": "validation_list.txt"}
_BABBLE_CLIPS = 400  # enough talkers; more take memory only


@dataclass(frozen=True, slots=True)
class TestClip:
    """A recording, or a second of it, and what is said in it."""

    __test__ = False  # it is no test class

    path: Path
    word: str
    speaker: str | None = None
    """None where it isn't known."""
    start: int | None = None
    """First sample of the second that counts; None: the whole recording."""
    frames: npt.NDArray[np.float32] | None = field(default=None, compare=False)
    """Features instead of audio, shape (frames, bins)."""

    @property
    def group(self) -> str:
        """What goes together in an interval over speakers: the speaker, or the clip alone."""
        return self.speaker or f"{self.path}@{self.start or 0}"

    def samples(self) -> Samples:
        """Return the audio.

        Raises:
            AudioError: it can't be read.
        """
        samples = read_audio(self.path)
        return samples if self.start is None else samples[self.start : self.start + RATE]


@dataclass(frozen=True, slots=True)
class TestSet:
    """Clips to measure on, and where they come from."""

    __test__ = False

    name: str
    split: str
    clips: list[TestClip]
    speech: list[Path]
    """Recordings of speech for babble; empty where the set has none but its own words."""
    features: FeatureSettings | None = None
    """Of a set of features; None: audio."""


def read_test_set(folder: Path, split: str = "test") -> TestSet:
    """Return the clips of a split: train, dev, test, or all.

    Raises:
        DataError: the folder holds none.
    """
    if (folder / "speech_commands").is_dir():
        return _pack(folder, split)
    lists = all((folder / name).is_file() for name in _LISTS.values())
    clips = list(_listed(folder, split) if lists else _all(folder))
    if lists:
        clips += background(folder, n_clips=_mean_count(clips))
    if not clips:
        raise DataError(
            f"{folder} holds no <label>/*.wav of the split {split}", fix="name the data pack or a folder of labels"
        )
    return TestSet(str(folder), split if lists else "all", clips, [])


def prepared_test_set(work: Path, split: str = "test") -> TestSet:
    """Return the clips of a split of what `kws-train prepare` wrote, as features.

    Raises:
        DataError: nothing was prepared there, or the split has no clip.
    """
    dataset = read_dataset(work)
    clips = []
    for name in ("words", "noise"):
        if not (work / name / "clips.jsonl").exists():
            continue
        store = FeatureStore(work / name)
        for clip in store.clips:
            if split not in ("all", clip.split) or (name == "noise" and split != "test"):
                continue  # noise of the other splits is long recordings
            frames = to_logmel(store[clip][:WINDOW_FRAMES])
            speaker = clip.group if name == "words" else None
            clips.append(TestClip(Path(clip.name), clip.label, speaker, clip.start, frames))
    if not clips:
        raise DataError(f"{work} holds no clip of the split {split}", fix="choose --split train, dev or test")
    return TestSet(f"{dataset.layout}, split {dataset.split}, as features", split, clips, [], dataset.features)


def read_speech(folder: Path) -> list[Path]:
    """Return the recordings of a folder of speech, for babble.

    Raises:
        DataError: it holds none.
    """
    found = [recording.path for recording, _ in further_speech([folder])]
    if not found:
        raise DataError(f"{folder} holds no audio file", fix="name a folder of recorded speech")
    return found


def recordings(paths: Sequence[Path], seed: int = 0) -> Iterator[Samples]:
    """Yield some recordings of a list, at random; one that can't be read is left out."""
    rng = np.random.default_rng(seed)
    for i in rng.permutation(len(paths))[:_BABBLE_CLIPS]:
        try:
            yield read_audio(paths[i])
        except AudioError:
            continue


def background(folder: Path, n_clips: int, seed: int = 59185) -> list[TestClip]:
    """Return seconds at random places of the recordings in `_background_noise_`."""
    rng = np.random.default_rng(seed)
    paths = sorted((folder / "_background_noise_").glob("*.wav"))
    lengths = [len(read_samples(path)) for path in paths]
    found = []
    for _ in range(n_clips if paths else 0):
        i = int(rng.integers(len(paths)))
        start = int(rng.integers(max(1, lengths[i] - RATE)))
        found.append(TestClip(paths[i], "_silence_", start=start))
    return found


def unseen_elsewhere(folder: Path, words: Sequence[str], split: str = "train") -> list[TestClip]:
    """Return the clips of unseen words of another split: their words were not trained on, their speakers were.

    Validation speakers are left out: they chose the epoch and the threshold. Empty where the folder has no lists.
    """
    root = folder / "speech_commands" if (folder / "speech_commands").is_dir() else folder
    if not words or not all((root / name).is_file() for name in _LISTS.values()):
        return []
    return [clip for clip in _listed(root, split) if clip.word in words]


def speaker_of(path: Path) -> str | None:
    """Return the speaker in `<speaker>_nohash_<n>`, None for another name."""
    speaker, found, _ = path.stem.partition("_nohash_")
    return speaker if found else None


def _pack(folder: Path, split: str) -> TestSet:
    clips = list(_listed(folder / "speech_commands", split))
    silence = sorted((folder / "speech_commands_test_silence").glob("*.wav")) if split in ("test", "all") else []
    clips += [TestClip(path, "_silence_") for path in silence]
    speech = [r.path for r, _ in running_speech(folder) if split in ("all", r.split) and r.label == "speech"]
    return TestSet("the data pack's Speech Commands (not the official split)", split, clips, speech)


def _listed(folder: Path, split: str) -> Iterator[TestClip]:
    named = {
        name: set((folder / file).read_text(encoding="utf-8").split()) if (folder / file).is_file() else set()
        for name, file in _LISTS.items()
    }
    for clip in _all(folder):
        key = f"{clip.path.parent.name}/{clip.path.name}"
        found = next((name for name, keys in named.items() if key in keys), "train")
        if clip.word not in SILENCE_FOLDERS and split in ("all", found):
            yield clip


def _all(folder: Path) -> Iterator[TestClip]:
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder", fix="name the data pack or a folder of <label>/*.wav")
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in AUDIO_SUFFIXES | {".opus"}:
                yield TestClip(path, place.name, speaker_of(path))


def _mean_count(clips: Sequence[TestClip]) -> int:
    words = {clip.word for clip in clips}
    return round(len(clips) / max(1, len(words)))
