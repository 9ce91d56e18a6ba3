"""What a command bundle costs: ms for a whole window and for a step of a stream, beside MLPerf Tiny's DS-CNN.

    python -m benchmarks.streaming [--bundle commands-en] [--passes 20] [--record FILE] [--data DATA]

One thread of one core, processor time of this process. Everything is measured in turns in the same run, a pass of each
after the other, and the least of the passes counts: what another program takes from the caches only adds. The DS-CNN is
rebuilt from its paper (Zhang et al., arXiv 1711.07128, table 4, the small one, as MLPerf Tiny's closed division has it:
49 MFCC frames of 10 coefficients, 23,756 parameters); its weights are random, which changes no time. It is exported as
the bundles are. "Features" are those of the run time, in numpy; a step's are those of the four frames that came in.

With the data pack the test speakers' clips are also heard as one stream, one behind the other, by whole windows and by
steps, whose past is never reset (kws_streaming's "reset0"): how many of the words are heard in their second, how many
seconds of silence and other words bring a command, and how many commands an hour of running speech brings.

Exit status 1 where a limit is missed: 1 ms for a window of one second, 0.05 ms for a step without its features.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from voice.audio.features import FeatureSettings, FeatureStream, features
from voice.events import RATE, Chunk
from voice.models.backend import Network, StreamingNetwork
from voice.models.bundle import Bundle, load_bundle
from voice.models.command_stream import CommandStream

WINDOW_MS, STEP_MS = 1.0, 0.05
_MFCC = FeatureSettings(kind="mfcc", window=640, hop=320, fft=1024, mels=40, coefficients=10)
_CALLS = 50
SECOND = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)


def main() -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="commands-en", help="name or folder")
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--record", type=Path, help="write the figures here as JSON")
    parser.add_argument("--data", type=Path, help="the unpacked data pack: also count what is heard in a stream")
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.bundle, kind="commands")
    with tempfile.TemporaryDirectory() as folder:
        jobs = of_bundle(bundle) | of_peer(Path(folder))
        figures = measure(jobs, arguments.passes)
    print(f"bundle {bundle.manifest.id}, {bundle.manifest.training.parameters:,} parameters, ", end="")
    print(f"{bundle.manifest.model.bytes / 1000:.0f} kB; ms, one thread, least of {arguments.passes} passes")
    for name, milliseconds in figures.items():
        print(f"  {name:<52} {milliseconds:8.4f}")
    stream = bundle.manifest.decision.stream
    if stream:
        share = figures["step: network"] / (stream.step_frames * bundle.manifest.features.hop / RATE * 1000)
        print(f"  the stream takes {100 * share:.3f} % of a core without features")
    else:
        print("  no steps: the network looks ahead")
    if arguments.data:
        for steps in (False, True)[: 2 if stream else 1]:
            print("in steps, the past never reset:" if steps else "whole windows, every 40 ms:")
            heard_in_a_stream(CommandStream(bundle, steps=steps), arguments.data)
    if arguments.record:
        arguments.record.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    missed = figures["window: network and features"] > WINDOW_MS or figures.get("step: network", 0) > STEP_MS
    return 1 if missed else 0


def heard_in_a_stream(listener: CommandStream, data: Path) -> None:
    """Print what CommandStream hears in the test speakers' clips, one after the other, and in running speech."""
    from kws_training.corpora import read_samples, running_speech, speech_commands
    from kws_training.evaluate import poisson, wilson
    from kws_training.prepare import one_second

    clips = [(r.path, r.label) for r in speech_commands(data) if r.split == "test"]
    clips += [(path, "_silence_") for path in sorted((data / "speech_commands_test_silence").glob("*.wav"))]
    order = np.random.default_rng(0).permutation(len(clips))
    late = RATE // 5  # the average over the last steps is as late as this
    found: list[list[str]] = [[] for _ in clips]
    for place, number in enumerate(order):
        for heard in listener.process(Chunk(one_second(read_samples(clips[number][0])), place * RATE)):
            found[order[max(0, (heard.at - late) // RATE)]].append(heard.command.label)
    words = [(label, heard) for (_, label), heard in zip(clips, found, strict=True) if label in listener.labels[2:]]
    others = [heard for (_, label), heard in zip(clips, found, strict=True) if label not in listener.labels[2:]]
    print(f"words heard in their second of a stream: {wilson(sum(w in h for w, h in words), len(words))}")
    print(f"  taken for another command: {wilson(sum(any(x != w for x in h) for w, h in words), len(words))}")
    print(f"seconds without a command that brought one: {wilson(sum(map(bool, others)), len(others))}")
    listener.reset()
    n_false = n_samples = 0
    for recording, _ in running_speech(data):
        if recording.split == "test":
            samples = read_samples(recording.path)
            n_false += len(listener.process(Chunk(samples, n_samples)))
            n_samples += len(samples)
    rate, low, high = poisson(n_false, n_samples / RATE / 3600)
    print(f"commands in running speech: {rate:.1f} an hour [{low:.1f}, {high:.1f}] in {n_samples / RATE / 3600:.2f} h")


def of_bundle(bundle: Bundle) -> dict[str, Callable[[], object]]:
    """Return what to time of a bundle."""
    settings, decision = bundle.manifest.features, bundle.manifest.decision
    network = Network(bundle.model_path)
    length = (decision.window_frames - 1) * settings.hop + settings.window
    samples = np.resize(SECOND, length)
    window = features(samples, settings)[None]
    jobs: dict[str, Callable[[], object]] = {
        "window: network": lambda: network.run(window),
        "window: network and features": lambda: network.run(features(samples, settings)[None]),
    }
    if decision.stream is None:
        return jobs
    steps = StreamingNetwork(bundle.model_path)
    frames = np.ascontiguousarray(window[:, : decision.stream.step_frames])
    arriving = SECOND[: decision.stream.step_frames * settings.hop]
    stream = FeatureStream(settings)

    def heard() -> None:
        found = stream.process(arriving)
        steps.step(found[None] if len(found) == frames.shape[1] else frames)

    return jobs | {"step: network": lambda: steps.step(frames), "step: network and features": heard}


def of_peer(folder: Path) -> dict[str, Callable[[], object]]:
    """Return what to time of DS-CNN, float32 and full int8; nothing where TensorFlow is not installed."""
    try:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from kws_training.litert import to_litert
    except ModuleNotFoundError as error:
        print(f"DS-CNN skipped: {error.name} is not installed, pip install 'earshot[train]'", file=sys.stderr)
        return {}
    model = ds_cnn()
    clips = np.random.default_rng(1).normal(0, 1, (20, *model.input_shape[1:])).astype(np.float32)
    window = features(SECOND, _MFCC)[None]
    jobs: dict[str, Callable[[], object]] = {}
    for weights in ("float32", "full"):
        path = folder / f"{weights}.tflite"
        path.write_bytes(to_litert(model, weights, clips))
        network = Network(path)
        jobs[f"DS-CNN {weights}, window: network"] = lambda network=network: network.run(window)
        jobs[f"DS-CNN {weights}, window: network and features"] = lambda network=network: network.run(
            features(SECOND, _MFCC)[None]
        )
    return jobs


def ds_cnn() -> object:
    """Return MLPerf Tiny's network."""
    import keras
    from keras import layers

    inputs = keras.Input((49, 10))
    x = layers.Reshape((49, 10, 1))(inputs)
    x = layers.Conv2D(64, (10, 4), strides=2, padding="same")(x)
    for _ in range(4):
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(64, 1)(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    model = keras.Model(inputs, layers.Dense(12)(x))
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    if trainable != 23_756:
        raise AssertionError(f"{trainable} parameters, 23,756 published")
    return model


def measure(jobs: dict[str, Callable[[], object]], n_passes: int) -> dict[str, float]:
    """Return the milliseconds of processor time of each job, the least of its passes of 50 calls."""
    least = dict.fromkeys(jobs, float("inf"))
    for _ in range(n_passes):
        for name, job in jobs.items():
            job()
            started = time.process_time()
            for _ in range(_CALLS):
                job()
            least[name] = min(least[name], 1000 * (time.process_time() - started) / _CALLS)
    return least


if __name__ == "__main__":
    raise SystemExit(main())
