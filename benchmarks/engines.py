"""The same bundle on three engines: `python -m benchmarks.engines [--venv FOLDER] [--json]`.

Runs every shipped bundle on the clips of tests/parity with ai-edge-litert, with TensorFlow's interpreter (where it is
installed) and with tflite-runtime 2.14 under numpy 1.x, which gets an environment of its own. A clip's labels
(for a recogniser: its greedy text) must be equal; the largest difference of any output is reported. Exit status 1
where a clip differs.
"""

import argparse
import importlib.util
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from voice.audio.features import features
from voice.models.backend import Network, StreamingNetwork
from voice.models.bundle import Bundle, Manifest, shipped_bundles

ROOT = Path(__file__).parent.parent
CLIPS = ROOT / "tests" / "parity" / "clips"
INTERPRETERS = {
    "ai-edge-litert": "ai_edge_litert.interpreter:Interpreter",
    "tensorflow": "tensorflow:lite.Interpreter",
    "tflite-runtime": "tflite_runtime.interpreter:Interpreter",
}
OLD_ENGINE = ("tflite-runtime==2.14.0", "numpy<2", "pydantic", "soundfile")


def outputs(bundle: Bundle, engine: str) -> dict[str, np.ndarray]:
    """Return the network's first output for each window of each clip, shape (rows, labels), by clip name."""
    import soundfile

    interpreter, results = pkgutil.resolve_name(INTERPRETERS[engine]), {}
    decision = bundle.manifest.decision
    stepping = decision.kind == "wake" and decision.stream
    network = None if stepping else Network(bundle.model_path, interpreter)
    for clip in sorted(CLIPS.glob("*.flac")):
        samples, _ = soundfile.read(clip, dtype="float32")
        frames = features(samples, bundle.manifest.features)
        if network is None:
            results[clip.stem] = stepped(StreamingNetwork(bundle.model_path, interpreter), frames)
            continue
        rows = [network.run(window.reshape(_shape(network, window)))[0] for window in windows(frames, bundle.manifest)]
        results[clip.stem] = np.concatenate([row.reshape(-1, row.shape[-1]) for row in rows])
    return results


def stepped(network: StreamingNetwork, frames: np.ndarray) -> np.ndarray:
    """Return what a network that takes steps answers to each, shape (steps, labels)."""
    size = network.frames_shape[1]
    steps = frames[: len(frames) // size * size].reshape(-1, 1, size, frames.shape[-1])
    return np.stack([network.step(step).reshape(-1) for step in steps])


def windows(frames: np.ndarray, manifest: Manifest) -> list[np.ndarray]:
    """Cut features as the stage of that kind does: whole and padded for asr, window by window for the others."""
    decision = manifest.decision
    if decision.kind == "asr":
        short = -len(frames) % decision.pad_frames
        return [np.pad(frames, ((0, short), (0, 0)))]
    step = decision.step_frames if decision.kind == "wake" else decision.window_frames // 2
    padded = np.pad(frames, ((0, max(0, decision.window_frames - len(frames))), (0, 0)))
    starts = range(0, len(padded) - decision.window_frames + 1, step)
    return [padded[start : start + decision.window_frames] for start in starts]


def _shape(network: Network, window: np.ndarray) -> tuple[int, ...]:
    """Give a window the batch and channel axes that the network has."""
    (shape,) = network.input_shapes
    return (1, *window.shape, *([1] * (len(shape) - 3)))


def labels(rows: np.ndarray) -> list[int]:
    """Return the label of each row: the largest output, or for a single score whether it passes one half."""
    return [int(row[0] > 0.5) for row in rows] if rows.shape[1] == 1 else rows.argmax(axis=1).tolist()


def run_here(engine: str, bundles: list[Path], target: Path) -> None:
    """Write this environment's outputs as `bundle/clip` arrays."""
    arrays = {}
    for folder in bundles:
        for clip, rows in outputs(Bundle(folder), engine).items():
            arrays[f"{folder.name}/{clip}"] = rows
    np.savez(target, **arrays)


def make_old_environment(folder: Path) -> Path:
    """Return the Python of an environment with tflite-runtime 2.14 and numpy 1.x, made with pip where it is missing.

    Raises:
        subprocess.CalledProcessError: pip can't (no network, or no wheel for this Python).
    """
    python = folder / "bin" / "python"
    done = folder / ".complete"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        subprocess.run([*pip, *OLD_ENGINE], check=True, capture_output=True, text=True)
        done.touch()
    return python


def run_in(python: Path | str, engine: str, bundles: list[Path], target: Path) -> dict[str, np.ndarray]:
    """Run `run_here` in another interpreter and return what it wrote."""
    command = [python, "-m", "benchmarks.engines", "--engine", engine, "--out", target, *bundles]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    with np.load(target, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def answer(rows: np.ndarray, blank: int | None) -> list[int]:
    """Return what a clip comes to: each window's label; for CTC the labels, repeats merged and blanks left out."""
    found = labels(rows)
    if blank is None:
        return found
    return [label for i, label in enumerate(found) if label != blank and (i == 0 or label != found[i - 1])]


def compare(
    bundles: list[Path], reference: dict[str, np.ndarray], other: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Return a record for each bundle: how many clips and rows, how many of them differ, and by how much at most."""
    records = []
    for folder in bundles:
        blank = getattr(Bundle(folder).manifest.decision, "blank", None)
        pairs = [(reference[name], other[name]) for name in reference if name.split("/")[0] == folder.name]
        records.append(
            {
                "bundle": folder.name,
                "clips": len(pairs),
                "differing_clips": sum(answer(a, blank) != answer(b, blank) for a, b in pairs),
                "rows": sum(len(a) for a, _ in pairs),
                "differing_rows": sum(x != y for a, b in pairs for x, y in zip(labels(a), labels(b), strict=True)),
                "largest_difference": max(float(np.abs(a - b).max()) for a, b in pairs),
            }
        )
    return records


def main() -> int:
    """Compare the engines and print a line a bundle."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", type=Path, help="bundle folders; none: the shipped ones")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv" / "tflite-2.14", help="where the old engine lives")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    parser.add_argument("--engine", choices=INTERPRETERS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    bundles = arguments.bundles or shipped_bundles()
    if not bundles:
        parser.error("no bundle is shipped; name one")
    if arguments.engine:
        run_here(arguments.engine, bundles, arguments.out)
        return 0
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        reference = run_in(sys.executable, "ai-edge-litert", bundles, Path(folder, "litert.npz"))
        pythons: dict[str, Path | str] = {"tflite-runtime": make_old_environment(arguments.venv)}
        if importlib.util.find_spec("tensorflow"):
            pythons["tensorflow"] = sys.executable
        for engine, python in pythons.items():
            for record in compare(bundles, reference, run_in(python, engine, bundles, Path(folder, f"{engine}.npz"))):
                differing += record["differing_clips"]
                print(json.dumps({"engine": engine, **record}) if arguments.json else _line(engine, record))
    return 1 if differing else 0


def _line(engine: str, record: dict[str, Any]) -> str:
    return (
        f"{record['bundle']:<12} {engine:<15} {record['clips']} clips, {record['differing_clips']} differ; "
        f"{record['rows']} rows, {record['differing_rows']} differ; by {record['largest_difference']:.2g} at most"
    )


if __name__ == "__main__":
    raise SystemExit(main())
