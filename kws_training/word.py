"""A wake word from its text, takes, or both: what is said and recorded, what isn't the phrase, the head, the threshold.

RUN/spoken      synthetic speech of the phrase and of phrases near it      RUN/takes     the recordings
RUN/head.keras  the trained head        RUN/word.json   the threshold and what it costs
WORK/embedded   running speech after the backbone, made once for all phrases
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training import cards
from kws_training.backbone_export import load_backbone
from kws_training.corpora import Recording, read_samples
from kws_training.embedded import Embedder, Embeddings, Joined, embed_clips
from kws_training.evaluate import poisson
from kws_training.feature_store import SETTINGS, Clip, FeatureStore, write_store
from kws_training.few_shot import Material, covered, peaks_of, pooled_of, scores, train_head
from kws_training.keyword_data import near_texts, recordings, synthetic_entries, word_entries
from kws_training.models.backbone import embedder as lower_part
from kws_training.models.settings import BackboneSettings
from kws_training.phrase_checks import check_phrase
from kws_training.pronounce import installed_pronouncer
from kws_training.records import record, wake_data
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.trained import trained_parameters
from kws_training.tune import Found, TuneBatches, tune
from kws_training.word_clips import END, Placed, Sources, place
from kws_training.word_export import export_word, reach_frames
from voice.audio.takes import TakeSettings, check_takes
from voice.errors import DataError
from voice.events import RATE
from voice.models.bundle import Bundle

CALIBRATE = 0.35
"""Share of the speakers of negative speech that the threshold is found on; the head learns from the others."""
_HOURS_PER_FRAME = SETTINGS.hop / RATE / 3600
_NOISED_CLIPS = 4000


@dataclass(frozen=True, slots=True)
class Request:
    """A wake word that somebody wants."""

    phrase: str
    slug: str
    """The phrase as a name of files."""
    recordings: tuple[Path, ...]
    """Folders of takes."""
    negatives: tuple[Path, ...]
    """Folders of sound without the phrase."""
    work: Path
    run: Path
    out: Path
    hold_out: bool = False
    """Learn from the speakers alone that `keyword_split` calls train, so that the others can judge."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold, and how often it was passed by speech that the head never saw."""

    threshold: float
    false_accepts: int
    hours: float
    low: float
    """False accepts an hour: 95 % limits."""
    high: float


def prepare_phrase(
    phrase: str, takes: Sequence[Recording], run: Path, recipe: WordRecipe, *, n_processes: int = 1
) -> None:
    """Write the stores of synthetic speech and of takes, where they are missing."""
    if not (run / "spoken" / "clips.jsonl").exists():
        entries = synthetic_entries(
            phrase,
            near_texts(phrase, recipe.seed),
            n_words=recipe.n_alone,
            n_sentences=recipe.n_sentences,
            n_confusable=recipe.n_near,
            seed=recipe.seed,
            n_processes=n_processes,
        )
        say(f"spoken: {write_store(run / 'spoken', entries)} clips")
    if takes and not (run / "takes" / "clips.jsonl").exists():
        say(f"takes: {write_store(run / 'takes', word_entries(list(takes), recipe.tracts))} clips")


def negative_clips(work: Path, phrase: str) -> dict[str, tuple[FeatureStore, list[Clip]]]:
    """Return the clips without the phrase that a head learns from, by the name of their stream.

    Raises:
        DataError: there is no running speech.
    """
    found = {}
    for name in ("speech", "more"):
        if (work / name / "clips.jsonl").exists():
            store = FeatureStore(work / name)
            found[name] = (store, [clip for clip in _long(store, "train") if not _judges(clip)])
    if not found:
        raise DataError(f"{work}: no running speech", fix="run `kws-train prepare DATA --work` this folder first")
    words, wake, noise = (FeatureStore(work / name) for name in ("words", "wake", "noise"))
    label = phrase.replace(" ", "_")
    found["words"] = (words, [c for c in words.select(split="train") if c.label not in phrase.split()])
    found["wake words"] = (wake, [c for c in wake.select(split="train") if not _same(c.label, label)])
    found["noise"] = (noise, noise.select(split="train"))
    return found


