"""`kws-train train|evaluate|export`: the one-word command classifier."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.augment import Batch
from kws_training.batches import (
    LABELS,
    SILENCE_LABEL,
    TARGETS,
    UNKNOWN_LABEL,
    CommandData,
    command_batches,
    label_index,
    validation,
)
from kws_training.evaluate import (
    Share,
    accuracy,
    calibration_error,
    command_threshold,
    fit_temperature,
    probabilities,
    wilson,
)
from kws_training.feature_store import SETTINGS, to_logmel
from kws_training.models.separable import build
from kws_training.prepare import WINDOW_FRAMES
from kws_training.report import say
from kws_training.settings import CommandsRecipe
from kws_training.train import fit

PARAMETERS_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What validation speakers fix: it goes into the bundle."""

    temperature: float
    threshold: float
    calibration_error: float


def train_commands(work: Path, run: Path, recipe: CommandsRecipe) -> keras.Model:
    """Train on the stores in `work`, checkpoints in `run`; return the epoch that validation speakers chose.

    The network learns 37 targets; `merged` makes its twelve labels of them.
    """
    keras.utils.set_random_seed(recipe.optimiser.seed)
    clips, targets = validation(CommandData(work))
    model = build(recipe.network, WINDOW_FRAMES, SETTINGS.mels, len(TARGETS))
    say(f"{model.count_params()} parameters, {len(targets)} validation clips")
    fitted = fit(
        model,
        partial(command_batches, work, recipe),
        (clips, np.eye(len(TARGETS), dtype=np.float32)[targets]),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.optimiser.label_smoothing),
        metric=TwelveLabels(name="labels"),
        settings=recipe.optimiser,
        folder=run,
        n_processes=1,
    )
    return merged(fitted)


def merged(model: keras.Model) -> keras.Model:
    """Return a network of the twelve labels: the best of the targets that are no command is `_unknown_`."""
    return keras.Model(model.input, _merge(model.output))


def _merge(logits: Any) -> Any:
    n = len(LABELS)
    other = keras.ops.concatenate([logits[:, 1:2], logits[:, n:]], axis=1)
    unknown = keras.ops.max(other, axis=1, keepdims=True)
    return keras.ops.concatenate([logits[:, :1], unknown, logits[:, 2:n]], axis=1)


@keras.saving.register_keras_serializable("kws_training")
class TwelveLabels(keras.metrics.MeanMetricWrapper):
    """The share of clips whose best label among the twelve is right; of one-hot targets and their logits."""

    def __init__(self, name: str = "labels", **_: Any) -> None:
        super().__init__(_right, name=name)


def _right(targets: Any, logits: Any) -> Any:
    found, true = (keras.ops.argmax(_merge(x), axis=1) for x in (logits, targets))
    return keras.ops.cast(found == true, "float32")


def decide(model: keras.Model, work: Path, recipe: CommandsRecipe) -> Decision:
    """Return temperature and threshold, fitted on validation speakers and on the dev split's running speech."""
    data = CommandData(work)
    clips, targets = validation(data)
    labels = np.where(targets < len(LABELS), targets, 1)
    logits = _logits(model, clips)
    temperature = fit_temperature(logits, labels)
    chances = probabilities(logits, temperature)
    unknown = np.concatenate([clips[labels == 1], speech_cuts(data, "dev")])
    threshold = command_threshold(probabilities(_logits(model, unknown), temperature), recipe.max_false_commands)
    return Decision(temperature, threshold, calibration_error(chances, labels))


def test_shares(model: keras.Model, work: Path, decision: Decision) -> dict[str, Share]:
    """Return the figures on the visible test speakers, who take part in nothing else.

    12 labels: the ten words; unknown and silence each cut to the mean count of a word, as in the official test set.
    """
    data = CommandData(work)
    clips, labels = data.fixed("words", "test")
    silent, silent_labels = data.fixed("noise", "test")
    clips, labels = np.concatenate([clips, silent]), np.concatenate([labels, silent_labels])
    logits = _logits(model, clips)
    kept = balanced(labels)
    speech = probabilities(_logits(model, speech_cuts(data, "test")), decision.temperature)
    passed = (speech.argmax(axis=1) > 1) & (speech.max(axis=1) >= decision.threshold)
    words = probabilities(logits[labels > 1], decision.temperature)
    heard = (words.argmax(axis=1) == labels[labels > 1]) & (words.max(axis=1) >= decision.threshold)
    other = probabilities(logits[labels == 1], decision.temperature)
    false = (other.argmax(axis=1) > 1) & (other.max(axis=1) >= decision.threshold)
    return {
        "12 labels": accuracy(logits[kept], labels[kept]),
        "12 labels, every unknown and silence clip": accuracy(logits, labels),
        "ten words": accuracy(logits[labels > 1], labels[labels > 1]),
        "words heard above the threshold": wilson(int(heard.sum()), len(heard)),
        "other words taken for a command": wilson(int(false.sum()), len(false)),
        "running speech taken for a command": wilson(int(passed.sum()), len(passed)),
    }


def balanced(labels: npt.NDArray[np.int64], seed: int = 0) -> npt.NDArray[np.int64]:
    """Return the indices of all words and as many silence and unknown clips as an average word has, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    mean = round((labels > 1).sum() / (len(LABELS) - 2))
    drawn = [rng.permutation(np.flatnonzero(labels == special))[:mean] for special in (0, 1)]
    return np.concatenate([np.flatnonzero(labels > 1), *drawn])


def speech_cuts(data: CommandData, split: str, n_cuts: int = 2000, seed: int = 0) -> Batch:
    """Return one-second cuts of a split's running speech around loud moments."""
    rng = np.random.default_rng(seed)
    pool = data.pool("speech", split)
    return to_logmel(np.stack([pool.draw_loud(rng) for _ in range(n_cuts)]))


def manifest(decision: Decision, training: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the bundle's manifest, without the file."""
    return {
        "id": "commands-en",
        "kind": "commands",
        "version": "1.0.0",
        "description": "Ten English command words, other words and silence, in one second of speech",
        "licence": "Apache-2.0; see the data's licences",
        "rate": SETTINGS.rate,
        "features": SETTINGS.model_dump(),
        "labels": list(LABELS),
        "decision": {
            "kind": "commands",
            "window_frames": WINDOW_FRAMES,
            "temperature": round(decision.temperature, 4),
            "threshold": decision.threshold,
            "silence": SILENCE_LABEL,
            "unknown": UNKNOWN_LABEL,
        },
        "training": training,
        "results": results,
    }


def _logits(model: keras.Model, clips: Batch) -> npt.NDArray[np.float32]:
    parts = [np.asarray(model(clips[i : i + 256], training=False)) for i in range(0, len(clips), 256)]
    return np.concatenate(parts)
