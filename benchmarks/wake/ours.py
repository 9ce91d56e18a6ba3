"""Our detector as one of the engines: scores over time of a bundle, kept on disk under the bundle's checksum."""

import hashlib
from pathlib import Path

import numpy as np

from benchmarks.wake.scoring import Track
from benchmarks.wake.speech import cache_folder
from benchmarks.wake.streams import Stream, digest
from voice.audio import features
from voice.events import Chunk
from voice.models import backend, wake
from voice.models.bundle import Bundle
from voice.models.wake import StreamingWakeDetector

CHUNK = 320
"""Samples: 20 ms, as the microphone delivers; a detection comes with the end of its chunk."""
_FAST = 50 * CHUNK
"""Chunking changes no score, and long chunks take less time."""


def bundle_version(bundle: Bundle) -> str:
    """Return a digest of all that the scores depend on: network, features, rule of looking, and the code that looks."""
    code = [
        hashlib.sha256(Path(module.__file__ or "").read_bytes()).hexdigest() for module in (wake, backend, features)
    ]
    rule = bundle.manifest.decision.model_dump(exclude={"threshold", "refractory_ms"})
    return digest(bundle.manifest.model.sha256, bundle.manifest.features.model_dump(), rule, code)


def our_track(bundle: Bundle, stream: Stream, cache: Path | None = None) -> Track:
    """Return the smoothed scores of each look of a bundle at a stream."""
    file = (cache or cache_folder()) / f"{bundle.manifest.id}-{bundle_version(bundle)}-{stream.key}.npz"
    if not file.exists():
        keep(file, listen(StreamingWakeDetector(bundle), stream))
    return kept(file)


def listen(detector: StreamingWakeDetector, stream: Stream) -> Track:
    """Return what a detector makes of a stream."""
    detector.reset()
    found: list[tuple[int, float]] = []
    start = 0
    for block in stream.blocks():
        samples = block.astype(np.float32) / 32768
        for first in range(0, len(samples), _FAST):
            chunk = Chunk(samples[first : first + _FAST], start)
            found += detector.scores(chunk)
            start = chunk.end
    at = np.array([at for at, _ in found], np.int64)
    return Track(-(-at // CHUNK) * CHUNK, np.array([score for _, score in found], np.float64), start)


def keep(file: Path, track: Track) -> None:
    """Write a track; it appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    with partial.open("wb") as out:
        np.savez(out, at=track.at, score=track.score.astype(np.float32), n_samples=track.n_samples)
    partial.replace(file)


def kept(file: Path) -> Track:
    """Return a track that was written before."""
    arrays = np.load(file)
    return Track(arrays["at"], arrays["score"].astype(np.float64), int(arrays["n_samples"]))
