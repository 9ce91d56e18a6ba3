"""The command classifier: accuracy on the visible test speakers, false commands, milliseconds a window.

    python benchmarks/commands.py --data DATA [--bundle commands-en]

The visible test speakers of the data pack are in no training; half of the official test speakers are, so the figures
can't be compared with published ones. Classified by the bundle, on audio.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from kws_training.batches import label_index
from kws_training.commands import balanced
from kws_training.corpora import read_samples, running_speech, speech_commands
from kws_training.evaluate import wilson
from kws_training.prepare import one_second
from voice.events import RATE, Command, Samples, Segment
from voice.models.bundle import load_bundle
from voice.models.commands import CommandsCnn


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"), help="the unpacked data pack")
    parser.add_argument("--bundle", default="commands-en")
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("name the data pack with --data or EARSHOT_DATA")
    classifier = CommandsCnn(load_bundle(arguments.bundle, kind="commands"))
    print(f"bundle {arguments.bundle}, threshold {classifier.threshold:g}")
    words(classifier, Path(arguments.data))
    running(classifier, Path(arguments.data))
    speed(classifier)


def classify(classifier: CommandsCnn, samples: Samples) -> Command:
    """Classify a clip of one second as a whole."""
    return classifier.classify(Segment(samples, 0, speech_start=0, speech_end=len(samples)))


def words(classifier: CommandsCnn, data: Path) -> None:
    """Print accuracy on the test speakers: 12 labels, unknown and silence cut to the mean count of a word."""
    clips = [(r.path, label_index(r.label)) for r in speech_commands(data) if r.split == "test"]
    clips += [(path, 0) for path in sorted((data / "speech_commands_test_silence").glob("*.wav"))]
    answers = [classify(classifier, one_second(read_samples(path))) for path, _ in clips]
    truth = np.array([label for _, label in clips])
    right = np.array([classifier.labels.index(a.label) for a in answers]) == truth
    passed = np.array([classifier.is_command(answer) for answer in answers])
    kept = balanced(truth)
    print(f"12 labels: {wilson(int(right[kept].sum()), len(kept))}")
    print(f"12 labels, every unknown and silence clip: {wilson(int(right.sum()), len(right))}")
    for name, chosen in (("ten words", truth > 1), ("unknown words", truth == 1), ("silence", truth == 0)):
        print(f"  {name}: {wilson(int(right[chosen].sum()), int(chosen.sum()))}")
    heard, false = passed & right & (truth > 1), passed & (truth == 1)
    wrong = passed & ~right & (truth > 1)
    print(f"words heard above the threshold: {wilson(int(heard.sum()), int((truth > 1).sum()))}")
    print(f"words taken for another command: {wilson(int(wrong.sum()), int((truth > 1).sum()))}")
    print(f"other words taken for a command: {wilson(int(false.sum()), int((truth == 1).sum()))}")


def running(classifier: CommandsCnn, data: Path) -> None:
    """Print how often a second of running speech, around its loudest moment, passes as a command."""
    paths = [r.path for r, _ in running_speech(data) if r.split == "test"]
    passed = sum(classifier.is_command(classifier.classify(Segment(read_samples(path), 0))) for path in paths)
    print(f"running speech taken for a command: {wilson(passed, len(paths))}")


def speed(classifier: CommandsCnn, n_runs: int = 200) -> None:
    """Print milliseconds of CPU for a one-second window, features included."""
    samples = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    classify(classifier, samples)
    times = []
    for _ in range(n_runs):
        started = time.process_time()
        classify(classifier, samples)
        times.append(1000 * (time.process_time() - started))
    print(f"one window: p50 {np.median(times):.2f} ms, p95 {np.percentile(times, 95):.2f} ms of CPU, one thread")


if __name__ == "__main__":
    main()
