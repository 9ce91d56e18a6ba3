"""`kws-train prepare`: from the data pack to feature stores, once.

WORK/words   WORK/images   WORK/speech   WORK/noise   WORK/wake      and WORK/<name>-jpeg for those made from audio
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.clip_facts import workers
from kws_training.corpora import (
    Recording,
    further_speech,
    noises,
    read_samples,
    running_speech,
    spectrograms,
    speech_commands,
)
from kws_training.corpora import wake_words as wake_recordings
from kws_training.feature_store import SETTINGS, Bytes, audio_bytes, through_jpeg, write_store
from kws_training.report import say
from voice.events import RATE, Samples

WINDOW_FRAMES = SETTINGS.frames(RATE)
"""Frames of a one-second clip: 98."""
_COMPUTER = re.compile(r"\bcomput(?:er|ers)\b")
TRAINED_NOISE = 0.8
"""The share of a noise recording, from its start, that trains."""
_NOISE_SPLITS = (("train", 0.0, TRAINED_NOISE), ("dev", TRAINED_NOISE, 1.0))


def prepare(
    data: Path, work: Path, more: Sequence[Path] = (), *, skip: Sequence[Path] = (), n_processes: int = 1
) -> None:
    """Write the feature stores that are not there yet.

    Args:
        data: the unpacked data pack.
        work: where the stores go.
        more: folders of further speech, see `further_speech`.
        skip: lists of clips of these to leave out.
        n_processes: processes that compute features.
    """
    with workers(n_processes) as pool:
        for name, entries in (
            ("images", _images(data)),
            ("words", _from_audio(pool, speech_commands(data), exact_second=True)),
            ("noise", _noise(data)),
            ("wake", _from_audio(pool, wake_recordings(data))),
            ("speech", _from_audio(pool, _apart(running_speech(data)))),
            ("more", _from_audio(pool, _apart(further_speech(more, skip)))),
        ):
            if name == "more" and not more:
                continue
            if not (work / name / "clips.jsonl").exists():
                say(f"{name}: {write_store(work / name, entries)} clips")
    for name in ("words", "noise", "speech"):
        if not (work / f"{name}-jpeg" / "clips.jsonl").exists():
            say(f"{name}-jpeg: {write_store(work / f'{name}-jpeg', compressed(work / name))} clips")


def one_second(samples: Samples) -> Samples:
    """Return samples cut or zero-padded to one second."""
    return np.pad(samples[:RATE], (0, max(0, RATE - len(samples))))


def loudest_second(samples: Samples) -> Samples:
    """Return the second with the most energy, to a hundredth; a shorter recording is zero-padded at its end."""
    if len(samples) <= RATE:
        return one_second(samples)
    step = RATE // 100
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    starts = np.arange(0, len(samples) - RATE + 1, step)
    first = int(starts[np.argmax(energy[starts + RATE] - energy[starts])])
    return samples[first : first + RATE]


def no_negative(label: str, text: str | None) -> str:
    """Return the label of running speech: a clip that says "computer" is no negative, so it is labelled apart."""
    return "computer" if text and _COMPUTER.search(text.lower()) else label


def _apart(found: Iterable[tuple[Recording, str | None]]) -> list[Recording]:
    return [replace(recording, label=no_negative(recording.label, text)) for recording, text in found]


def _images(data: Path) -> Iterator[tuple[dict[str, Any], Bytes]]:
    for label, split, name, image in spectrograms(data):
        yield {"label": label, "split": split, "group": name.split("_")[0], "name": name}, image


def _noise(data: Path) -> Iterator[tuple[dict[str, Any], Bytes]]:
    for recording in noises(data):
        frames = audio_bytes(read_samples(recording.path))
        for split, first, last in _NOISE_SPLITS:
            part = frames[int(first * len(frames)) : int(last * len(frames))]
            yield {"label": "noise", "split": split, "group": recording.group, "name": recording.path.stem}, part
    for path in sorted((data / "speech_commands_test_silence").glob("*.wav")):
        frames = audio_bytes(one_second(read_samples(path)))
        yield {"label": "noise", "split": "test", "group": path.stem, "name": path.stem}, frames


def _from_audio(
    pool: Executor, recordings: Iterable[Recording], *, exact_second: bool = False
) -> Iterator[tuple[dict[str, Any], Bytes]]:
    recordings = list(recordings)
    computed = pool.map(_second if exact_second else _whole, [recording.path for recording in recordings], chunksize=50)
    for recording, frames in zip(recordings, computed, strict=True):
        end = -1 if recording.end is None else round(recording.end * RATE / SETTINGS.hop)
        yield (
            {
                "label": recording.label,
                "split": recording.split,
                "group": recording.group,
                "name": recording.path.stem,
                "keyword_end": end,
            },
            frames,
        )


def _whole(path: Path) -> Bytes:
    return audio_bytes(read_samples(path))


def _second(path: Path) -> Bytes:
    return audio_bytes(one_second(read_samples(path)))


def compressed(folder: Path) -> Iterator[tuple[dict[str, Any], Bytes]]:
    """Yield the clips of a store as `write_store` takes them, after JPEG."""
    from kws_training.feature_store import FeatureStore  # noqa: PLC0415

    store = FeatureStore(folder)
    for clip in store.clips:
        fields = {key: getattr(clip, key) for key in ("label", "split", "group", "name", "keyword_end")}
        yield fields, through_jpeg(store[clip]) if clip.n_frames else store[clip]
