"""The wake word: misses on the test recordings, false accepts an hour on running speech, delay, CPU.

    python benchmarks/wake_word.py --data DATA [--more FOLDER] [--bundle computer]

Every figure comes from the streaming detector as `voice run` uses it, on audio. The test recordings are those whose
speaker or recording hashes below 30 of 100 (`kws_training.corpora.keyword_split`); each distinct take counts once.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kws_training.corpora import read_samples, running_speech, wake_words
from kws_training.evaluate import poisson, wilson
from kws_training.feature_store import audio_bytes
from kws_training.keyword_data import COMMAND_SENTENCES, word_end
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.events import RATE, Chunk, Samples
from voice.models.bundle import load_bundle
from voice.models.wake import StreamingWakeDetector

CHUNK = 320  # samples: 20 ms, as the microphone delivers
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


def detections(detector: StreamingWakeDetector, samples: Samples, chunk: int = CHUNK) -> list[int]:
    """Return the sample indices of the detections in one recording."""
    detector.reset()
    found = (detector.process(Chunk(samples[i : i + chunk], i)) for i in range(0, len(samples), chunk))
    return [wake.at for wake in found if wake]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"), help="the unpacked data pack")
    parser.add_argument("--more", type=Path, action="append", default=[], help="folder of further speech; repeatable")
    parser.add_argument("--bundle", default="computer")
    parser.add_argument("--threshold", type=float, default=None)
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("name the data pack with --data or EARSHOT_DATA")
    detector = StreamingWakeDetector(load_bundle(arguments.bundle, kind="wake"), arguments.threshold)
    print(f"bundle {arguments.bundle}, threshold {detector.threshold:g}")
    recorded(detector, Path(arguments.data), detector.model_ids[0])
    synthetic(detector, detector.model_ids[0])
    test = [
        r.path for r, text in running_speech(arguments.data) if r.split != "train" and "computer" not in (text or "")
    ]
    false_accepts(detector, "running speech, dev and test of the pack", test)
    for folder in arguments.more:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        false_accepts(detector, f"running speech, {folder.name}", paths)


def recorded(detector: StreamingWakeDetector, data: Path, word: str) -> None:
    """Print misses and delay on the test recordings."""
    for label in (word, f"hey_{word}"):
        missed, delays = [], []
        clips = [r for r in wake_words(data) if r.label == label and r.split == "test"]
        for clip in clips:
            samples = read_samples(clip.path)
            found = detections(detector, np.concatenate([samples, np.zeros(RATE // 2, np.float32)]))
            if not found:
                missed.append(clip.path.name)
                continue
            delays.append(1000 * (found[0] / RATE - word_end(audio_bytes(samples)) / 100))
        print(f"missed, {label}: {wilson(len(missed), len(clips))}")
        if delays:
            p50, p95 = np.percentile(delays, [50, 95])
            print(f"  after the word's end: p50 {p50:.0f} ms, p95 {p95:.0f} ms; missed: {' '.join(missed) or 'none'}")


def synthetic(detector: StreamingWakeDetector, word: str) -> None:
    """Print misses of the five voices that no training heard, the word alone and with a command in one breath."""
    silence = np.zeros(RATE // 2, np.float32)
    for name, texts in (("alone", [word]), ("and a command in one breath", [f"{word} {s}" for s in COMMAND_SENTENCES])):
        missed = []
        for voice in HELD_OUT:
            for text in texts:
                for pace in (140, 165, 190) if name == "alone" else (165,):
                    audio = np.concatenate([silence, synthesise(text, Style(voice, pace)), silence])
                    missed += [voice] if not detections(detector, audio) else []
        total = len(HELD_OUT) * len(texts) * (3 if name == "alone" else 1)
        worst = ", ".join(f"{voice} {missed.count(voice)}" for voice in HELD_OUT if voice in missed)
        print(f"missed, held-out voices, {word} {name}: {wilson(len(missed), total)} {worst}")


def false_accepts(detector: StreamingWakeDetector, name: str, paths: Iterable[Path]) -> None:
    """Print false accepts an hour with their Poisson interval, and the detector's CPU time."""
    n_found, seconds, busy = 0, 0.0, 0.0
    for path in paths:
        samples = read_samples(path)
        seconds += len(samples) / RATE
        started = time.process_time()
        found = detections(detector, samples)
        busy += time.process_time() - started
        n_found += len(found)
        if found:
            print(f"  false accept: {path.name} at {found[0] / RATE:.1f} s")
    rate, low, high = poisson(n_found, seconds / 3600)
    print(f"false accepts an hour, {name}: {rate:.2f} [{low:.2f}, {high:.2f}], {n_found} in {seconds / 3600:.2f} h")
    print(f"  CPU: {100 * busy / seconds:.2f} % of one core, features included, chunks of {1000 * CHUNK // RATE} ms")


if __name__ == "__main__":
    main()
