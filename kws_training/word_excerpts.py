"""The audio behind a stretch of a feature store, looked up in the corpora: what a wake word took for its phrase."""

import base64
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from kws_training.corpora import AUDIO_SUFFIXES, Recording, further_speech, read_samples, running_speech
from kws_training.feature_store import SETTINGS, Clip, FeatureStore
from kws_training.made_speech import SPEECH
from kws_training.synthesis import Style, synthesise
from voice.errors import DataError
from voice.events import RATE, Samples

_SILENCE_S = 0.25
_NAME = re.compile(r"(.*?) (\d+) (\d+) ([\d.]+) (.*)")  # a voice may have spaces: it holds the path of a file
"""Before each made sentence."""

Known = dict[tuple[str, str], tuple[Path, str]]
"""Name and speaker of a clip -> its file and text."""


class Excerpts:
    """Finds the audio of clips.

    Args:
        data: the unpacked data pack; None: not known.
        more: folders of further speech.
        skip: lists of clips of these to leave out.
        negatives: folders of own sound without the phrase.
    """

    def __init__(
        self, data: Path | None, more: Sequence[Path] = (), skip: Sequence[Path] = (), negatives: Sequence[Path] = ()
    ) -> None:
        self.missing: list[str] = []
        """What couldn't be looked at, and why: one line each."""
        self._known: dict[str, Known] = {"speech": {}, "more": {}, "own": {}}
        try:
            if data is not None:
                self._known["speech"] = _index(running_speech(data))
            self._known["more"] = _index(further_speech(more, skip))
        except DataError as error:
            self.missing.append(str(error))
        own = [path for folder in negatives for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES]
        self._known["own"] = {(path.stem, path.stem): (path, "") for path in own}

    def __call__(
        self, stream: str, store: FeatureStore, clip: Clip, first: float, last: float
    ) -> tuple[Samples | None, str]:
        """Return a part of a clip, and what is said in the clip; None where its audio isn't known.

        Args:
            stream: name of the clip's store.
            store: of the clip.
            clip: as a feature store has it.
            first: beginning of the part in the clip, s.
            last: its end.
        """
        try:
            if stream == SPEECH:
                samples, text = _spoken_again(clip)
            else:
                found = self._known.get(stream, {}).get((clip.name, clip.group))
                if found is None:
                    return None, ""
                samples, text = read_samples(found[0]), found[1]
        except DataError:
            return None, ""
        if stream == "own":  # the store has a long file in two parts, one behind the other
            before = sum(c.n_frames for c in store.select(name=clip.name) if c.start < clip.start) * SETTINGS.hop
            samples = samples[before:]
        return samples[max(0, round(first * RATE)) : max(0, round(last * RATE))], text


def _index(found: Iterable[tuple[Recording, str | None]]) -> Known:
    return {(recording.path.stem, recording.group): (recording.path, text or "") for recording, text in found}


def _spoken_again(clip: Clip) -> tuple[Samples, str]:
    told = _NAME.fullmatch(clip.name)
    if told is None:
        raise DataError(
            f"{clip.name!r} doesn't name a voice", fix="remove the folder made-speech, so that it is made anew"
        )
    voice, pace, pitch, tract, text = told.groups()
    said = synthesise(text, Style(voice, int(pace), int(pitch), float(tract)))
    return np.concatenate([np.zeros(round(_SILENCE_S * RATE), np.float32), said]), text


def data_uri(samples: Samples) -> str:
    """Return samples as Ogg Vorbis inside an address that a browser plays."""
    import soundfile  # noqa: PLC0415 - slow to import

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), RATE, format="OGG", subtype="VORBIS")
    return f"data:audio/ogg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
