"""Let one engine hear 16-bit PCM from standard input and write its scores; runs in the engine's own environment.

    PYTHON benchmarks/wake/peer.py ENGINE WORD[,WORD...] OUT.npz [--breaks BREAKS.json] [--one] < audio.pcm

OUT gets, for word number i, `at_i` (samples heard when a score came) and `score_i` (0 to 1), and `n_samples`; scores
below 0.01 are left out. One JSON line on standard output says version, what the engine took and its files' size.
Nothing of Earshot is imported, except by the engine `earshot`, whose words are bundle folders.

What a score is: openWakeWord's and microWakeWord's own. Porcupine only says yes: each word is loaded once for each
sensitivity, loose ones first, and of several that say yes in one frame it reports the last, so the strictest; the score
is 1 - that sensitivity; each sensitivity alone gives the same detections (a test compares). PocketSphinx reports
the likelihood ratio that its threshold is applied to, so one pass with a loose threshold holds every stricter one; the
score is 1 + log10(ratio) / 60. It is begun anew at the sample indices of BREAKS, because what it found piles up.
`--one` measures what an engine costs in use: Porcupine with the one sensitivity 0.5.
"""

import argparse
import importlib
import importlib.metadata
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FLOOR = 0.01
SENSITIVITIES = tuple(round(0.95 - 0.05 * step, 2) for step in range(20))
"""Of Porcupine, loose ones first."""
DECADES = 60
"""PocketSphinx's scores reach down to a ratio of 10 to the power of minus this."""
RATE = 16000

Scores = Iterable[tuple[str, float]]
"""Words and their scores after a frame."""


class Porcupine:
    """pvporcupine 1.9.5, the last version that works without an access key."""

    package = "pvporcupine"
    frame = 512

    def __init__(self, words: list[str], sensitivities: tuple[float, ...] = SENSITIVITIES) -> None:
        engine = importlib.import_module("pvporcupine")
        self._of = [(word, 1 - value) for word in words for value in sensitivities]
        values = list(sensitivities) * len(words)
        self._engine = engine.create(keywords=[word for word, _ in self._of], sensitivities=values)
        self.files = [engine.MODEL_PATH, *(engine.KEYWORD_PATHS[word] for word in words)]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives."""
        index = self._engine.process(frame.tolist())
        return [self._of[index]] if index >= 0 else ()


class OpenWakeWord:
    """openwakeword 0.4.0, the last version with its models inside, on onnxruntime."""

    package = "openwakeword"
    frame = 1280

    def __init__(self, words: list[str]) -> None:
        module = importlib.import_module("openwakeword")
        models = Path(module.__file__).parent / "resources" / "models"
        self._names = {f"{word.replace(' ', '_')}_v0.1": word for word in words}
        paths = [str(models / f"{name}.onnx") for name in self._names]
        self._engine = module.Model(wakeword_model_paths=paths)
        self.files = [*paths, str(models / "melspectrogram.onnx"), str(models / "embedding_model.onnx")]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives."""
        return [(self._names[name], float(score)) for name, score in self._engine.predict(frame).items()]


class MicroWakeWord:
    """pymicro-wakeword: the microWakeWord models of ESPHome with their own C front end."""

    package = "pymicro-wakeword"
    frame = 160

    def __init__(self, words: list[str]) -> None:
        module = importlib.import_module("pymicro_wakeword")
        names = {word: word.replace(" ", "_") for word in words}
        self._words = {word: module.MicroWakeWord.from_builtin(module.Model(name)) for word, name in names.items()}
        self._features = module.MicroWakeWordFeatures()
        models = Path(module.__file__).parent / "models"
        self.files = [str(models / f"{name}.tflite") for name in names.values()]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives; the mean of the last five probabilities, as the engine decides by."""
        found = []
        for features in self._features.process_streaming(frame.tobytes()):
            for word, model in self._words.items():
                score = model.process_streaming_prob(features)
                if score:
                    found.append((word, score))
        return found


class PyOpenWakeWord:
    """pyopen-wakeword: openWakeWord's newer models on TensorFlow Lite's C library."""

    package = "pyopen-wakeword"
    frame = 1280

    def __init__(self, words: list[str]) -> None:
        module = importlib.import_module("pyopen_wakeword")
        names = {word: word.replace(" ", "_") for word in words}
        self._words = {word: module.OpenWakeWord.from_builtin(module.Model(name)) for word, name in names.items()}
        self._features = module.OpenWakeWordFeatures.from_builtin()
        models = Path(module.__file__).parent / "models"
        shared = ("melspectrogram", "embedding_model")
        self.files = [str(models / f"{name}.tflite") for name in (*names.values(), *shared)]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives."""
        found = []
        for features in self._features.process_streaming(frame.tobytes()):
            for word, model in self._words.items():
                found += [(word, score) for score in model.process_streaming(features)]
        return found


