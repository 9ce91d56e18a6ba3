"""Single words: training clips of Speech Commands as a transcribed corpus."""

from pathlib import Path

import numpy as np

from asr_training.manifest import Utterance
from voice.errors import DataError

_LISTS = ("validation_list.txt", "testing_list.txt")


def speech_commands(folder: Path, *, a_word: int, seed: int) -> list[Utterance]:
    """Return up to `a_word` training clips of each word, the word being the transcript.

    Raises:
        DataError: the folder isn't Speech Commands.
    """
    if not all((folder / name).is_file() for name in _LISTS):
        raise DataError(f"{folder}: no {' and '.join(_LISTS)}", fix="give the folder of Speech Commands")
    held_out = {line for name in _LISTS for line in (folder / name).read_text(encoding="utf-8").split()}
    rng = np.random.default_rng(seed)
    chosen = []
    for word in sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("_")):
        names = sorted(f"{word}/{path.name}" for path in (folder / word).glob("*.wav"))
        names = [name for name in names if name not in held_out]
        for name in rng.permutation(names)[:a_word]:
            speaker = Path(name).name.split("_")[0]
            record = {"audio": str(name), "text": word, "speaker": speaker, "split": "train", "duration": 1.0}
            chosen.append(Utterance(**record, corpus="speech_commands", licence="CC BY 4.0"))
    return chosen
