"""From nothing to an evaluated bundle in a few minutes: sentences that a synthesiser speaks, so that everything runs.

Synthetic voices are far easier than people: what it hears of them says that the tool works, and nothing about a model.
"""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from asr_training.evaluate import measure, results
from asr_training.prepare import Cache, prepare
from asr_training.schedule import Budget
from asr_training.settings import Recipe
from asr_training.synthesise import HELD_OUT, Utterance, speak
from voice.errors import DataError
from voice.events import RATE

SENTENCES = (
    "turn on the kitchen light",
    "turn off the bedroom lamp",
    "set a timer for ten minutes",
    "what time is it",
    "stop the music",
    "play some jazz",
    "close the blinds",
    "make it warmer",
    "good night",
    "next song please",
)
_ENGLISH = ("en-us", "en-gb", "en-gb-x-rp", "en-us-nyc")
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f3", "f4", "f5", "klatt", "klatt2")
_FLITE = ("kal", "kal16", "awb")
_TAKES = 3  # each voice says a sentence so often, in other paces and pitches


def spoken_corpus(out: Path, *, n_voices: int = 24, seed: int = 1) -> Path:
    """Write a corpus of `SENTENCES`: train by `n_voices` voices, dev by voices that nothing is trained on.

    Raises:
        DataError: neither espeak-ng nor flite is installed, or the disk is full.
    """
    engines = [engine for engine in ("espeak-ng", "flite") if shutil.which(engine)]
    if not engines:
        raise DataError("no synthesiser is installed", fix="install espeak-ng or flite")
    known = [f"espeak-ng:{accent}+{variant}" for variant in _VARIANTS for accent in _ENGLISH]
    known = [voice for voice in known + [f"flite:{voice}" for voice in _FLITE] if voice.partition(":")[0] in engines]
    rng = np.random.default_rng(seed)
    voices = [known[i] for i in rng.permutation(len(known)) if known[i] not in HELD_OUT][:n_voices]
    unseen = [voice for voice in sorted(HELD_OUT) if voice.partition(":")[0] in engines]
    jobs = [("train", voice, text) for voice in voices for text in SENTENCES for _ in range(_TAKES)]
    jobs += [("dev", voice, text) for voice in unseen for text in SENTENCES]
    styles = [(float(rng.uniform(0.8, 1.25)), float(rng.uniform(0, 1))) for _ in jobs]

    def write(number: int) -> str:
        split, voice, text = jobs[number]
        samples = speak(Utterance(text, voice, *styles[number]))
        soundfile.write(out / f"{number:04d}.wav", 0.5 * samples, RATE, subtype="PCM_16")
        seconds = round(len(samples) / RATE, 3)
        record = {"audio": f"{number:04d}.wav", "text": text, "speaker": voice, "split": split, "duration": seconds}
        return json.dumps({**record, "corpus": out.name, "licence": "CC0 1.0"})

    try:
        out.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            lines = list(pool.map(write, range(len(jobs))))
        (out / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out}: {error.strerror or error}", fix="free disk space or choose another --work") from error
    return out


def smoke(work: Path, recipe: Recipe, say: Callable[[str], None], *, n_voices: int = 24, threads: int = 2) -> Path:
    """Speak, prepare, train, export and evaluate; return the bundle's folder. What is there already is kept.

    Raises:
        DataError: no synthesiser is installed, or the disk is full.
    """
    data = work / "data"
    if not (data / "spoken" / "manifest.jsonl").is_file():
        spoken_corpus(data / "spoken", n_voices=n_voices, seed=recipe.seed)
    prepare([data], work / "cache", recipe.features, say)
    cache = Cache(work / "cache", recipe.features)
    from asr_training.bundles import rewrite  # noqa: PLC0415
    from asr_training.export import export_run, write  # noqa: PLC0415 - slow to import
    from asr_training.train import train  # noqa: PLC0415

    train(cache, recipe, work / "run", Budget(recipe.schedule.steps), say, threads)
    exported = export_run(work / "run", recipe, cache)
    bundle = write(work / "bundle", exported, recipe, cache, [])
    measured = measure(bundle, [data], ["dev"], say=say)
    rewrite(bundle, results=[line for one in measured for line in results(one)])
    say(f"wrote {work / 'bundle'}; try: voice transcribe --model {work / 'bundle'} {data / 'spoken'}")
    return work / "bundle"
