"""Before a wake word is trained: what there is to learn from, and what an earlier run left that still holds."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from shutil import rmtree
from typing import Any

from kws_training.corpora import Recording
from kws_training.made_speech import prepare_noise, prepare_speech
from kws_training.pronounce import INSTALL
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.synthesis import NO_SYNTHESISER, engines
from voice.errors import DataError

REAL_SPEECH = ("speech", "more")
"""Stores of `kws-train prepare`."""
_NOTED = "made-from.json"
_SPEAKS = ("n_alone", "n_sentences", "n_near", "seed")
_CALLED = {"spoken": "synthetic speech", "takes": "takes", "negatives": "negatives", "trained": "settings"}
_ONLY_THRESHOLD = frozenset({"false_accepts_per_hour", "weights", "smoothing_steps", "refractory_ms"})


def has_real_speech(work: Path) -> bool:
    """Return whether `kws-train prepare` left running speech here."""
    return any((work / name / "clips.jsonl").exists() for name in REAL_SPEECH)


def sufficient(
    work: Path,
    takes: Sequence[Recording],
    recipe: WordRecipe,
    *,
    own: bool,
    neural: Sequence[str] = (),
    n_processes: int = 1,
) -> WordRecipe:
    """Return the recipe as far as this machine can do it; speech and noise that nobody recorded are made.

    Args:
        work: folder of the stores.
        takes: of the phrase.
        recipe: that is wanted.
        own: there are own recordings of sound without the phrase.
        neural: Piper's voices that speak, too.
        n_processes: that speak.

    Raises:
        DataError: there is no synthesiser, and something that has to be spoken.
    """
    speaks = bool(neural or engines())
    if not speaks and not takes:
        raise DataError(f"there are no takes, and {NO_SYNTHESISER}", fix=f"run {INSTALL}, or give --recordings")
    if not has_real_speech(work):
        if not speaks and not own:
            raise DataError(
                f"{work}: no running speech, and {NO_SYNTHESISER}",
                fix=f"run `kws-train prepare`, or {INSTALL}, or give --negatives",
            )
        if speaks:
            say("warning: without `kws-train prepare` only synthetic speech says what isn't the phrase")
            prepare_speech(work, recipe.seed, neural=neural, n_processes=n_processes)
    if not (work / "noise" / "clips.jsonl").exists():
        prepare_noise(work)
    if not speaks and recipe.n_alone + recipe.n_sentences + recipe.n_near:
        say(f"warning: {NO_SYNTHESISER}, so the takes alone say what the phrase is; {INSTALL} helps")
    if not speaks:
        recipe = recipe.model_copy(update={"n_alone": 0, "n_sentences": 0, "n_near": 0, "take_share": 1.0})
    return recipe


def refresh(run: Path, facts: Mapping[str, Any], recipe: WordRecipe) -> None:
    """Remove what an earlier run made of other takes, negatives or settings, and note what this one makes it of.

    A folder without such a note is taken as it is.

    Args:
        run: folder of the run.
        facts: what `spoken`, `takes` and `negatives` are made from, each as JSON, and under `trained` all else.
        recipe: how to train.
    """
    settings = recipe.model_dump(mode="json")
    whole = {
        **facts,
        "spoken": [facts["spoken"], *(settings[key] for key in _SPEAKS)],
        "takes": [facts["takes"], settings["tracts"]],
        "trained": [facts["trained"], {key: value for key, value in settings.items() if key not in _ONLY_THRESHOLD}],
    }
    wanted = {
        stage: sha1(json.dumps(fact).encode(), usedforsecurity=False).hexdigest() for stage, fact in whole.items()
    }
    noted = _noted(run / _NOTED)
    changed = [stage for stage in wanted if noted and noted.get(stage) != wanted[stage]]
    for stage in changed:
        if (run / stage).is_dir():
            rmtree(run / stage)
    if changed:
        say(f"{run}: made from other {' and '.join(_CALLED[stage] for stage in changed)}, so that is made anew")
        for path in [*run.glob("*.npy"), *run.glob("tuned*.h5"), *run.glob("head.*"), *run.glob("judged.npz")]:
            path.unlink()
    write_whole(run / _NOTED, json.dumps(wanted, indent=1) + "\n")


def _noted(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def files_in(folders: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Return path, size and time of change of the files in folders and below."""
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found]


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
