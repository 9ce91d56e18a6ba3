"""`kws-train keyword`: from recordings of a word to a wake-word bundle.

Train, run the detector over all training speech, add what it took for the word, draw what it missed more often, train
on; then calibrate the threshold on the dev split. The test split is only looked at by `benchmarks/wake_word.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training import cards
from kws_training.augment import SILENCE
from kws_training.evaluate import tail_threshold
from kws_training.export import export, to_litert
from kws_training.feature_store import SETTINGS, Bytes, to_logmel, write_store
from kws_training.keyword_batches import KeywordBatches, KeywordData, Source, Windows, validation
from kws_training.keyword_data import near_texts, recordings, synthetic_entries, word_entries
from kws_training.models import build
from kws_training.report import say
from kws_training.settings import KeywordRecipe
from kws_training.train import fit
from voice.errors import DataError
from voice.events import RATE
from voice.models.backend import Network

Scores = npt.NDArray[np.float64]
HOURS_PER_FRAME = SETTINGS.hop / RATE / 3600


@dataclass(frozen=True, slots=True)
class Calibration:
    """The threshold and what it costs on the dev split."""

    threshold: float
    missed: float
    """Share of the dev recordings."""
    false_accepts: int
    hours: float


def prepare_word(
    work: Path,
    folders: list[Path],
    word: str,
    recipe: KeywordRecipe,
    *,
    neural: Sequence[str] = (),
    n_processes: int = 1,
) -> None:
    """Write the stores of the word's recordings and of its synthetic speech, where they are missing.

    `neural` are Piper's voices that speak, too.
    """
    if not (work / f"keyword-{word}" / "clips.jsonl").exists():
        say(f"recordings: {write_store(work / f'keyword-{word}', word_entries(recordings(folders), recipe.tracts))}")
    if not (work / f"synthetic-{word}" / "clips.jsonl").exists():
        phrase = word.replace("_", " ")
        entries = synthetic_entries(
            phrase,
            near_texts(phrase, recipe.optimiser.seed),
            n_words=recipe.n_synthetic_words,
            n_sentences=recipe.n_synthetic_sentences,
            n_confusable=recipe.n_near_misses,
            n_fluent=recipe.n_synthetic_fluent,
            seed=recipe.optimiser.seed,
            neural=neural,
            n_processes=n_processes,
        )
        say(f"synthetic: {write_store(work / f'synthetic-{word}', entries)} clips")


def train_keyword(work: Path, run: Path, word: str, recipe: KeywordRecipe) -> keras.Model:
    """Train a wake word on the stores in `work`, with checkpoints in `run`; return the network.

    A round that has finished in `run` isn't trained again.
    """
    keras.utils.set_random_seed(recipe.optimiser.seed)
    train, dev = (KeywordData(work, recipe, word, split) for split in ("train", "dev"))
    held_out = validation(dev, recipe)
    steps = (*recipe.mining_steps, recipe.optimiser.steps)
    rounds = [run / f"round{number}" for number in range(len(steps))]
    finished = sum((folder / "done").exists() for folder in rounds)
    model = build(recipe.network, recipe.window_frames, SETTINGS.mels, 1)
    if finished:
        model = keras.models.load_model(rounds[finished - 1] / "best.keras", compile=False)
    say(f"{word}: {len(train.real.clips)} recordings, {model.count_params()} parameters")
    for number, folder in list(enumerate(rounds))[finished:]:
        mined = look(model, train, recipe, rounds[:number])
        batches = KeywordBatches(train, recipe, mined, recipe.optimiser.seed + number)
        model = fit(
            model,
            partial(_same, batches),
            held_out,
            loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=recipe.optimiser.label_smoothing),
            metric=keras.metrics.AUC(curve="PR", from_logits=True, name="auc"),
            settings=recipe.optimiser.model_copy(update={"steps": steps[number], "keep": "last"}),
            folder=folder,
        )
        (folder / "done").touch()
    return model


def _same(batches: KeywordBatches) -> KeywordBatches:
    return batches


def joined(runs: list[Path]) -> keras.Model:
    """Return one network whose logit is the mean of those of several runs: what one takes for the word, few take.

    Raises:
        DataError: a folder holds no finished training.
    """
    members = []
    for number, run in enumerate(runs):
        done = sorted(run.glob("round*/done"), key=lambda path: int(path.parent.name.removeprefix("round")))
        if not done:
            raise DataError(f"{run}: no finished training", fix="run `kws-train keyword` first")
        members.append(keras.models.load_model(done[-1].with_name("best.keras"), compile=False))
        members[-1].name = f"member{number}"
    inputs = keras.Input(members[0].input_shape[1:], name="logmel")
    return keras.Model(inputs, keras.layers.Average(name="logits")([member(inputs) for member in members]))


def look(model: keras.Model, train: KeywordData, recipe: KeywordRecipe, rounds: list[Path]) -> Windows:
    """Run the network of the last of `rounds` over all training speech.

    Sets the hard clips of `train`: the words that it misses.

    Returns:
        The windows of other speech that it, or the network of a former round, took for the word.
    """
    mined = np.zeros((0, recipe.window_frames, SETTINGS.mels), np.uint8)
    if not rounds:
        return mined
    kept = rounds[-1] / "found.npz"
    if not kept.exists():
        network = litert(model, rounds[-1], recipe)
        if len(rounds) > 1:
            mined = np.load(rounds[-2] / "found.npz")["mined"]
        mined = np.concatenate([mined, mine(network, [*train.running, train.other_wake, train.near], recipe)])
        hard = {name: missed(network, getattr(train, name), recipe) for name in ("real", "synthetic")}
        np.savez(kept, mined=mined, **hard)
    found = np.load(kept)
    for source, name in ((train.real, "real"), (train.synthetic, "synthetic")):
        source.hard = [source.clips[index] for index in found[name]]
    say(f"mined {len(found['mined'])} so far, missed {len(train.real.hard)} and {len(train.synthetic.hard)} synthetic")
    return np.asarray(found["mined"])


def mine(network: Network, sources: list[Source], recipe: KeywordRecipe, most: int = 8000) -> Windows:
    """Return the windows of negative clips that score highest, at most one a clip, at most `most`."""
    found: list[tuple[float, Bytes]] = []
    for source in sources:
        for clip in source.clips:
            scores = look_scores(network, source.store[clip], recipe, every=2)
            if len(scores) and scores.max() > 0.05:
                end = (int(scores.argmax()) + 1) * 2 * recipe.step_frames
                found.append((float(scores.max()), source.ending(clip, end)))
    found.sort(key=lambda item: -item[0])
    empty = np.zeros((0, recipe.window_frames, SETTINGS.mels), np.uint8)
    return np.stack([window for _, window in found[:most]]) if found else empty


def missed(network: Network, source: Source, recipe: KeywordRecipe, least: float = 0.9) -> npt.NDArray[np.int64]:
    """Return the indices of the clips of the word in which no look reaches `least`."""
    peaks = [look_scores(network, source.store[clip], recipe).max(initial=0) for clip in source.clips]
    return np.flatnonzero(np.array(peaks) < least)


def look_scores(network: Network, frames: Bytes, recipe: KeywordRecipe, *, every: int = 1) -> Scores:
    """Return the scores of the streaming detector's looks over a clip, not smoothed, shape (looks,).

    Args:
        network: the exported network.
        frames: the clip; before it lies digital silence.
        recipe: window and step.
        every: take each look (1), every second (2), ...
    """
    step = recipe.step_frames * every
    past = np.full((recipe.window_frames, SETTINGS.mels), SILENCE, np.float32)
    padded = np.concatenate([past, to_logmel(frames)])
    ends = range(recipe.window_frames + step, len(padded) + 1, step)
    logits = [float(network.run(padded[None, end - recipe.window_frames : end])[0][0, 0]) for end in ends]
    return 1 / (1 + np.exp(-np.array(logits, np.float64)))


def litert(model: keras.Model, folder: Path, recipe: KeywordRecipe) -> Network:
    """Return the network as the run time will run it, written to `folder`."""
    path = folder / "model.tflite"
    path.write_bytes(to_litert(model, recipe.weights))
    return Network(path)


def calibrate(network: Network, dev: KeywordData, recipe: KeywordRecipe) -> Calibration:
    """Return the threshold that keeps dev speech at the recipe's false accepts per hour, in steps of 0.01.

    The clips are one stream, as the detector will hear them: what one ends with and the next begins with can sound
    like the word, too.
    """
    clips = [source.store[clip] for source in dev.running for clip in source.clips]
    scores = _smoothed(network, np.concatenate(clips), recipe)
    hours = sum(map(len, clips)) * HOURS_PER_FRAME
    n_looks = max(1, recipe.refractory_ms * RATE // 1000 // SETTINGS.hop // recipe.step_frames)
    peaks = np.array([scores[first : first + n_looks].max() for first in range(0, len(scores), n_looks)])
    positive = np.array([_smoothed(network, dev.real.store[c], recipe).max(initial=0) for c in dev.real.clips])
    threshold = tail_threshold(peaks, recipe.false_accepts_per_hour * hours)
    return Calibration(threshold, float((positive < threshold).mean()), int((peaks >= threshold).sum()), hours)


def _smoothed(network: Network, frames: Bytes, recipe: KeywordRecipe) -> Scores:
    scores = look_scores(network, frames, recipe)
    weights = np.ones(recipe.smoothing_steps) / recipe.smoothing_steps
    return np.convolve(scores, weights)[: len(scores)] if len(scores) else scores


def manifest(word: str, recipe: KeywordRecipe, threshold: float, training: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle's manifest, without the file and the results."""
    return {
        "id": word,
        "kind": "wake",
        "version": "1.0.0",
        "description": f'The wake word "{word.replace("_", " ")}"',
        "licence": "Apache-2.0; see the data's licences",
        "rate": SETTINGS.rate,
        "features": SETTINGS.model_dump(),
        "labels": [word],
        "decision": {
            "kind": "wake",
            "window_frames": recipe.window_frames,
            "step_frames": recipe.step_frames,
            "threshold": threshold,
            "smoothing_steps": recipe.smoothing_steps,
            "refractory_ms": recipe.refractory_ms,
        },
        "training": training,
    }


def write_wake(
    model: keras.Model, word: str, work: Path, out: Path, settings: KeywordRecipe, training: dict[str, Any]
) -> None:
    """Calibrate a whole network on the dev split, and write its bundle and card."""
    dev = KeywordData(work, settings, word, "dev")
    found = calibrate(litert(model, work, settings), dev, settings)
    clips, _ = validation(dev, settings)
    bundle = export(model, out, manifest(word, settings, found.threshold, training), clips[::40], settings.weights)
    cards.write_card(
        bundle,
        f"Threshold {found.threshold:g}, calibrated on dev recordings and dev speech: {100 * found.missed:.1f} % "
        f"missed, false accepts: {found.false_accepts} in {found.hours:.2f} h.",
        "Few speakers, mostly adults near the microphone; distance and loud rooms are untested.",
        settings.weights,
    )
    say(f"wrote {out}: {found}")
