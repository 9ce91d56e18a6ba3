"""The report of a wake word: one HTML file with its pictures and sounds inside, the figures beside it as JSON.

What it takes for the phrase stands on the looks at the judging speech that the threshold was found with; what it misses
on `word_trials.py`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.corpora import Recording
from kws_training.embedded import Joined
from kws_training.evaluate import poisson, wilson
from kws_training.feature_store import SETTINGS, Bytes, Clip, FeatureStore, audio_bytes
from kws_training.settings import WordRecipe
from kws_training.synthesis import Style, synthesise
from kws_training.word_excerpts import Excerpts, data_uri
from kws_training.word_threshold import Looks, Threshold, event_looks, events, hours_of
from kws_training.word_trials import (
    CONDITIONS,
    Trials,
    held_out_takes,
    held_out_voices,
    in_condition,
    scorer,
    synthetic_trials,
    takes_anew,
    talkers,
)
from voice.events import RATE
from voice.models.bundle import Bundle

_WORST, _APART_S = 12, 1.5
_BEFORE_S, _AFTER_S = 2.0, 0.4
_MINUTES, _PUT_IN = 3, 5
_NEAREST = 10
_FRAME_S = SETTINGS.hop / RATE
_CURVES = (("clean", ""), ("noise 10 dB", ", noise 10 dB"))
Judging = Mapping[str, tuple[FeatureStore, Sequence[Clip]]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a report is about."""

    phrase: str
    bundle: Bundle
    recipe: WordRecipe
    threshold: Threshold
    promise: str
    """Which rate of false accepts is sure."""
    looks: Mapping[str, Looks]
    """At the judging speech, by stream."""
    judging: Judging
    """The same streams' clips."""
    looks_at: Callable[[Bytes], Looks]
    """Gives the looks at other frames."""
    takes: Sequence[Recording]
    """That were learnt from."""
    held_out: Sequence[Recording]
    """That weren't."""
    excerpts: Excerpts
    warnings: Sequence[str] = ()
    near: Sequence[str] = ()
    """Phrases that sound alike, nearest first."""
    minutes: float = 0.0
    remarks: list[str] = field(default_factory=list)


def measure(told: Told) -> dict[str, Any]:
    """Return the figures of a report, as they go into JSON; pictures and sounds are made of them."""
    voices = held_out_voices()
    sets = [held_out_takes(told.held_out) or takes_anew(told.takes, told.recipe.seed)]
    sets.append(synthetic_trials(told.phrase, told.recipe.seed) if voices else None)
    if not voices:
        told.remarks.append("none of the synthetic voices that only judge is installed: apt install flite espeak-ng")
    tried = {found.name: (found, _scores(told, found, voices)) for found in sets if found}
    recall = [
        _recall(told, name, condition, found)
        for name, (_, every) in tried.items()
        for condition, found in every.items()
    ]
    return {
        "phrase": told.phrase,
        "threshold": told.threshold.threshold,
        "false_accepts": told.threshold.false_accepts,
        "hours": told.threshold.hours,
        "false_accepts_high": told.threshold.high,
        "promise": told.promise,
        "minutes": round(told.minutes, 1),
        "sets": {name: found.note for name, (found, _) in tried.items()},
        "recall": recall,
        "missed": _missed(told, tried),
        "curves": {
            name + what: _curve(told, every[condition])
            for name, (_, every) in tried.items()
            for condition, what in _CURVES
            if condition in every
        },
        "near": _near(told, voices),
        "timeline": _timeline(told, [found for found, _ in tried.values()]),
        "worst": _worst(told),
        "warnings": list(told.warnings),
        "remarks": [*told.remarks, *told.excerpts.missing],
    }


def write_word_report(folder: Path, told: Told) -> dict[str, Any]:
    """Write report.html and report.json; return the figures.

    Raises:
        DataError: the disk refuses.
    """
    from kws_training.word_page import page_of, pictures_of  # noqa: PLC0415 - matplotlib
    from kws_training.word_start import write_whole  # noqa: PLC0415

    figures = measure(told)
    pictures = pictures_of(figures)
    write_whole(folder / "report.html", page_of(figures, pictures, told.bundle))
    kept = {key: value for key, value in figures.items() if key not in ("timeline", "curves")}
    kept["worst"] = [{key: value for key, value in row.items() if key != "audio"} for row in figures["worst"]]
    write_whole(folder / "report.json", json.dumps(kept, indent=2) + "\n")
    return figures


