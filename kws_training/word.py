"""`kws-train keyword`: a wake word from its text, takes, or both, to a bundle with its card.

RUN/spoken      synthetic speech of the phrase and of phrases near it      RUN/takes     the recordings
RUN/head.keras  the trained head      RUN/tuned*.h5   both together        RUN/word.json the threshold and its cost
RUN/judged.npz  the scores at the speech that it was found with            RUN/report.html
WORK/embedded   running speech after the backbone, made once for all phrases
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kws_training import cards
from kws_training.backbone_export import NAME, load_backbone
from kws_training.cards import SYNTHETIC
from kws_training.corpora import Recording, read_samples
from kws_training.embedded import Embedder
from kws_training.feature_store import SETTINGS, Bytes
from kws_training.keyword_data import recordings
from kws_training.made_speech import SPEECH
from kws_training.models.backbone import embedder as lower_part
from kws_training.models.settings import BackboneSettings
from kws_training.phrase_checks import check_phrase
from kws_training.pronounce import installed_pronouncer
from kws_training.records import piper_data, record, wake_data
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.template import HEAD
from kws_training.trained import trained_parameters
from kws_training.word_excerpts import Excerpts
from kws_training.word_export import export_word, reach_frames
from kws_training.word_report import Told, write_word_report
from kws_training.word_sources import NEAR, WHOLE_S, judging_clips, prepare_phrase
from kws_training.word_start import files_in, has_real_speech, refresh, sufficient
from kws_training.word_threshold import Looks, Threshold, judge
from kws_training.word_training import check_template, match_word, train_word
from voice.audio.takes import TakeSettings, check_takes
from voice.errors import DataError
from voice.events import Samples
from voice.models.bundle import Bundle
from voice.models.spoken_phrase import SpokenPhrase

_TAKEN_ANYWAY = ("clipped", "noisy", "long")
"""Faults of takes that still say the phrase: the variations of training are worse."""


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
    report: bool = True
    data: Path | None = None
    """The data pack, for the sounds of the report."""
    more: tuple[Path, ...] = ()
    """Folders of further speech, for the same."""
    skip: tuple[Path, ...] = ()
    """Lists of their clips that were left out."""
    backbone: str | Path = NAME
    """Bundle that the wake word stands on."""
    neural: tuple[str, ...] = ()
    """Piper's voices that speak, too."""


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
    warnings = warn(request)
    takes = usable_takes(request)
    bundle, trained, backbone = load_backbone(request.backbone)
    if template:
        check_template(len(takes))
        recipe = recipe.model_copy(update={"n_alone": 0, "n_sentences": 0, "n_near": 0, "head": HEAD})
    recipe = sufficient(
        request.work, takes, recipe, own=bool(request.negatives), neural=request.neural, n_processes=n_processes
    )
    refresh(request.run, _facts(request, takes, bundle, template=template), recipe)
    prepare_phrase(
        request.phrase,
        takes,
        request.run,
        recipe,
        negatives=request.negatives,
        neural=request.neural,
        n_processes=n_processes,
    )
    speech = _some_speech(request)
    make = match_word if template else train_word
    head, n_pooled, threshold = make(request.phrase, request.work, request.run, recipe, trained, backbone)
    promise = threshold.promise(recipe.false_accepts_per_hour, real=_real(request))
    minutes = (time.monotonic() - started) / 60
    parameters = trained_parameters(trained) + trained_parameters(head)
    data = wake_data(request.work) if has_real_speech(request.work) else (SYNTHETIC,)
    data += piper_data(request.neural)
    training = record(f"kws-train keyword '{request.phrase}'", recipe_file, recipe.seed, minutes, parameters, data)
    found = export_word(
        request.out,
        _manifest(request, recipe, backbone, n_pooled, threshold, training),
        trained,
        head,
        backbone,
        recipe,
        n_pooled,
        speech,
    )
    cards.write_card(
        found,
        f"On {bundle.manifest.id} {bundle.manifest.version}. Threshold {threshold.threshold:g}: "
        f"{threshold.false_accepts} false accepts in {threshold.hours:.2f} h of speech that it didn't learn from, "
        f"95 % up to {threshold.high:g} an hour. {promise[0].upper()}{promise[1:]}.",
        f"Takes learnt from: {len(takes)}. Not measured on other recordings of the phrase: `python -m "
        "benchmarks.wake_word --bundle DIR --recordings DIR` does.",
        recipe.weights,
    )
    if request.report:
        told = _told(
            request, found, recipe, threshold, promise, takes, _looks_at(trained, backbone, head, recipe, n_pooled)
        )
        report(request, replace(told, warnings=warnings, minutes=minutes))
    say(
        f"wrote {request.out}: threshold {threshold.threshold:g}, {threshold.false_accepts} false accepts in "
        f"{threshold.hours:.3g} h of speech, {minutes:.1f} minutes"
    )
    say(promise)
    return found


