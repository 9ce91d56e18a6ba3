"""CPU time of the features for a second of audio on one thread; limit 3 ms: `python -m benchmarks.features`."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy loads BLAS

from collections.abc import Callable
from time import process_time

import numpy as np

from voice.audio.features import FeatureSettings, FeatureStream, features
from voice.models.bundle import Bundle, shipped_bundles

SECONDS = 60
CHUNK = 1280  # samples; 80 ms, as the loop feeds them
LIMIT_MS = 3.0


def cpu_ms(work: Callable[[], object], runs: int = 5) -> float:
    """Return the least CPU time of `work` for a second of audio, ms."""
    best = float("inf")
    for _ in range(runs):
        started = process_time()
        work()
        best = min(best, process_time() - started)
    return 1000 * best / SECONDS


def librosa_ms(samples: np.ndarray, wanted: FeatureSettings) -> float | None:
    """Return librosa's CPU time for the same mel power, ms for a second; None where librosa is not installed."""
    try:
        import librosa
    except ImportError:
        return None
    options = {"n_fft": wanted.fft, "hop_length": wanted.hop, "win_length": wanted.window, "n_mels": wanted.mels}
    mel = {"fmin": wanted.f_min, "fmax": wanted.f_max, "htk": True, "norm": None, "center": False}
    melspectrogram = librosa.feature.melspectrogram
    melspectrogram(y=samples[: wanted.rate], sr=wanted.rate, **options, **mel)  # loads what librosa loads lazily
    return cpu_ms(lambda: np.log(melspectrogram(y=samples, sr=wanted.rate, **options, **mel) + wanted.offset))


def main() -> int:
    """Measure every shipped bundle's features, or the default ones where none is shipped."""
    samples = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16_000).astype(np.float32)
    chunks = np.split(samples, len(samples) // CHUNK)
    settings = {folder.name: Bundle(folder).manifest.features for folder in shipped_bundles()}
    worst = 0.0
    for name, wanted in (settings or {"default": FeatureSettings()}).items():
        stream = FeatureStream(wanted)
        whole = cpu_ms(lambda wanted=wanted: features(samples, wanted))
        chunked = cpu_ms(lambda stream=stream: [stream.process(chunk) for chunk in chunks])
        worst = max(worst, whole, chunked)
        print(f"{name:<16} {whole:5.2f} ms/s whole   {chunked:5.2f} ms/s in chunks of 80 ms   (limit {LIMIT_MS:g})")
        if (theirs := librosa_ms(samples, wanted)) is not None:
            print(f"{'':<16} {theirs:5.2f} ms/s librosa, whole: ours takes {whole / theirs:.2f} of it")
    return 1 if worst > LIMIT_MS else 0


if __name__ == "__main__":
    raise SystemExit(main())