def _scores(told: Told, trials: Trials, voices: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the best score of each recording, by condition."""
    rng = np.random.default_rng(told.recipe.seed)
    score, babble = scorer(told.bundle), talkers(voices, told.recipe.seed)
    found = {}
    for condition in CONDITIONS:
        changed = [in_condition(samples, condition, rng, babble) for samples in trials.clips]
        heard = [score(samples) for samples in changed if samples is not None]
        if heard:
            found[condition] = np.array(heard)
    return found


def _recall(told: Told, name: str, condition: str, found: npt.NDArray[np.float64]) -> dict[str, Any]:
    share = wilson(int((found >= told.threshold.threshold).sum()), len(found))
    return {
        "set": name,
        "condition": condition,
        "value": round(share.value, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
        "n": share.n,
    }


def _missed(told: Told, tried: Mapping[str, tuple[Trials, Any]]) -> list[str]:
    """Return the names of clean trials that weren't heard."""
    return [
        f"{name} ({score:.2f})"
        for found, every in tried.values()
        for name, score in zip(found.names, every["clean"], strict=True)
        if score < told.threshold.threshold
    ]


def _curve(told: Told, found: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return missed phrases and false accepts an hour over the threshold."""
    accepted = np.sort(np.concatenate([events(looks, told.recipe) for looks in told.looks.values()]))
    hours = max(hours_of(told.looks, told.recipe), 1e-9)
    chosen = told.threshold.threshold
    thresholds = np.unique(np.round(np.concatenate([np.linspace(0.01, 0.995, 200), [chosen]]), 4))
    missed = wilson(int((found < chosen).sum()), len(found))
    rate, low, high = poisson(int((accepted >= chosen).sum()), hours)
    return {
        "false": [float((len(accepted) - np.searchsorted(accepted, t)) / hours) for t in thresholds[::-1]],
        "missed": [float((found < t).mean()) for t in thresholds[::-1]],
        "at": {
            "false": rate,
            "false_low": low,
            "false_high": high,
            "missed": missed.value,
            "missed_low": missed.low,
            "missed_high": missed.high,
        },
    }


def _near(told: Told, voices: Sequence[str]) -> list[dict[str, Any]]:
    """Return the nearest phrases, and how high two voices that no training heard score with them."""
    score, rng = scorer(told.bundle), np.random.default_rng(told.recipe.seed)
    rows = []
    for text in told.near[:_NEAREST] if voices else ():
        heard = []
        for voice in voices[:2]:
            samples = in_condition(synthesise(text, Style(voice)), "clean", rng, None)
            heard.append(score(samples) if samples is not None else 0.0)
        rows.append({"text": text, "score": round(max(heard), 3), "accepted": max(heard) >= told.threshold.threshold})
    return rows


def _peaks(told: Told) -> list[tuple[float, str, int]]:
    """Return score, stream and look of the highest scores of the judging speech, each apart from higher ones."""
    width = event_looks(told.recipe)
    apart = round(_APART_S / (told.recipe.step_frames * _FRAME_S))
    found: list[tuple[float, str, int]] = []
    for name, looks in told.looks.items():
        for first in range(0, len(looks), width):
            at = first + int(np.argmax(looks[first : first + width]))
            found.append((float(looks[at]), name, at))
    found.sort(key=lambda peak: -peak[0])
    kept: list[tuple[float, str, int]] = []
    for peak in found:
        if len(kept) == _WORST:
            break
        if all(name != peak[1] or abs(at - peak[2]) > apart for _, name, at in kept):
            kept.append(peak)
    return kept


def _worst(told: Told) -> list[dict[str, Any]]:
    """Return the worst of what was, or nearly was, taken for the phrase."""
    rows = []
    for score, name, look in _peaks(told):
        store, clips = told.judging[name]
        starts = np.cumsum([0, *(clip.n_frames for clip in clips)])
        frame = min((look + 1) * told.recipe.step_frames, int(starts[-1])) - 1
        i = int(np.searchsorted(starts, frame, side="right")) - 1
        at = (frame - int(starts[i])) * _FRAME_S
        samples, text = told.excerpts(name, store, clips[i], at - _BEFORE_S, at + _AFTER_S)
        rows.append(
            {
                "score": round(score, 3),
                "accepted": score >= told.threshold.threshold,
                "stream": name,
                "clip": clips[i].name,
                "at": round(at, 2),
                "text": text,
                "audio": data_uri(samples) if samples is not None and len(samples) else "",
            }
        )
    return rows


def _timeline(told: Told, sets: Sequence[Trials]) -> dict[str, Any] | None:
    """Return the scores over some minutes of judging speech around its worst place, with the phrase put in."""
    peaks = _peaks(told)
    spread = sets[0].clips if sets else ()
    clips = [spread[int(i)] for i in np.unique(np.linspace(0, len(spread) - 1, _PUT_IN).astype(int))] if spread else []
    if not peaks or not clips:
        return None
    _, name, look = peaks[0]
    stream = Joined(*told.judging[name])
    length = min(len(stream), round(_MINUTES * 60 / _FRAME_S)) // told.recipe.step_frames * told.recipe.step_frames
    end = min(len(stream), max(length, (look + 1) * told.recipe.step_frames + length // 2))
    frames, said = stream.ending(end, length).copy(), []
    for i, samples in enumerate(clips):
        spoken = audio_bytes(samples)
        first = (2 * i + 1) * length // (2 * len(clips))
        spoken = spoken[: max(0, length - first)]
        frames[first : first + len(spoken)] = spoken
        said.append((first * _FRAME_S, (first + len(spoken)) * _FRAME_S))
    seconds = told.recipe.step_frames * _FRAME_S
    return {"looks": told.looks_at(frames), "seconds": seconds, "said": said, "stream": name}
