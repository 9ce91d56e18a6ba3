"""Other engines on the same audio, each in a process of its own in an environment beside ours (`make peers`)."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.wake.ours import keep, kept
from benchmarks.wake.scoring import Track
from benchmarks.wake.sound import Pcm
from benchmarks.wake.speech import cache_folder
from benchmarks.wake.streams import GAP_S, Stream, digest
from kws_training.report import say
from voice.events import RATE

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "wake-peers" / "bin" / "python"
_WORKER = Path(__file__).with_name("peer.py")
_FORM = 1
"""Raise it where the worker gives other scores than before."""
_BREAK_S = 30


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine, the words it knows, and the score above which it wakes as it comes."""

    name: str
    package: str
    shipped: dict[str, float]
    default: bool = True
    """Whether it takes part when nobody names it."""
    every: int = 1
    """It hears every such clip of running speech: for slow engines. At a rate of false accepts that favours them, since
    in fewer hours the threshold above which there is none is lower."""


PEERS = (
    Peer("porcupine", "pvporcupine", dict.fromkeys(("computer", "jarvis", "alexa"), 0.5)),
    Peer("openwakeword", "openwakeword", {"alexa": 0.5, "hey jarvis": 0.5}),
    Peer("microwakeword", "pymicro-wakeword", {"alexa": 0.9, "hey jarvis": 0.97}),
    Peer("pyopen-wakeword", "pyopen-wakeword", {"alexa": 0.5, "hey jarvis": 0.5}, default=False),
    Peer(
        "pocketsphinx",
        "pocketsphinx",
        dict.fromkeys(("computer", "jarvis", "alexa", "athena", "operator"), 2 / 3),
        every=4,
    ),
)
"""PocketSphinx has no threshold of its own; 1e-20, here 2/3, is what its documentation begins with."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an engine takes for one word, its Python included, in a process of its own."""

    cpu: float
    """Share of one core: processor time by audio time."""
    rss_mb: float
    """Largest resident memory of the process."""
    python_mb: float
    """Of that, Python with numpy, before the engine is loaded."""
    kilobytes: float
    """Files of the models."""


def installed() -> dict[str, str]:
    """Return the version of each peer that the environment has, by its name."""
    if not PYTHON.exists():
        return {}
    asked = {peer.name: peer.package for peer in PEERS}
    program = (
        "import importlib.metadata as m, json, sys; known = json.loads(sys.argv[1]); "
        "have = {d.metadata['Name'].lower(): d.version for d in m.distributions()}; "
        "print(json.dumps({n: have[p] for n, p in known.items() if p in have}))"
    )
    found = subprocess.run([PYTHON, "-c", program, json.dumps(asked)], capture_output=True, text=True, check=True)
    return dict(json.loads(found.stdout))


def peer_tracks(
    peer: Peer, version: str, words: Sequence[str], stream: Stream, cache: Path | None = None
) -> dict[str, Track]:
    """Return what a peer makes of a stream, by word; what isn't on disk yet is heard in one pass."""
    folder = cache or cache_folder()
    name = digest(_FORM, peer.name, version)
    files = {word: folder / f"{peer.name}-{name}-{word.replace(' ', '_')}-{stream.key}.npz" for word in words}
    missing = [word for word, file in files.items() if not file.exists()]
    if missing:
        say(f"{peer.name} {version} hears {stream.name}: {', '.join(missing)}")
        with tempfile.TemporaryDirectory() as scratch:
            arrays, _ = _run(PYTHON, [peer.name, ",".join(missing)], stream.blocks(), Path(scratch), breaks(stream))
        for number, word in enumerate(missing):
            keep(files[word], Track(arrays[f"at_{number}"], arrays[f"score_{number}"], int(arrays["n_samples"])))
    return {word: kept(file) for word, file in files.items()}


def cost(name: str, word: str, audio: Pcm) -> Cost:
    """Return what an engine takes for one word in `audio`; of ours, `word` is the bundle's folder."""
    python = Path(sys.executable) if name == "earshot" else PYTHON
    with tempfile.TemporaryDirectory() as scratch:
        _, took = _run(python, [name, word, "--one"], [audio], Path(scratch), [])
    return Cost(took["cpu_s"] / took["audio_s"], took["rss_mb"], took["python_mb"], took["bytes"] / 1000)


def breaks(stream: Stream) -> list[int]:
    """Return samples at which an engine may begin anew without cutting a word: between clips, every half minute."""
    if stream.spans:
        between = [span.end + round(GAP_S * RATE) for span in stream.spans]
    else:
        between = [start for start, _ in stream.parts]
    chosen = [0]
    for at in between:
        if at - chosen[-1] >= _BREAK_S * RATE:
            chosen.append(at)
    return chosen[1:]


def _run(
    python: Path, arguments: Sequence[str], blocks: Iterable[Pcm], scratch: Path, at: Sequence[int]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the arrays and the JSON line of a worker that heard the blocks."""
    out, listed = scratch / "scores.npz", scratch / "breaks.json"
    listed.write_text(json.dumps(list(at)), encoding="utf-8")
    engine, words, *rest = arguments
    command = [str(python), str(_WORKER), engine, words, str(out), "--breaks", str(listed), *rest]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=one_thread
    ) as worker:
        for block in blocks:
            worker.stdin.write(block.tobytes())
        worker.stdin.close()
        answer = worker.stdout.read()
    if worker.returncode:
        raise RuntimeError(f"{' '.join(command[1:4])} ended with {worker.returncode}")
    return dict(np.load(out)), json.loads(answer)
