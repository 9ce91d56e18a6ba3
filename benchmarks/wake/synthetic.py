"""Misses of the five synthetic voices that no training hears, the word alone and with a command."""

from typing import Any

import numpy as np

from benchmarks.wake.ours import CHUNK
from kws_training.cards import result
from kws_training.evaluate import wilson
from kws_training.keyword_data import COMMAND_SENTENCES
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.events import RATE, Chunk, Samples
from voice.models.wake import StreamingWakeDetector

_BEFORE, _AFTER = np.zeros(RATE // 2, np.float32), np.zeros(RATE, np.float32)


def synthetic(detector: StreamingWakeDetector, word: str) -> list[dict[str, Any]]:
    """Print and return misses, at the detector's threshold."""
    results = []
    for name, texts, paces in (
        ("alone", [word], (120, 140, 165, 190)),
        ("and a command in one breath", [f"{word} {s}" for s in COMMAND_SENTENCES], (165,)),
        ("and a command after a comma", [f"{word}, {s}" for s in COMMAND_SENTENCES], (165,)),
    ):
        said = [(voice, synthesise(text, Style(voice, pace))) for voice in HELD_OUT for text in texts for pace in paces]
        missed = [voice for voice, samples in said if not heard(detector, samples)]
        share = wilson(len(missed), len(said))
        print(f"  missed, {word} {name}, five synthetic voices: {share}; {', '.join(missed) or 'none'}")
        results.append(result(f"missed, {word} {name}", share, "five synthetic voices that no training used"))
    return results


def heard(detector: StreamingWakeDetector, samples: Samples) -> bool:
    """Return whether the detector wakes in a recording between two silences."""
    detector.reset()
    whole = np.concatenate([_BEFORE, samples, _AFTER])
    return any(detector.process(Chunk(whole[at : at + CHUNK], at)) for at in range(0, len(whole), CHUNK))
