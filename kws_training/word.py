"""`kws-train keyword`: a wake word from its text, takes, or both, to a bundle with its card.

RUN/spoken      synthetic speech of the phrase and of phrases near it      RUN/takes     the recordings
RUN/head.keras  the trained head      RUN/tuned*.h5   both together        RUN/word.json the threshold and its cost
WORK/embedded   running speech after the backbone, made once for all phrases
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kws_training import cards
from kws_training.backbone_export import load_backbone
from kws_training.corpora import Recording, read_samples
from kws_training.feature_store import SETTINGS, FeatureStore
from kws_training.keyword_data import recordings
from kws_training.models.settings import BackboneSettings
from kws_training.phrase_checks import check_phrase
from kws_training.pronounce import installed_pronouncer
from kws_training.records import record, wake_data
from kws_training.report import say
from kws_training.settings import WordRecipe
from kws_training.template import HEAD
from kws_training.trained import trained_parameters
from kws_training.word_export import export_word, reach_frames
from kws_training.word_sources import prepare_phrase
from kws_training.word_training import Threshold, match_word, train_word
from voice.audio.takes import TakeSettings, check_takes
from voice.errors import DataError
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
    warn(request)
    takes = usable_takes(request)
    if template:
        recipe = recipe.model_copy(update={"n_alone": 0, "n_sentences": 0, "n_near": 0, "head": HEAD})
    prepare_phrase(request.phrase, takes, request.run, recipe, negatives=request.negatives, n_processes=n_processes)
    make = match_word if template else train_word
    head, n_pooled, threshold = make(request.phrase, request.work, request.run, recipe, trained)
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


def warn(request: Request) -> None:
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
    heard = SpokenPhrase(request.phrase).score if found else None
    settings = TakeSettings().for_phrase(request.phrase)
    faults = check_takes([read_samples(take.path) for take in found], settings, score=heard)
    kept = []
    for take, fault in zip(found, faults, strict=True):
        if fault is None or fault.code in _TAKEN_ANYWAY:
            kept.append(take)
        if fault:
            say(f"{'taken anyway' if fault.code in _TAKEN_ANYWAY else 'left out'}: {take.path.name}: {fault.what}")
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
