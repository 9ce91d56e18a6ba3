"""The training of a wake word: the head, then both together, then the threshold; or a template in one step."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from kws_training.embedded import Embedder, Embeddings, Joined
from kws_training.evaluate import poisson
from kws_training.feature_store import SETTINGS, Clip, FeatureStore
from kws_training.few_shot import covered, peaks_of, pooled_of, scores, train_head
from kws_training.models.backbone import embedder as lower_part
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.template import template_head
from kws_training.tune import Found, TuneBatches, tune
from kws_training.word_clips import END, place
from kws_training.word_sources import embedded_negatives, judging_clips, material, negative_clips, sources
from voice.errors import DataError
from voice.events import RATE

_HOURS_PER_FRAME = SETTINGS.hop / RATE / 3600
_FEWEST_TAKES = 3


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold, and how often it was passed by speech that the head never saw."""

    threshold: float
    false_accepts: int
    hours: float
    low: float
    """False accepts an hour: 95 % limits."""
    high: float


def train_word(
    phrase: str, work: Path, run: Path, recipe: WordRecipe, trained: keras.Model
) -> tuple[keras.Model, int, Threshold]:
    """Train a head on the stores of `prepare_phrase`, then both together, and find the threshold.

    What is finished isn't done again.

    Args:
        phrase: what is said.
        work: of the stores.
        run: of what is made on the way.
        recipe: how to train.
        trained: the backbone as a phone network; tuned in place.

    Returns:
        The head, the embeddings that it pools over, and the threshold.
    """
    embedder = Embedder(lower_part(trained))
    kept, noted = run / "head.keras", run / "head.json"
    if not noted.exists():
        found = sources(work, run, phrase)
        stuff = material(embedder, found, recipe, embedded_negatives(work, run, embedder, phrase, recipe))
        shown = stuff.takes if len(stuff.takes.embeddings) else stuff.synthetic
        n_pooled = pooled_of(recipe, shown, embedder.stride)
        head = train_head(stuff, recipe, n_pooled, embedder.width)
        head.save(kept)
        noted.write_text(json.dumps({"n_pooled": n_pooled, "backbone": embedder.key}) + "\n", encoding="utf-8")
    n_pooled = int(json.loads(noted.read_text(encoding="utf-8"))["n_pooled"])
    head = keras.models.load_model(kept, compile=False)
    tune_word(phrase, work, run, recipe, trained, head, n_pooled)
    embedder = Embedder(lower_part(trained))
    judging = {name: stream_of(embedder, *part) for name, part in judging_clips(work, run).items()}
    threshold = calibrate(head, judging, recipe, n_pooled, embedder.stride)
    (run / "word.json").write_text(json.dumps(asdict(threshold)) + "\n", encoding="utf-8")
    return head, n_pooled, threshold


def match_word(
    phrase: str, work: Path, run: Path, recipe: WordRecipe, trained: keras.Model
) -> tuple[keras.Model, int, Threshold]:
    """Return what `train_word` does, for a template: nothing is trained.

    Raises:
        DataError: there are fewer than three takes.
    """
    embedder = Embedder(lower_part(trained))
    found = sources(work, run, phrase)
    n_takes = len(found.takes) // len(recipe.tracts)
    if n_takes < _FEWEST_TAKES or found.takes_store is None:
        raise DataError(f"a template wants {_FEWEST_TAKES} takes, here are {n_takes}", fix="record more of them")
    copies = max(1, 300 // len(found.takes))
    placed = place(embedder, found.takes_store, list(found.takes) * copies, recipe, found, recipe.seed)
    n_pooled = pooled_of(recipe, placed, embedder.stride)
    judging = {name: stream_of(embedder, *part) for name, part in judging_clips(work, run).items()}
    head = template_head(placed, list(judging.values()), n_pooled)
    return head, n_pooled, calibrate(head, judging, recipe, n_pooled, embedder.stride)


def stream_of(embedder: Embedder, store: FeatureStore, clips: Sequence[Clip]) -> Embeddings:
    """Return the embeddings of clips as one stream."""
    return np.concatenate([embedder.stream(part) for part in Joined(store, clips).stretches()])


def tune_word(
    phrase: str, work: Path, run: Path, recipe: WordRecipe, trained: keras.Model, head: keras.Model, n_pooled: int
) -> None:
    """Train backbone and head together for the recipe's rounds, in place; before each, look for false accepts."""
    lower, n_covered = lower_part(trained), covered(recipe, n_pooled)
    stride = Embedder(lower).stride
    end = END // stride - n_covered
    looks = (end, end + recipe.late_frames // stride)
    network = keras.Model(lower.input, head(lower.output))
    for number in range(recipe.tune_rounds):
        done = run / f"tuned{number}.weights.h5"
        if done.exists():
            network.load_weights(done)
            continue
        embedder = Embedder(lower)
        false_accepts: list[tuple[float, Found]] = []
        for name, (store, clips) in negative_clips(work, run, phrase).items():
            every = scores(head, stream_of(embedder, store, clips), n_covered)
            for at in peaks_of(every, n_covered // 3):
                false_accepts.append((float(every[at]), Found(name, (int(at) + 1) * stride)))
        false_accepts.sort(key=lambda item: -item[0])
        say(f"{sum(score > 0.5 for score, _ in false_accepts)} false accepts at 0.5")
        hardest = [item for _, item in false_accepts[: recipe.tune_mined]]
        maker = partial(TuneBatches, partial(sources, work, run, phrase), recipe, hardest, looks, recipe.seed + number)
        tune(network, maker, recipe, number)
        network.save_weights(done)


def calibrate(
    head: keras.Model, judging: dict[str, Embeddings], recipe: WordRecipe, n_pooled: int, stride: int
) -> Threshold:
    """Return the lowest threshold, in steps of 0.01, that speech passes no oftener than the recipe says."""
    peaks, n_embeddings = [], 0
    for stream in judging.values():
        looks = smoothed(scores(head, stream, covered(recipe, n_pooled)), recipe, stride)
        peaks.append(events(looks, recipe))
        n_embeddings += len(stream)
    hours = n_embeddings * stride * _HOURS_PER_FRAME
    every = np.sort(np.concatenate(peaks))[::-1]
    allowed = int(recipe.false_accepts_per_hour * hours)
    threshold = 0.05 if len(every) <= allowed else min(0.99, float(np.floor(every[allowed] * 100) / 100 + 0.01))
    n = int((every >= threshold).sum())
    _, low, high = poisson(n, hours)
    return Threshold(round(threshold, 2), n, round(hours, 2), round(low, 3), round(high, 3))


def smoothed(every: npt.NDArray[np.float32], recipe: WordRecipe, stride: int) -> npt.NDArray[np.float32]:
    """Return the detector's smoothed scores at its looks."""
    looks = every[recipe.step_frames // stride - 1 :: recipe.step_frames // stride]
    weights = np.ones(recipe.smoothing_steps, np.float32) / recipe.smoothing_steps
    return np.convolve(looks, weights)[: len(looks)]


def events(looks: npt.NDArray[np.float32], recipe: WordRecipe) -> npt.NDArray[np.float32]:
    """Return the largest score of each refractory time, as a detector would fire."""
    width = max(1, recipe.refractory_ms * RATE // 1000 // SETTINGS.hop // recipe.step_frames)
    whole = np.zeros(-(-len(looks) // width) * width, np.float32)
    whole[: len(looks)] = looks
    return whole.reshape(-1, width).max(axis=1)
