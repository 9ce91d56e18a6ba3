"""Spectrogram sets: log-mel frames of recordings whose audio isn't at hand, as `<word>.npz`.

`logmel`: uint8 (clips, frames, mels) on the scale of `feature_store`; `names`: file names without suffix.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from kws_training.data_settings import DataSettings
from kws_training.feature_store import SETTINGS, Bytes
from kws_training.layouts import speaker_of
from kws_training.splits import hash_split
from voice.errors import DataError


def read_spectrograms(path: Path) -> tuple[list[str], Bytes]:
    """Return the names and frames of a set, shape (clips, frames, mels).

    Raises:
        DataError: it is no such set, or of another feature definition.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names, frames = [str(name) for name in archive["names"]], archive["logmel"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: no spectrogram set ({error})", fix="it needs `logmel` and `names`") from error
    if frames.dtype != np.uint8 or frames.ndim != 3 or frames.shape[2] != SETTINGS.mels or len(names) != len(frames):
        raise DataError(
            f"{path}: logmel is {frames.dtype} {frames.shape} for {len(names)} names",
            fix=f"uint8 (clips, frames, {SETTINGS.mels}) is needed, log-mel of {SETTINGS.f_min:g} to "
            f"{SETTINGS.f_max:g} Hz as kws_training/feature_store.py defines it",
        )
    return names, frames


def divided(
    sets: Iterable[tuple[str, Path]], speakers: Mapping[str, str], lists: Mapping[str, str], settings: DataSettings
) -> Iterator[tuple[str, str, str, str, Bytes]]:
    """Yield word, split, speaker, name and frames of every spectrogram.

    Args:
        sets: word and file.
        speakers: splits of the speakers of the audio: a speaker stays in his.
        lists: official lists, for speakers of whom there is no audio; without them the hash rule says.
        settings: who is a speaker.
    """
    for word, path in sets:
        names, frames = read_spectrograms(path)
        for name, image in zip(names, frames, strict=True):
            file = Path(word) / f"{name}.wav"
            speaker = speaker_of(file, settings.speaker)
            split = speakers.get(speaker) or lists.get(file.as_posix()) or hash_split(file.name)
            yield word, split, speaker, name, image
