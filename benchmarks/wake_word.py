"""The wake word: misses clean, in noise and of unheard voices, false accepts an hour of running speech, delay, CPU.

    python benchmarks/wake_word.py --data DATA [--more FOLDER] [--skip LIST] [--bundle computer] [--record]

Every figure comes from the streaming detector as `voice run` uses it, on audio. The test recordings are those whose
speaker or recording hashes below 30 of 100 (`kws_training.corpora.keyword_split`); each distinct take counts once.
Running speech are the clips of the pack and of `--more` whose split is test, one after the other in one stream.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.cards import record_results, result
from kws_training.corpora import (
    Recording,
    further_speech,
    noises,
    read_samples,
    running_speech,
    wake_words,
)
from kws_training.evaluate import poisson, wilson
from kws_training.feature_store import audio_bytes
from kws_training.keyword_data import COMMAND_SENTENCES, word_end
from kws_training.prepare import TRAINED_NOISE, no_negative
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.events import RATE, Chunk, Samples
from voice.models.bundle import load_bundle
from voice.models.wake import StreamingWakeDetector

Result = dict[str, Any]
CHUNK = 320  # samples: 20 ms, as the microphone delivers
SECOND = np.zeros(RATE, np.float32)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"), help="the unpacked data pack")
    parser.add_argument("--more", type=Path, action="append", default=[], help="folder of further speech; repeatable")
    parser.add_argument("--skip", type=Path, action="append", default=[], help="list of clips to leave out; repeatable")
    parser.add_argument("--bundle", default="computer")
    parser.add_argument("--threshold", type=float, default=None)
    parser.add_argument("--record", action="store_true", help="write the results into the bundle and its card")
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("name the data pack with --data or EARSHOT_DATA")
    bundle = load_bundle(arguments.bundle, kind="wake")
    detector = StreamingWakeDetector(bundle, arguments.threshold)
    print(f"bundle {arguments.bundle}, threshold {detector.threshold:g}")
    data, word = Path(arguments.data), detector.model_ids[0]
    results = recorded(detector, data, word) + synthetic(detector, word) + cpu(detector, data)
    clips = _test(running_speech(data)) + _test(further_speech(arguments.more, arguments.skip))
    results += false_accepts(detector, clips)
    if arguments.record:
        record_results(bundle, results)


def detections(detector: StreamingWakeDetector, samples: Samples, chunk: int = CHUNK) -> list[int]:
    """Return the sample indices of the detections in one recording."""
    detector.reset()
    found = (detector.process(Chunk(samples[i : i + chunk], i)) for i in range(0, len(samples), chunk))
    return [wake.at for wake in found if wake]


def recorded(detector: StreamingWakeDetector, data: Path, word: str) -> list[Result]:
    """Print misses on the test recordings, clean and at 10 dB in noise and in the talk of six, and the delay."""
    rng, results = np.random.default_rng(0), []
    for label in (word, f"hey_{word}"):
        clips = [r.path for r in wake_words(data) if r.label == label and r.split == "test"]
        words = [read_samples(path) for path in clips]
        found = [detections(detector, np.concatenate([samples, SECOND])) for samples in words]
        print("  missed:", *(path.name for path, at in zip(clips, found, strict=True) if not at))
        results.append(_missed(f"missed, {label}", found, "test recordings of the data pack"))
        ends = [word_end(audio_bytes(samples)) / 100 for samples in words]
        delays = [1000 * (at[0] / RATE - end) for at, end in zip(found, ends, strict=True) if at]
        print(f"  after the word's end: p50 {np.median(delays):.0f} ms, p95 {np.percentile(delays, 95):.0f} ms")
        for name, noise in (("noise", noise_only(data, rng)), ("talk of six", talk(data, rng))):
            found = [detections(detector, in_noise(samples, next(noise), 10)) for samples in words]
            results.append(_missed(f"missed, {label}, 10 dB above {name}", found, "the same recordings"))
    return results


def _missed(name: str, found: list[list[int]], on: str) -> Result:
    share = wilson(sum(not at for at in found), len(found))
    print(f"{name}: {share}")
    return result(name, share, on)


def in_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return a word with noise from a second before to a second after; its power is that of its loudest half second."""
    whole = np.concatenate([SECOND, samples, SECOND])
    power = np.convolve(whole**2, np.ones(RATE // 2) / (RATE // 2), mode="valid").max()
    noise = np.resize(noise, len(whole))
    return whole + noise * np.float32(np.sqrt(power / np.mean(noise**2) / 10 ** (snr_db / 10)))


def noise_only(data: Path, rng: np.random.Generator) -> Iterator[Samples]:
    """Yield noise: of a random recording the last part, which training doesn't hear."""
    parts = [
        samples[int(TRAINED_NOISE * len(samples)) :] for samples in map(read_samples, (r.path for r in noises(data)))
    ]
    parts = [part for part in parts if np.mean(part**2) > 0 and len(part) > RATE]
    while True:
        yield parts[rng.integers(len(parts))]


def talk(data: Path, rng: np.random.Generator) -> Iterator[Samples]:
    """Yield six test clips of running speech at once, each equally loud."""
    paths = [recording.path for recording, _ in _test(running_speech(data))]
    while True:
        voices = [read_samples(paths[rng.integers(len(paths))]) for _ in range(6)]
        longest = max(map(len, voices))
        yield np.sum([np.resize(v / np.sqrt(np.mean(v**2)), longest) for v in voices], axis=0, dtype=np.float32)


def synthetic(detector: StreamingWakeDetector, word: str) -> list[Result]:
    """Print misses of the five voices that no training heard, the word alone and with a command."""
    results = []
    for name, texts, paces in (
        ("alone", [word], (120, 140, 165, 190)),
        ("and a command in one breath", [f"{word} {s}" for s in COMMAND_SENTENCES], (165,)),
        ("and a command after a comma", [f"{word}, {s}" for s in COMMAND_SENTENCES], (165,)),
    ):
        said = [(voice, synthesise(text, Style(voice, pace))) for voice in HELD_OUT for text in texts for pace in paces]
        found = [detections(detector, np.concatenate([SECOND[::2], samples, SECOND])) for _, samples in said]
        results.append(_missed(f"missed, {word} {name}", found, "five synthetic voices that no training used"))
        print("  missed:", *(voice for (voice, _), at in zip(said, found, strict=True) if not at))
    return results


def cpu(detector: StreamingWakeDetector, data: Path, n_clips: int = 60) -> list[Result]:
    """Print the detector's share of one core, features included."""
    clips = [read_samples(recording.path) for recording, _ in _test(running_speech(data))[:n_clips]]
    started = time.process_time()
    for samples in clips:
        detections(detector, samples)
    share = (time.process_time() - started) / (sum(map(len, clips)) / RATE)
    print(f"CPU: {100 * share:.2f} % of one core, features included, chunks of {1000 * CHUNK // RATE} ms")
    return [{"name": "CPU, share of one core", "value": round(share, 4), "on": "chunks of 20 ms, features included"}]


def false_accepts(detector: StreamingWakeDetector, clips: list[tuple[Recording, str | None]]) -> list[Result]:
    """Print false accepts an hour with their Poisson interval; the clips are one stream."""
    detector.reset()
    at, n_found = 0, 0
    for recording, _ in clips:
        samples = read_samples(recording.path)
        for i in range(0, len(samples), 4 * CHUNK):  # chunking doesn't change the scores; this is faster
            piece = samples[i : i + 4 * CHUNK]
            wake = detector.process(Chunk(piece, at))
            at += len(piece)
            if wake:
                n_found += 1
                print(f"  false accept: {recording.path.name} at {i / RATE:.1f} s, {wake.score:.3f}", flush=True)
    hours = at / RATE / 3600
    rate, low, high = (round(limit, 2) for limit in poisson(n_found, hours))
    print(f"false accepts an hour: {rate:.2f} [{low:.2f}, {high:.2f}], {n_found} in {hours:.2f} h, {len(clips)} clips")
    on = f"{hours:.2f} h of running speech in {len(clips)} clips, none of them trained on, as one stream"
    return [{"name": "false accepts an hour", "value": rate, "low": low, "high": high, "n": n_found, "on": on}]


def _test(
    found: Iterator[tuple[Recording, str | None]] | list[tuple[Recording, str | None]],
) -> list[tuple[Recording, str | None]]:
    """Return the clips of the test split that don't say the word."""
    return [(r, text) for r, text in found if r.split == "test" and no_negative(r.label, text) != "computer"]


if __name__ == "__main__":
    main()
