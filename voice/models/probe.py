"""Try a bundle out: its network must load, take the bundle's features and answer with the bundle's labels."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from voice.errors import BundleError
from voice.models.backend import Network
from voice.models.bundle import AsrDecision, Bundle, Manifest, WakeDecision

_ASR_SECONDS = 3  # length of the silence that a recogniser is tried with


@dataclass(frozen=True, slots=True)
class Probe:
    """What a try-out measured."""

    milliseconds: float
    """Time of one run on one thread, after a first one that is not counted."""
    window_ms: float
    """Audio that the run covered."""


def probe(bundle: Bundle, interpreter: Callable[..., Any] | None = None) -> Probe:
    """Run a bundle's network once on silence-like zeros.

    Args:
        bundle: what to try.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: the engine refuses the network, or its inputs or outputs don't fit the manifest.
    """
    manifest = bundle.manifest
    network = Network(bundle.model_path, interpreter)
    frames = probe_frames(manifest)
    shapes = [_filled(shape, frames) for shape in network.input_shapes]
    arrays = [np.zeros(shape, np.float32) for shape in shapes]
    first = network.run(*arrays)
    if not any(output.shape[-1:] == (_outputs(manifest),) for output in first):
        raise BundleError(
            f"{bundle.folder}: no output of {len(manifest.labels)} labels, got "
            f"{', '.join(str(list(output.shape)) for output in first)}",
            fix="export the bundle again",
        )
    if not all(np.isfinite(output).all() for output in first):
        raise BundleError(f"{bundle.folder}: the network answers zeros with NaN", fix="train and export it again")
    started = perf_counter()
    network.run(*arrays)
    hop_ms = 1000 * manifest.features.hop / manifest.features.rate
    return Probe(1000 * (perf_counter() - started), frames * hop_ms)


def probe_frames(manifest: Manifest) -> int:
    """Return the feature frames that a try-out feeds: a window or a step, or three seconds for a recogniser."""
    decision = manifest.decision
    if isinstance(decision, WakeDecision) and decision.stream:
        return decision.step_frames
    if not isinstance(decision, AsrDecision):
        return decision.window_frames
    wanted = _ASR_SECONDS * manifest.features.rate // manifest.features.hop
    return -(-wanted // decision.pad_frames) * decision.pad_frames


def _filled(shape: tuple[int, ...], frames: int) -> tuple[int, ...]:
    """Give dynamic axes a length: 1 for the batch in front, the frames behind it."""
    return tuple(size if size > 0 else (1 if axis == 0 else frames) for axis, size in enumerate(shape))


def _outputs(manifest: Manifest) -> int:
    """Width of the network's last axis; a wake network answers one score for each of its labels."""
    return len(manifest.labels)
