"""What the second look at a wake word cuts and costs: `EARSHOT_DATA=DIR python -m benchmarks.verifier`.

On the pack's recordings of the word, clean and 10 dB above noise, and on running speech, all of one part that no
training of the wake word heard; margins are chosen on dev. The wake word runs at a low threshold; where it triggers,
the recogniser looks again. For each pair of threshold and margin: recordings heard, and triggers in other speech.
"""

import argparse
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.wake.sound import in_noise, recorded_noise
from benchmarks.wake.speech import speech_clips
from kws_training.corpora import read_samples, wake_words
from voice.events import RATE, Chunk, Samples
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.models.verifier import LOOK_BACK_S, PhraseVerifier
from voice.models.wake import StreamingWakeDetector

FIRST = 0.3
THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9)
MARGINS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
LOOKS = 6
"""Looks above the threshold that are looked at again, until one is taken; a refused one starts no refractory time."""
APART = round(1.5 * RATE)
"""Samples between two triggers."""


@dataclass(frozen=True)
class Trigger:
    """Where the wake word passed the low threshold."""

    scores: dict[float, float]
    """Threshold -> smallest loss per character of the looks that passed it; absent where none did."""


def triggers(
    detector: StreamingWakeDetector, verifier: PhraseVerifier, audio: Samples, spent: list[float]
) -> list[Trigger]:
    """Return the triggers of a recording, each with what the second look says at every threshold."""
    detector.reset()
    looks = detector.scores(Chunk(audio, 0))
    found: list[Trigger] = []
    quiet_until = 0
    for i, (at, score) in enumerate(looks):
        if score < FIRST or at < quiet_until:
            continue
        quiet_until = at + APART
        rest = [(when, value) for when, value in looks[i:] if when < quiet_until]
        losses = {}
        for threshold in THRESHOLDS:
            passed = [when for when, value in rest if value >= threshold][:LOOKS]
            if passed:
                started = time.process_time()
                heard = (audio[max(0, when - round(LOOK_BACK_S * RATE)) : when] for when in passed)
                losses[threshold] = min(verifier.verify(samples).loss for samples in heard)
                spent.append((time.process_time() - started) / len(passed))
        found.append(Trigger(losses))
    return found


def share(found: list[list[Trigger]], threshold: float, margin: float) -> float:
    """Return the share of recordings in which the word is heard."""
    heard = (any(t.scores.get(threshold, np.inf) <= margin for t in clip) for clip in found)
    return sum(heard) / max(1, len(found))


def count(found: Iterable[list[Trigger]], threshold: float, margin: float) -> int:
    """Return the triggers that remain."""
    return sum(t.scores.get(threshold, np.inf) <= margin for clip in found for t in clip)


def speech(data: Path, more: list[Path], split: str, hours: float) -> Iterator[Samples]:
    """Yield running speech that training doesn't hear, up to so many hours."""
    heard = 0.0
    for path in speech_clips(data, more, split=split):
        samples = read_samples(path)
        heard += len(samples) / RATE / 3600
        yield samples
        if heard >= hours:
            return


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="computer", help="the wake word, a name or folder")
    parser.add_argument("--label", default="computer", help="its folder in the pack")
    parser.add_argument("--phrase", help="how it is written; none: as the label")
    parser.add_argument("--split", default="dev", choices=("dev", "test"), help="which part")
    parser.add_argument("--hours", type=float, default=3.0, help="running speech, h")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="folders of further speech")
    arguments = parser.parse_args()
    data, rng = Path(os.environ["EARSHOT_DATA"]), np.random.default_rng(0)
    detector = StreamingWakeDetector(load_bundle(arguments.bundle, "wake"))
    phrase = (arguments.phrase or arguments.label).replace("_", " ")
    verifier = PhraseVerifier(CtcRecognizer(load_bundle("asr-en", "asr")), phrase, 0)
    words = [
        read_samples(r.path) for r in wake_words(data) if r.label == arguments.label and r.split == arguments.split
    ]
    noise, spent = recorded_noise(data, rng), []
    still = np.zeros(RATE, np.float32)
    words = [np.concatenate([still, word, still]) for word in words]
    clean = [triggers(detector, verifier, word, spent) for word in words]
    noisy = [triggers(detector, verifier, in_noise(word, next(noise)), spent) for word in words]
    length, others = 0, []
    for samples in speech(data, arguments.more, arguments.split, arguments.hours):
        length += len(samples)
        others.append(triggers(detector, verifier, samples, spent))
    hours = length / RATE / 3600
    what = f"{len(words)} recordings of {arguments.label!r}, {hours:.2f} h of running speech"
    print(f"{what}, all of the {arguments.split} part")
    print(f"a second look takes {1000 * np.median(spent):.0f} ms of CPU (p95 {1000 * np.percentile(spent, 95):.0f} ms)")
    print("threshold margin   heard clean   at 10 dB   triggers in other speech")
    for threshold in THRESHOLDS:
        for margin in (*MARGINS, float("1e9")):
            shown = "none" if margin > 1e6 else f"{margin:g}"
            heard = [f"{100 * share(found, threshold, margin):.1f} %" for found in (clean, noisy)]
            rest = count(others, threshold, margin)
            print(f"{threshold:<9g} {shown:<8} {heard[0]:>11} {heard[1]:>10}   {rest} ({rest / hours:.2f} an hour)")


if __name__ == "__main__":
    main()
