"""What the speech gate saves, and that nothing is lost by it: `EARSHOT_DATA=DIR python -m benchmarks.gate`.

CPU of the wake word with its gate over that without, on silence, hiss, recorded noise and speech, in chunks of 80 and
20 ms; then the detections of the pack's recordings of the word, which must be the same with and without. Exit 1 where
one differs.
"""

import os
import time
from itertools import islice
from pathlib import Path

import numpy as np

from kws_training.corpora import noises, read_samples, running_speech, wake_words
from voice.events import RATE, Chunk, Samples, Wake
from voice.models.bundle import load_bundle
from voice.models.gate import SpeechGate
from voice.models.wake import StreamingWakeDetector
from voice.pipeline.gated import GatedDetectors

WORD = "computer"
SECONDS = 120
SNRS_DB = (None, 10.0, 5.0, 0.0)
FAR_DB = 30
"""How much quieter the word is from far away: the noise below it is then a quiet room's."""


def heard(audio: Samples, *, gated: bool, chunk: int = 1280) -> list[Wake]:
    """Return the detections in a stream."""
    words = GatedDetectors([StreamingWakeDetector(load_bundle(WORD, "wake"))], gated=gated)
    gate = SpeechGate() if gated else None
    found: list[Wake] = []
    for start in range(0, len(audio), chunk):
        part = Chunk(audio[start : start + chunk], start)
        found += words.process(part, gate.process(part) if gate else None)
    return found


def cost(audio: Samples, *, gated: bool, chunk: int) -> float:
    """Return the share of one core."""
    heard(audio[:RATE], gated=gated, chunk=chunk)
    started = time.process_time()
    heard(audio, gated=gated, chunk=chunk)
    return (time.process_time() - started) / (len(audio) / RATE)


def scenes(data: Path, rng: np.random.Generator) -> dict[str, Samples]:
    """Return two minutes of each."""
    n = SECONDS * RATE
    rooms = [read_samples(r.path) for r in noises(data)]
    rooms = [rooms[i][: 10 * RATE] for i in rng.permutation(len(rooms)) if len(rooms[i]) > RATE]
    speech = [read_samples(r.path) for r, _ in islice(running_speech(data), 60)]
    return {
        "silence": np.zeros(n, np.float32),
        "hiss at -60 dBFS": rng.normal(0, 1e-3, n).astype(np.float32),
        "recorded noise": np.resize(np.concatenate(rooms[:40]), n),
        "running speech": np.resize(np.concatenate(speech), n),
    }


def in_room(clips: list[Samples], snr_db: float | None, rng: np.random.Generator) -> Samples:
    """Return the recordings two seconds apart in pink noise, so many dB below their mean power."""
    pause = np.zeros(2 * RATE, np.float32)
    audio = np.concatenate([part for clip in clips for part in (pause, clip)] + [pause])
    if snr_db is None:
        return audio
    white = np.fft.rfft(rng.normal(0, 1, len(audio)))
    pink = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), len(audio))
    power = np.mean([np.mean(clip**2) for clip in clips])
    return (audio + pink * np.sqrt(power / np.mean(pink**2) / 10 ** (snr_db / 10))).astype(np.float32)


def main() -> int:
    """Measure and print; return 1 where the gate changed what was heard."""
    data, rng = Path(os.environ["EARSHOT_DATA"]), np.random.default_rng(0)
    for name, audio in scenes(data, rng).items():
        for chunk in (1280, 320):
            without, with_gate = (cost(audio, gated=gated, chunk=chunk) for gated in (False, True))
            shares = f"{100 * without:.2f} % -> {100 * with_gate:.2f} % of one core"
            print(f"{name:<18} chunks of {chunk * 1000 // RATE} ms: {shares}, ratio {with_gate / without:.2f}")
    clips = [read_samples(r.path) for r in wake_words(data) if r.label == WORD and r.split != "train"]
    different = 0
    for snr_db, far_db in ((snr_db, far_db) for far_db in (0, FAR_DB) for snr_db in SNRS_DB):
        audio = in_room(clips, snr_db, rng) * np.float32(10 ** (-far_db / 20))
        always, gated = (set(heard(audio, gated=flag)) for flag in (False, True))
        different += len(always ^ gated)
        where = "clean" if snr_db is None else f"{snr_db:g} dB above pink noise"
        print(
            f"{len(clips)} recordings {where}: {len(always)} detections without, {len(gated)} with the gate,", end=" "
        )
        print(f"{len(always ^ gated)} different")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
