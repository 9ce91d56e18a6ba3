"""`kws-train train|evaluate|export`: the one-word command classifier."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.augment import Batch
from kws_training.dataset import PACK, SILENCE_LABEL, UNKNOWN_LABEL, Dataset, check_run, write_dataset
from kws_training.evaluate import (
    Share,
    accuracy,
    balanced,
    calibration_error,
    command_threshold,
    fit_temperature,
    probabilities,
    wilson,
)
from kws_training.inputs import clips_for, clips_of
from kws_training.lessons import folded, lessons
from kws_training.models import build
from kws_training.prepare import WINDOW_FRAMES
from kws_training.report import say
from kws_training.settings import CommandsRecipe
from kws_training.train import fit
from kws_training.trained import load_network
from voice.errors import DataError

PARAMETERS_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What validation speakers fix: it goes into the bundle."""

    temperature: float
    threshold: float
    calibration_error: float
    unknown_bias: float = 0.0
    """Added to the logit of unknown: training draws other words more often than a command, a test doesn't."""


def train_commands(
    work: Path, run: Path, recipe: CommandsRecipe, teacher: Path | None = None, start: Path | None = None
) -> keras.Model:
    """Train on the stores in `work`, checkpoints in `run`; return the epoch that validation speakers chose.

    The network learns the data set's targets (37 of the data pack; `merged` makes its labels of them) or its labels.

    Args:
        work: what `prepare` wrote.
        run: for checkpoints; a run that is there goes on.
        recipe: what to do.
        teacher: RUN of a finished training on the same data that this one learns from as well.
        start: RUN of a finished training of the same network, whose weights this one begins with.

    Raises:
        DataError: one of the RUNs is of other labels, isn't finished, or doesn't fit.
    """
    keras.utils.set_random_seed(recipe.optimiser.seed)
    data = clips_for(work, recipe.network.input)
    dataset = data.dataset
    labels = len(dataset.labels), dataset.unknown
    for other in (teacher, start):
        if other is not None:
            check_run(other, work)
    write_dataset(run, check_run(run, work, to_train=True))
    clips, targets = data.validation()
    truth = np.eye(len(dataset.targets), dtype=np.float32)[targets]
    if not recipe.other_words_apart:
        truth = folded(truth, *labels)
    model = build(recipe.network, *data.shape, truth.shape[1])
    if start is not None:
        begin_with(model, start)
    say(f"{model.count_params()} parameters, {len(targets)} validation clips")
    fitted = fit(
        model,
        lessons(data.batches(recipe), None if recipe.other_words_apart else labels, teacher, recipe.teacher),
        (clips, truth),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.optimiser.label_smoothing),
        metric=LabelAccuracy(*labels, name="labels"),
        settings=recipe.optimiser,
        folder=run,
        n_processes=1,
    )
    return merged(fitted, dataset)


def begin_with(model: keras.Model, run: Path) -> None:
    """Set the weights to those of a finished training.

    Raises:
        DataError: there is none, or its network is another one.
    """
    path = run / "best.keras"
    try:
        model.set_weights(load_network(path).get_weights())
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: can't begin with it ({reason})", fix="name a RUN of the same network") from error


def merged(model: keras.Model, dataset: Dataset = PACK, unknown_bias: float = 0.0) -> keras.Model:
    """Return a network of the data set's labels: `_unknown_` has the probability of all targets that are none."""
    n_labels = len(dataset.labels)
    if model.output_shape[-1] == n_labels and not unknown_bias:
        return model
    return keras.Model(model.input, MergeTargets(n_labels, dataset.unknown, unknown_bias)(model.output))


@keras.saving.register_keras_serializable("kws_training")
class MergeTargets(keras.layers.Layer):
    """Logits of the targets, shape (batch, targets), to those of the labels: targets that are none are unknown.

    Args:
        n_labels: how many of the targets, from the first on, are labels.
        unknown: index of the label that gets the probability of all others; None drops them.
        unknown_bias: added to the logarithm of that probability.
        name: of the layer.
    """

    def __init__(
        self, n_labels: int, unknown: int | None, unknown_bias: float = 0.0, name: str | None = None, **_: Any
    ) -> None:
        super().__init__(name=name, trainable=False)
        self._n_labels = n_labels
        self._unknown = unknown
        self._unknown_bias = unknown_bias

    def call(self, logits: Any) -> Any:
        """Return ln of the labels' probabilities (not normalised where there is a bias), shape (batch, labels)."""
        groups = np.eye(logits.shape[-1], self._n_labels, dtype=np.float32)  # (targets, labels)
        if self._unknown is not None:
            groups[self._n_labels :, self._unknown] = 1
            groups[:, self._unknown] *= np.exp(self._unknown_bias)
        return keras.ops.log(keras.ops.matmul(keras.ops.softmax(logits), groups) + 1e-12)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        known = {"n_labels": self._n_labels, "unknown": self._unknown}
        return {**known, "unknown_bias": self._unknown_bias, "name": self.name}