class PocketSphinx:
    """PocketSphinx 5, keyphrase search with the English model that comes with it."""

    package = "pocketsphinx"
    frame = 1600

    def __init__(self, words: list[str]) -> None:
        module = importlib.import_module("pocketsphinx")
        models = Path(module.get_model_path()) / "en-us"
        with tempfile.NamedTemporaryFile("w", suffix=".list", delete=False, encoding="utf-8") as phrases:
            phrases.writelines(f"{word} /1e-{DECADES}/\n" for word in words)
        self._decoder = module.Decoder(
            hmm=str(models / "en-us"), dict=str(models / "cmudict-en-us.dict"), kws=phrases.name, loglevel="FATAL"
        )
        Path(phrases.name).unlink()
        self._best: dict[tuple[str, int], float] = {}
        self._decoder.start_utt()
        self.files = [str(path) for path in (models / "en-us").iterdir()]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives: phrases that came or whose ratio grew."""
        self._decoder.process_raw(frame.tobytes(), no_search=False, full_utt=False)
        if self._decoder.hyp() is None:
            return ()
        found = []
        for segment in self._decoder.seg():
            word = segment.word.strip()
            key = (word, segment.start_frame)
            if segment.prob > self._best.get(key, 0.0):
                self._best[key] = segment.prob
                found.append((word, 1 + self._decades(segment.prob) / DECADES))
        return found

    @staticmethod
    def _decades(prob: float) -> float:
        """Return log10 of the ratio that the threshold is applied to, from what the decoder calls a probability.

        Inside, the ratio's logarithm to the base 1.0001 is divided by 1,024, and 1,500 is taken off before it is turned
        into a probability (kws_search.c and kws_detections.c of PocketSphinx).
        """
        steps = math.log(prob) / math.log(1.0001) + 1500
        return steps * 1024 * math.log10(1.0001)

    def begin(self) -> None:
        """Forget what was found, not the level that it has adapted to."""
        self._decoder.end_utt()
        self._decoder.start_utt()
        self._best.clear()


class Earshot:
    """Our detector, for its cost in a process of its own; a word is a bundle's folder."""

    package = "earshot"
    frame = 320

    def __init__(self, words: list[str]) -> None:
        sys.path.insert(0, str(Path(__file__).parents[2]))
        from voice.events import Chunk
        from voice.models.bundle import load_bundle
        from voice.models.wake import StreamingWakeDetector

        self._chunk = Chunk
        self._start = 0
        self._words = {word: StreamingWakeDetector(load_bundle(word, kind="wake")) for word in words}
        self.files = [str(load_bundle(word, kind="wake").model_path) for word in words]

    def hear(self, frame: np.ndarray) -> Scores:
        """Return what a frame gives."""
        chunk = self._chunk(frame.astype(np.float32) / 32768, self._start)
        self._start = chunk.end
        found = [(word, detector.process(chunk)) for word, detector in self._words.items()]
        return [(word, wake.score) for word, wake in found if wake]


ENGINES: dict[str, Any] = {
    "porcupine": Porcupine,
    "openwakeword": OpenWakeWord,
    "microwakeword": MicroWakeWord,
    "pyopen-wakeword": PyOpenWakeWord,
    "pocketsphinx": PocketSphinx,
    "earshot": Earshot,
}


def frames(size: int) -> Iterator[np.ndarray]:
    """Yield the whole frames of standard input."""
    rest = b""
    while data := sys.stdin.buffer.read(1 << 18):
        data = rest + data
        n_frames = len(data) // (2 * size)
        whole = np.frombuffer(data[: n_frames * size * 2], np.int16).reshape(n_frames, size)
        rest = data[n_frames * size * 2 :]
        yield from whole


def listen(engine: Any, words: list[str], breaks: list[int]) -> dict[str, np.ndarray]:
    """Let an engine hear standard input; return its scores."""
    found: dict[str, list[tuple[int, float]]] = {word: [] for word in words}
    heard, pending = 0, [*breaks, 1 << 62]
    begin = getattr(engine, "begin", None)
    for frame in frames(engine.frame):
        if begin and heard >= pending[0]:
            begin()
            while heard >= pending[0]:
                pending.pop(0)
        heard += engine.frame
        for word, score in engine.hear(frame):
            if score >= FLOOR:
                found[word].append((heard, score))
    arrays: dict[str, np.ndarray] = {"n_samples": np.array(heard)}
    for number, word in enumerate(words):
        arrays[f"at_{number}"] = np.array([at for at, _ in found[word]], np.int64)
        arrays[f"score_{number}"] = np.array([score for _, score in found[word]], np.float32)
    return arrays


def most_memory_mb() -> float:
    """Return the largest resident memory of this process so far; `getrusage` would count the parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def version(package: str) -> str:
    """Return the version of an engine's package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def main() -> int:
    """Run one engine; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("words", help="separated by commas")
    parser.add_argument("out", type=Path)
    parser.add_argument("--breaks", type=Path)
    parser.add_argument("--one", action="store_true")
    arguments = parser.parse_args()
    words = arguments.words.split(",")
    breaks = json.loads(arguments.breaks.read_text(encoding="utf-8")) if arguments.breaks else []
    before_mb = most_memory_mb()
    settings = {"sensitivities": (0.5,)} if arguments.one and arguments.engine == "porcupine" else {}
    engine = ENGINES[arguments.engine](words, **settings)
    started = time.process_time()
    arrays = listen(engine, words, breaks)
    took = {
        "version": version(engine.package),
        "cpu_s": time.process_time() - started,
        "audio_s": int(arrays["n_samples"]) / RATE,
        "rss_mb": most_memory_mb(),
        "python_mb": before_mb,
        "bytes": sum(Path(path).stat().st_size for path in engine.files),
    }
    with arguments.out.open("wb") as file:
        np.savez(file, **arrays)
    print(json.dumps(took))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
