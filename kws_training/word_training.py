"""The training of a wake word: the head, then both together, then the threshold; or a template in one step."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import keras
import numpy as np

from kws_training.embedded import Embedder, Embeddings, Joined
from kws_training.feature_store import FLOOR, SETTINGS, Clip, FeatureStore
from kws_training.few_shot import covered, peaks_of, pooled_of, scores, train_head
from kws_training.models.backbone import embedder as lower_part
from kws_training.models.settings import BackboneSettings
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.template import template_head
from kws_training.tracking import ticks
from kws_training.tune import Found, TuneBatches, tune
from kws_training.word_clips import END, place
from kws_training.word_sources import embedded_negatives, judging_clips, material, negative_clips, sources
from kws_training.word_start import write_whole
from kws_training.word_threshold import Threshold, calibrate, judge
from voice.errors import DataError

_FEWEST_TAKES = 3
_SILENCE = 40_000  # frames: a template must not hear digital silence, which is like nothing that people say


def train_word(
    phrase: str, work: Path, run: Path, recipe: WordRecipe, trained: keras.Model, backbone: BackboneSettings
) -> tuple[keras.Model, int, Threshold]:
    """Train a head on the stores of `prepare_phrase`, then both together, and find the threshold.

    What is finished isn't done again.

    Args:
        phrase: what is said.
        work: of the stores.
        run: of what is made on the way.
        recipe: how to train.
        trained: the backbone as a phone network; tuned in place.
        backbone: its settings.

    Returns:
        The head, the embeddings that it pools over, and the threshold.
    """
    embedder = Embedder(lower_part(trained), backbone)
    kept, noted = run / "head.keras", run / "head.json"
    if not noted.exists():
        found = sources(work, run, phrase)
        stuff = material(embedder, found, recipe, embedded_negatives(work, run, embedder, phrase, recipe))
        shown = stuff.takes if len(stuff.takes.embeddings) else stuff.synthetic
        n_pooled = pooled_of(recipe, shown, embedder.stride, stuff.synthetic)
        head = train_head(stuff, recipe, n_pooled, embedder.width)
        head.save(kept)
        write_whole(noted, json.dumps({"n_pooled": n_pooled, "backbone": embedder.key}) + "\n")
    n_pooled = int(json.loads(noted.read_text(encoding="utf-8"))["n_pooled"])
    head = keras.models.load_model(kept, compile=False)
    tune_word(phrase, work, run, recipe, trained, backbone, head, n_pooled)
    embedder = Embedder(lower_part(trained), backbone)
    streams = _judging(work, run, phrase, embedder)
    return head, n_pooled, _judged(run, streams, head, recipe, n_pooled, embedder.stride)


def match_word(
    phrase: str, work: Path, run: Path, recipe: WordRecipe, trained: keras.Model, backbone: BackboneSettings
) -> tuple[keras.Model, int, Threshold]:
    """Return what `train_word` does, for a template: nothing is trained.

    Raises:
        DataError: there are fewer than three takes.
    """
    embedder = Embedder(lower_part(trained), backbone)
    found = sources(work, run, phrase)
    check_template(len(found.takes) // len(recipe.tracts))
    copies = max(1, 300 // len(found.takes))
    placed = place(embedder, found.takes_store or found.spoken, list(found.takes) * copies, recipe, found, recipe.seed)
    n_pooled = pooled_of(recipe, placed, embedder.stride)
    streams = _judging(work, run, phrase, embedder)
    noise = stream_of(embedder, found.noise[0], list(found.noise[1]))
    silence = embedder.stream(np.full((_SILENCE, SETTINGS.mels), FLOOR, np.uint8))
    head = template_head(placed, [*streams.values(), noise, silence], n_pooled)
    return head, n_pooled, _judged(run, streams, head, recipe, n_pooled, embedder.stride)


def check_template(n_takes: int) -> None:
    """Refuse too few takes.

    Raises:
        DataError: there are fewer than three.
    """
    if n_takes < _FEWEST_TAKES:
        raise DataError(
            f"a template wants {_FEWEST_TAKES} takes, here are {n_takes}",
            fix="record more of them with `voice record-keyword`, and name their folder with --recordings",
        )


def stream_of(embedder: Embedder, store: FeatureStore, clips: Sequence[Clip], title: str = "embedding") -> Embeddings:
    """Return the embeddings of clips as one stream."""
    joined = Joined(store, clips)
    parts = [embedder.stream(part) for part in ticks(joined.stretches(), title, joined.n_stretches)]
    return np.concatenate(parts or [np.zeros((0, embedder.width), np.float16)])


def tune_word(
    phrase: str,
    work: Path,
    run: Path,
    recipe: WordRecipe,
    trained: keras.Model,
    backbone: BackboneSettings,
    head: keras.Model,
    n_pooled: int,
) -> None:
    """Train backbone and head together for the recipe's rounds, in place; before each, look for false accepts."""
    lower, n_covered = lower_part(trained), covered(recipe, n_pooled)
    stride = backbone.stride
    end = END // stride - n_covered
    looks = (end, end + recipe.late_frames // stride)
    network = keras.Model(lower.input, head(lower.output))
    for number in range(recipe.tune_rounds):
        done = run / f"tuned{number}.weights.h5"
        if done.exists():
            network.load_weights(done)
            continue
        embedder = Embedder(lower, backbone)
        false_accepts: list[tuple[float, Found]] = []
        for name, (store, clips) in negative_clips(work, run, phrase).items():
            every = scores(head, stream_of(embedder, store, clips, f"false accepts: {name}"), n_covered)
            for at in peaks_of(every, n_covered // 3):
                false_accepts.append((float(every[at]), Found(name, (int(at) + 1) * stride)))
        false_accepts.sort(key=lambda item: -item[0])
        say(f"{sum(score > 0.5 for score, _ in false_accepts)} false accepts at 0.5")
        hardest = [item for _, item in false_accepts[: recipe.tune_mined]]
        maker = partial(TuneBatches, partial(sources, work, run, phrase), recipe, hardest, looks, recipe.seed + number)
        tune(network, maker, recipe, number)
        part = done.with_name(f"part.{done.name}")
        network.save_weights(part)
        part.replace(done)


def _judging(work: Path, run: Path, phrase: str, embedder: Embedder) -> dict[str, Embeddings]:
    clips = judging_clips(work, run, phrase)
    say(f"judging by {', '.join(clips)}")
    return {name: stream_of(embedder, *part, f"judging: {name}") for name, part in clips.items()}


def _judged(
    run: Path, streams: dict[str, Embeddings], head: keras.Model, recipe: WordRecipe, n_pooled: int, stride: int
) -> Threshold:
    """Return the threshold; the looks that it was found with go into the run's `judged.npz`."""
    looks = judge(head, streams, recipe, n_pooled, stride)
    threshold = calibrate(looks, recipe)
    part = run / "judged.part"
    with part.open("wb") as file:
        np.savez_compressed(file, **looks)
    part.replace(run / "judged.npz")
    write_whole(run / "word.json", json.dumps(asdict(threshold)) + "\n")
    return threshold