@keras.saving.register_keras_serializable("kws_training")
class LabelAccuracy(keras.metrics.MeanMetricWrapper):
    """The share of clips whose best label is right; of one-hot targets and their logits.

    Args:
        n_labels: how many of the targets are labels; the others are `_unknown_`.
        unknown: index of that label.
        name: in logs.
    """

    def __init__(self, n_labels: int, unknown: int | None, name: str = "labels", **_: Any) -> None:
        super().__init__(partial(_right, n_labels=n_labels, unknown=unknown), name=name)
        self._arguments = {"n_labels": n_labels, "unknown": unknown, "name": name}

    def get_config(self) -> dict[str, Any]:
        """Return what makes the metric again."""
        return self._arguments


def _right(targets: Any, logits: Any, n_labels: int, unknown: int | None) -> Any:
    merge = MergeTargets(n_labels, unknown)
    found, true = (keras.ops.argmax(merge(x), axis=1) for x in (logits, 100.0 * targets))  # one-hot, as logits
    return keras.ops.cast(found == true, "float32")


def decide(model: keras.Model, work: Path, recipe: CommandsRecipe) -> Decision:
    """Return bias, temperature and threshold, fitted on validation speakers and the dev split's running speech."""
    data = clips_for(work, recipe.network.input)
    dataset = data.dataset
    clips, targets = data.validation()
    labels = targets if dataset.unknown is None else np.where(targets < len(dataset.labels), targets, dataset.unknown)
    bias = 0.0 if dataset.unknown is None else best_bias(_logits(model, clips), labels, dataset.unknown)
    model = merged(model, dataset, bias)
    logits = _logits(model, clips)
    temperature = fit_temperature(logits, labels)
    chances = probabilities(logits, temperature)
    is_unknown = labels == (-1 if dataset.unknown is None else dataset.unknown)
    unknown = np.concatenate([clips[is_unknown], data.speech("dev")])
    threshold = 0.5
    if len(unknown):
        unknown_chances = probabilities(_logits(model, unknown), temperature)
        threshold = command_threshold(unknown_chances, recipe.max_false_commands, dataset.n_special)
    return Decision(temperature, threshold, calibration_error(chances, labels), bias)


def best_bias(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], unknown: int) -> float:
    """Return the bias of `unknown`, -3 to 3, with the highest mean recall over the labels; the smallest of equals."""
    biases = sorted(np.linspace(-3, 3, 61).round(1), key=abs)
    recalls = []
    for bias in biases:
        moved = logits.copy()
        moved[:, unknown] += bias
        right = moved.argmax(axis=1) == labels
        recalls.append(np.mean([right[labels == label].mean() for label in np.unique(labels)]))
    return float(biases[int(np.argmax(recalls))])


def test_shares(model: keras.Model, work: Path, decision: Decision) -> dict[str, Share]:
    """Return the figures of a network with its bias on the visible test speakers, who take part in nothing else.

    The first counts the words, and of unknown and silence as many clips as a word has on average, as the official test
    set of twelve labels does.
    """
    data = clips_of(work, model)
    dataset, n_special = data.dataset, data.dataset.n_special
    clips, labels = data.test()
    logits = _logits(model, clips)
    kept = balanced(labels, range(n_special))
    is_word, is_unknown = labels >= n_special, labels == (-1 if dataset.unknown is None else dataset.unknown)
    chances = probabilities(logits, decision.temperature)
    passed = (chances.argmax(axis=1) >= n_special) & (chances.max(axis=1) >= decision.threshold)
    heard = passed & (chances.argmax(axis=1) == labels)
    n_labels, n_words = len(dataset.labels), "ten" if len(dataset.words) == 10 else len(dataset.words)
    found = {
        f"{n_labels} labels": accuracy(logits[kept], labels[kept]),
        f"{n_labels} labels, every unknown and silence clip": accuracy(logits, labels),
        f"{n_words} words": accuracy(logits[is_word], labels[is_word]),
        "words heard above the threshold": wilson(int(heard[is_word].sum()), int(is_word.sum())),
    }
    if is_unknown.any():
        found["other words taken for a command"] = wilson(int(passed[is_unknown].sum()), int(is_unknown.sum()))
    cuts = data.speech("test")
    if len(cuts):
        speech = probabilities(_logits(model, cuts), decision.temperature)
        false = (speech.argmax(axis=1) >= n_special) & (speech.max(axis=1) >= decision.threshold)
        found["running speech taken for a command"] = wilson(int(false.sum()), len(false))
    return found


def manifest(
    decision: Decision, training: dict[str, Any], results: list[dict[str, Any]], dataset: Dataset = PACK
) -> dict[str, Any]:
    """Return the bundle's manifest, without the file."""
    is_english = dataset.labels == PACK.labels
    return {
        "id": "commands-en" if is_english else "commands",
        "kind": "commands",
        "version": "1.1.0" if is_english else "1.0.0",
        "description": "Ten English command words, other words and silence, in one second of speech"
        if is_english
        else f"{len(dataset.words)} words, in one second of speech",
        "licence": "Apache-2.0; see the data's licences",
        "rate": dataset.features.rate,
        "features": dataset.features.model_dump(),
        "labels": list(dataset.labels),
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
    return np.concatenate(parts) if parts else np.zeros((0, model.output_shape[-1]), np.float32)