def judging_clips(work: Path) -> dict[str, tuple[FeatureStore, list[Clip]]]:
    """Return the running speech that the threshold is found on, of speakers that no head learns from."""
    found = {}
    for name in ("speech", "more"):
        if (work / name / "clips.jsonl").exists():
            store = FeatureStore(work / name)
            apart = [clip for clip in _long(store, "train") if _judges(clip)]
            found[name] = (store, [*_long(store, "dev"), *apart])
    return found


def _long(store: FeatureStore, split: str) -> list[Clip]:
    return [clip for clip in store.select(split=split) if clip.n_frames > 10]


def embedded_negatives(work: Path, embedder: Embedder, phrase: str, recipe: WordRecipe) -> dict[str, Embeddings]:
    """Return the streams of `negative_clips` after the backbone, running speech with noise once more; kept in files."""
    folder, noise = work / "embedded", FeatureStore(work / "noise")
    found = {}
    for name, (store, clips) in negative_clips(work, phrase).items():
        file = f"{name}-{phrase}" if name in ("words", "wake words") else name
        found[name] = embed_clips(embedder, store, clips, folder / file.replace(" ", "_"))
        if name in ("speech", "more"):
            some = [clips[i] for i in np.random.default_rng(0).permutation(len(clips))[:_NOISED_CLIPS]]
            noised = (noise, recipe.augment)
            found[f"{name}, noised"] = embed_clips(embedder, store, some, folder / f"{name}-noised", noise=noised)
    return found


def _judges(clip: Clip) -> bool:
    """Return whether a clip's speaker is one that thresholds are found on."""
    return int(sha1(f"judge {clip.group}".encode(), usedforsecurity=False).hexdigest(), 16) % 100 < 100 * CALIBRATE


def _same(label: str, phrase: str) -> bool:
    return phrase in label or label in phrase


def sources(work: Path, run: Path, phrase: str) -> Sources:
    """Return what the phrase is learnt from, before the backbone."""
    spoken = FeatureStore(run / "spoken")
    speech, noise = FeatureStore(work / "speech"), FeatureStore(work / "noise")
    takes = FeatureStore(run / "takes") if (run / "takes" / "clips.jsonl").exists() else None
    learning = {name: Joined(store, clips) for name, (store, clips) in negative_clips(work, phrase).items()}
    return Sources(
        spoken=spoken,
        keyword=[clip for clip in spoken.clips if clip.label == "keyword"],
        near=[clip for clip in spoken.clips if clip.label != "keyword"],
        takes_store=takes,
        takes=takes.select(split="train") if takes else (),
        background=(speech, [c for c in speech.select(split="train") if c.n_frames > 100 and not _judges(c)]),
        noise=(noise, noise.select(split="train")),
        negatives=learning,
    )