def report(request: Request, told: Told) -> None:
    """Write the report, and its shares of heard phrases into the bundle and its card."""
    figures = write_word_report(request.run, told)
    results = [result.model_dump(mode="json") for result in told.bundle.manifest.results]
    notes = figures["sets"]
    cards.record_results(
        told.bundle,
        results
        + [
            {
                "name": f"missed, {row['condition']}",
                "value": round(1 - row["value"], 4),
                "low": round(1 - row["high"], 4),
                "high": round(1 - row["low"], 4),
                "n": row["n"],
                "on": notes[row["set"]],
            }
            for row in figures["recall"]
        ],
    )
    for row in figures["recall"]:
        if row["condition"] in ("clean", "noise 10 dB"):
            say(f"{row['set']}, {row['condition']}: {100 * row['value']:.0f} % of {row['n']} heard")
    say(f"report: {request.run / 'report.html'}")


def _told(
    request: Request,
    found: Bundle,
    recipe: WordRecipe,
    threshold: Threshold,
    promise: str,
    takes: list[Recording],
    looks_at: Callable[[Bytes], Looks],
) -> Told:
    near = request.run / NEAR
    with np.load(request.run / "judged.npz") as judged:
        looks = dict(judged)
    held_out = recordings(list(request.recordings)) if request.hold_out and request.recordings else []
    return Told(
        phrase=request.phrase,
        bundle=found,
        recipe=recipe,
        threshold=threshold,
        promise=promise,
        looks=looks,
        judging=judging_clips(request.work, request.run, request.phrase),
        looks_at=looks_at,
        takes=takes,
        held_out=[take for take in held_out if take.split != "train"],
        excerpts=Excerpts(request.data, request.more, request.skip, request.negatives),
        near=json.loads(near.read_text(encoding="utf-8")) if near.exists() else (),
    )


def _looks_at(
    trained: keras.Model, backbone: BackboneSettings, head: keras.Model, recipe: WordRecipe, n_pooled: int
) -> Callable[[Bytes], Looks]:
    embedder = Embedder(lower_part(trained), backbone)
    return lambda frames: judge(head, {"": embedder.stream(frames)}, recipe, n_pooled, embedder.stride)[""]


def _real(request: Request) -> bool:
    """Return whether people's speech or a real room judged."""
    return has_real_speech(request.work) or (not (request.work / SPEECH).exists() and bool(request.negatives))


def _some_speech(request: Request) -> Bytes:
    """Return some tens of seconds to compare the exported network on."""
    for store, clips in judging_clips(request.work, request.run, request.phrase).values():
        if clips:
            return np.concatenate([store[clip] for clip in clips[:12]])
    raise DataError(
        f"{request.work}: no running speech to find a threshold with",
        fix=f"run `kws-train prepare`, or give recordings of more than {WHOLE_S:g} s with --negatives",
    )


def _facts(request: Request, takes: list[Recording], bundle: Bundle, *, template: bool) -> dict[str, Any]:
    """Return what the run's stages are made from, for `refresh`."""
    sizes = [(str(take.path), take.path.stat().st_size, take.path.stat().st_mtime_ns, take.end) for take in takes]
    stores = sorted(path.parent.name for path in request.work.glob("*/clips.jsonl"))
    return {
        "spoken": [request.phrase, *request.neural] if request.neural else request.phrase,
        "takes": sizes,
        "negatives": files_in(request.negatives),
        "trained": [bundle.manifest.model.sha256, template, has_real_speech(request.work), "more" in stores],
    }


def warn(request: Request) -> list[str]:
    """Say what speaks against the phrase, and return it.

    Raises:
        ConfigError: it can't be said.
    """
    found = [w.text for w in check_phrase(installed_pronouncer().pronounce(request.phrase)).warnings]
    for text in found:
        say(f"warning: {text}")
    return found


def usable_takes(request: Request) -> list[Recording]:
    """Return the takes that hold the phrase, each as one to learn from; says which are left out, and why.

    Raises:
        DataError: there are takes, and none is any good.
    """
    found = recordings(list(request.recordings)) if request.recordings else []
    read = _readable([replace(r, split="train") for r in found if r.split == "train" or not request.hold_out])
    heard = SpokenPhrase(request.phrase).score if read else None
    settings = TakeSettings().for_phrase(request.phrase)
    faults = check_takes([samples for _, samples in read], settings, score=heard)
    kept = []
    for (take, _), fault in zip(read, faults, strict=True):
        if fault is None or fault.code in _TAKEN_ANYWAY:
            kept.append(take)
        if fault:
            say(f"{'taken anyway' if fault.code in _TAKEN_ANYWAY else 'left out'}: {take.path.name}: {fault.what}")
    if found and not kept:
        raise DataError("no take is any good", fix="record them again with `voice record-keyword`")
    return kept


def _readable(takes: list[Recording]) -> list[tuple[Recording, Samples]]:
    """Return the takes that are audio with their samples; says which aren't."""
    read = []
    for take in takes:
        try:
            read.append((take, read_samples(take.path)))
        except DataError:
            say(f"left out: {take.path.name}: it is no audio that can be read")
    return read


def _manifest(
    request: Request,
    recipe: WordRecipe,
    backbone: BackboneSettings,
    n_pooled: int,
    threshold: Threshold,
    training: dict[str, Any],
) -> dict[str, Any]:
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
                "value": round(threshold.rate, 3),
                "low": threshold.low,
                "high": threshold.high,
                "n": threshold.false_accepts,
                "on": f"{threshold.hours:g} h of {'' if _real(request) else 'synthetic '}speech of speakers that it "
                "didn't learn from",
            }
        ],
    }