def material(embedder: Embedder, found: Sources, recipe: WordRecipe, learnt: dict[str, Embeddings]) -> Material:
    """Return everything that the head learns from, after the backbone."""

    def placed(store: FeatureStore, clips: Sequence[Clip], seed: int) -> Placed:
        return place(embedder, store, clips, recipe, found, seed)

    synthetic = placed(found.spoken, list(found.keyword) * recipe.copies, recipe.seed)
    copies = min(recipe.take_copies, max(1, 6000 // max(1, len(found.takes))))
    takes = placed(found.takes_store or found.spoken, list(found.takes) * copies, recipe.seed + 1)
    alike = placed(found.spoken, list(found.near) * 2, recipe.seed + 2).embeddings
    streams = {**learnt, "near": alike.reshape(-1, alike.shape[-1])}
    shares = {"near": recipe.near_share, "words": 0.05, "wake words": 0.08, "noise": 0.04}
    running = [name for name in streams if name not in shares]
    total = sum(len(streams[name]) for name in running)
    rest = 1 - sum(shares.values())
    shares |= {name: rest * len(streams[name]) / total for name in running}
    return Material(synthetic, takes, streams, shares, embedder.stride)


def smoothed(every: npt.NDArray[np.float32], recipe: WordRecipe, stride: int) -> npt.NDArray[np.float32]:
    """Return the detector's smoothed scores at its looks."""
    looks = every[recipe.step_frames // stride - 1 :: recipe.step_frames // stride]
    weights = np.ones(recipe.smoothing_steps, np.float32) / recipe.smoothing_steps
    return np.convolve(looks, weights)[: len(looks)]


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


def events(looks: npt.NDArray[np.float32], recipe: WordRecipe) -> npt.NDArray[np.float32]:
    """Return the largest score of each refractory time, as a detector would fire."""
    width = max(1, recipe.refractory_ms * RATE // 1000 // SETTINGS.hop // recipe.step_frames)
    whole = np.zeros(-(-len(looks) // width) * width, np.float32)
    whole[: len(looks)] = looks
    return whole.reshape(-1, width).max(axis=1)


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
        stuff = material(embedder, found, recipe, embedded_negatives(work, embedder, phrase, recipe))
        shown = stuff.takes if len(stuff.takes.embeddings) else stuff.synthetic
        n_pooled = pooled_of(recipe, shown, embedder.stride)
        head = train_head(stuff, recipe, n_pooled, embedder.width)
        head.save(kept)
        noted.write_text(json.dumps({"n_pooled": n_pooled, "backbone": embedder.key}) + "\n", encoding="utf-8")
    n_pooled = int(json.loads(noted.read_text(encoding="utf-8"))["n_pooled"])
    head = keras.models.load_model(kept, compile=False)
    tune_word(phrase, work, run, recipe, trained, head, n_pooled)
    embedder = Embedder(lower_part(trained))
    judging = {name: stream_of(embedder, *part) for name, part in judging_clips(work).items()}
    threshold = calibrate(head, judging, recipe, n_pooled, embedder.stride)
    (run / "word.json").write_text(json.dumps(asdict(threshold)) + "\n", encoding="utf-8")
    return head, n_pooled, threshold


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
        for name, (store, clips) in negative_clips(work, phrase).items():
            every = scores(head, stream_of(embedder, store, clips), n_covered)
            for at in peaks_of(every, n_covered // 3):
                false_accepts.append((float(every[at]), Found(name, (int(at) + 1) * stride)))
        false_accepts.sort(key=lambda item: -item[0])
        say(f"{sum(score > 0.5 for score, _ in false_accepts)} false accepts at 0.5")
        hardest = [item for _, item in false_accepts[: recipe.tune_mined]]
        maker = partial(TuneBatches, partial(sources, work, run, phrase), recipe, hardest, looks, recipe.seed + number)
        tune(network, maker, recipe, number)
        network.save_weights(done)


def make_word(
    request: Request, recipe: WordRecipe, recipe_file: Path | None, *, template: bool = False, n_processes: int = 1
) -> Bundle:
    """Make a wake word and write its bundle.

    Args:
        request: what is wanted.
        recipe: how to train.
        recipe_file: where the recipe stands.
        template: no training: the mean of the takes.
        n_processes: that speak and compute features.

    Raises:
        ConfigError: the phrase can't be said.
        DataError: no synthesiser, no stores, or takes of which none is any good.
    """
    started = time.monotonic()
    bundle, trained, backbone = load_backbone()
    warn(request, recipe)
    takes = usable_takes(request)
    prepare_phrase(request.phrase, takes, request.run, recipe, n_processes=n_processes)
    head, n_pooled, threshold = train_word(request.phrase, request.work, request.run, recipe, trained)
    if threshold.high > max(recipe.false_accepts_per_hour * 2, 3.7 / max(threshold.hours, 0.01)):
        say(f"the rate is only known to be below {threshold.high:.2g} an hour: give more sound with --negatives")
    minutes = (time.monotonic() - started) / 60
    parameters = trained_parameters(trained) + trained_parameters(head)
    training = record(
        f"kws-train keyword '{request.phrase}'", recipe_file, recipe.seed, minutes, parameters, wake_data(request.work)
    )
    speech = FeatureStore(request.work / "speech")
    some = np.concatenate([speech[clip] for clip in speech.select(split="dev")[:12]])
    found = export_word(
        request.out,
        _manifest(request, recipe, backbone, n_pooled, threshold, training),
        trained,
        head,
        backbone,
        recipe,
        n_pooled,
        some,
    )
    cards.write_card(
        found,
        f"On {bundle.manifest.id} {bundle.manifest.version}. Threshold {threshold.threshold:g}: "
        f"{threshold.false_accepts} false accepts in {threshold.hours:.2f} h of speech that it didn't learn from, "
        f"95 % up to {threshold.high:g} an hour.",
        f"Takes learnt from: {len(takes)}. Not measured on other recordings of the phrase: `python -m "
        "benchmarks.wake_word --bundle DIR --recordings DIR` does.",
        recipe.weights,
    )
    say(f"wrote {request.out}: {threshold}, {minutes:.1f} minutes")
    return found


def warn(request: Request, recipe: WordRecipe) -> None:
    """Say what speaks against the phrase.

    Raises:
        ConfigError: it can't be said.
    """
    report = check_phrase(installed_pronouncer().pronounce(request.phrase))
    for warning in report.warnings:
        say(f"warning: {warning.text}")


def usable_takes(request: Request) -> list[Recording]:
    """Return the takes that hold the phrase, each as one to learn from; says which are left out, and why.

    Raises:
        DataError: there are takes, and none is any good.
    """
    found = recordings(list(request.recordings)) if request.recordings else []
    found = [replace(r, split="train") for r in found if r.split == "train" or not request.hold_out]
    faults = check_takes([read_samples(r.path) for r in found], TakeSettings().for_phrase(request.phrase))
    for take, fault in zip(found, faults, strict=True):
        if fault:
            say(f"left out {take.path.name}: {fault.what}")
    kept = [take for take, fault in zip(found, faults, strict=True) if not fault]
    if found and not kept:
        raise DataError("no take is any good", fix="record them again with `voice record-keyword`")
    return kept


def _manifest(
    request: Request,
    recipe: WordRecipe,
    backbone: BackboneSettings,
    n_pooled: int,
    threshold: Threshold,
    training: dict[str, Any],
) -> dict[str, Any]:
    rate = threshold.false_accepts / threshold.hours if threshold.hours else 0.0
    return {
        "id": request.slug,
        "kind": "wake",
        "version": "1.0.0",
        "description": f'The wake word "{request.phrase}"',
        "licence": "Apache-2.0; see the data's licences",
        "rate": SETTINGS.rate,
        "features": SETTINGS.model_dump(),
        "labels": [request.slug],
        "decision": {
            "kind": "wake",
            "window_frames": reach_frames(backbone, recipe, n_pooled),
            "step_frames": recipe.step_frames,
            "stream": True,
            "threshold": threshold.threshold,
            "smoothing_steps": recipe.smoothing_steps,
            "refractory_ms": recipe.refractory_ms,
        },
        "training": training,
        "results": [
            {
                "name": "false accepts an hour, where the threshold was found",
                "value": round(rate, 3),
                "low": threshold.low,
                "high": threshold.high,
                "n": threshold.false_accepts,
                "on": f"{threshold.hours:g} h of running speech of speakers that it didn't learn from",
            }
        ],
    }
