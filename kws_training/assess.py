"""Measure an exported command bundle from audio, through the runtime that users run: `kws-train evaluate BUNDLE`."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kws_training.curves import area, class_figures, confusion, reliability, roc
from kws_training.evaluate import (
    Labels,
    Logits,
    Share,
    balanced,
    calibration_error,
    fit_temperature,
    speaker_interval,
    wilson,
)
from kws_training.noise_sweep import N_TALKERS, SNRS_DB, Noise, SnrOver, babble, mix, pink
from kws_training.open_set import command_scores, rejection
from kws_training.report import say
from kws_training.test_sets import SILENCE_FOLDERS, TestClip, TestSet, recordings
from voice.errors import AudioError, BundleError, ConfigError, DataError
from voice.events import RATE, Samples, Segment
from voice.models.backend import Network, softmax
from voice.models.bundle import Bundle, CommandsDecision
from voice.models.commands import CommandsCnn

Figures = dict[str, Any]
"""A part of the report, as it goes into JSON."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Clips that could be read, in the order of the set, and the probabilities that the bundle gave."""

    clips: list[TestClip]
    labels: Labels
    chances: Logits
    unreadable: list[str]
    """What is wrong with each clip that was skipped."""

    def groups(self, chosen: Sequence[int] | Labels) -> list[str]:
        """Return what goes together in an interval over speakers, for some of the clips."""
        return [self.clips[i].group for i in chosen]


class Subject:
    """A bundle under test.

    Args:
        bundle: of kind commands.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.classifier = CommandsCnn(bundle)
        self.names: tuple[str, ...] = self.classifier.labels
        decision = bundle.manifest.decision
        if not isinstance(decision, CommandsDecision):
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.kind} bundle", fix="give a commands bundle")
        self.decision = decision
        self.special = [i for i, name in enumerate(self.names) if name in (decision.silence, decision.unknown)]
        self.commands = [i for i in range(len(self.names)) if i not in self.special]

    def label(self, word: str) -> int:
        """Return the index of the label that a folder's clips should get.

        Raises:
            DataError: it is none of the bundle's labels, and the bundle has none for unknown words or for silence.
        """
        wanted = word
        if word not in self.names:
            wanted = self.decision.silence if word in SILENCE_FOLDERS else self.decision.unknown
        if wanted not in self.names:
            raise DataError(f"the bundle has no label for {word}", fix="leave that folder out")
        return self.names.index(wanted)

    def chances(self, samples: Samples) -> Logits:
        """Return calibrated probabilities, shape (labels,), as `voice classify` computes them."""
        whole = (0, len(samples)) if len(samples) <= RATE else (None, None)
        answer = self.classifier.classify(Segment(samples, 0, speech_start=whole[0], speech_end=whole[1]))
        return np.array([answer.scores[name] for name in self.names], np.float32)

    def chances_of(self, clip: TestClip) -> Logits:
        """Return the probabilities for a clip: from its audio, or from its features where it has no audio."""
        if clip.frames is None:
            return self.chances(clip.samples())
        missing = self.decision.window_frames - len(clip.frames)
        floor = np.log(self.bundle.manifest.features.offset)
        padded = np.pad(clip.frames, ((0, max(0, missing)), (0, 0)), constant_values=floor)
        logits = self._network.run(padded[None, : self.decision.window_frames])[0][0]
        return softmax(logits / self.decision.temperature)

    @cached_property
    def _network(self) -> Network:
        return Network(self.bundle.model_path)

    def measure(self, clips: Iterable[TestClip]) -> Measured:
        """Classify every clip; one that can't be read is left out and noted."""
        kept, rows, unreadable = [], [], []
        for clip in clips:
            try:
                rows.append(self.chances_of(clip))
            except AudioError as error:
                unreadable.append(str(error))
                continue
            kept.append(clip)
        if not kept:
            raise DataError(f"no clip could be read ({len(unreadable)} tried)", fix="name a folder of recordings")
        labels = np.array([self.label(clip.word) for clip in kept], np.int64)
        return Measured(kept, labels, np.stack(rows), unreadable)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure beside accuracy."""

    unseen: tuple[str, ...] = ()
    """Words that no training heard."""
    snrs_db: tuple[float, ...] = SNRS_DB
    """Empty: no noise."""
    snr_over: SnrOver = "speech"
    recall: float = 0.95
    """Of the commands, for the open set."""
    seed: int = 0


def assess(
    subject: Subject,
    data: TestSet,
    plan: Plan,
    against: Subject | None = None,
    unseen_elsewhere: Sequence[TestClip] = (),
) -> Figures:
    """Return every figure of a bundle on a test set, see the README of `kws_training`.

    Args:
        subject: what is measured.
        data: on what.
        plan: what to measure.
        against: another bundle, such as the same network with int8 weights.
        unseen_elsewhere: clips of unseen words of speakers outside the set.

    Raises:
        DataError: no clip can be read, or the bundle has other features than a prepared set.
    """
    if data.features not in (None, subject.bundle.manifest.features):
        raise DataError(
            f"{subject.bundle.folder} has other features than {data.name}", fix="measure on audio, with --data"
        )
    found = subject.measure(data.clips)
    kept = balanced(found.labels, subject.special, plan.seed)
    say(f"{len(found.clips)} clips, {len(found.unreadable)} unreadable")
    return {
        "bundle": about(subject),
        "data": _data(data, found),
        "accuracy": {
            "balanced": accuracy(found, kept),
            "all": accuracy(found, np.arange(len(found.labels))),
            "commands": accuracy(found, np.flatnonzero(np.isin(found.labels, subject.commands))),
        },
        "speakers": by_speaker(found),
        "confusion": confusion(found.labels, found.chances.argmax(axis=1), len(subject.names)).tolist(),
        "classes": _classes(subject, found),
        "roc": [asdict(roc(found.chances[:, i], found.labels == i, name)) for i, name in enumerate(subject.names)],
        "calibration": calibration(subject, found, kept),
        "at_threshold": at_threshold(subject, found),
        "open_set": open_set(subject, found, plan),
        "open_set_more_speakers": open_set(subject, found, plan, unseen_elsewhere) if unseen_elsewhere else None,
        "noise": sweep(subject, found, kept, data, plan) if plan.snrs_db and not data.features else None,
        "against": compare(found, kept, against, seed=plan.seed) if against else None,
    }


def about(subject: Subject) -> Figures:
    """Return what is to be known of a bundle."""
    manifest = subject.bundle.manifest
    return {
        "id": manifest.id,
        "version": manifest.version,
        "folder": str(subject.bundle.folder),
        "labels": list(subject.names),
        "parameters": manifest.training.parameters,
        "bytes": manifest.model.bytes,
        "temperature": subject.decision.temperature,
        "threshold": subject.decision.threshold,
    }


def accuracy(found: Measured, chosen: Labels) -> Figures:
    """Return accuracy on some of the clips, with intervals over clips (Wilson) and over speakers (bootstrap)."""
    right = found.chances[chosen].argmax(axis=1) == found.labels[chosen]
    figures = asdict(wilson(int(right.sum()), len(right)))
    n_speakers = len({found.clips[i].speaker for i in chosen} - {None})
    if n_speakers > 1:
        low, high = speaker_interval(right, found.groups(chosen))
        figures |= {"speakers": n_speakers, "speakers_low": low, "speakers_high": high}
    return figures


def by_speaker(found: Measured, n_least: int = 10) -> Figures | None:
    """Return how accuracy differs between speakers of at least `n_least` clips; None where fewer than ten are known."""
    right = found.chances.argmax(axis=1) == found.labels
    speakers = [clip.speaker for clip in found.clips]
    places = {name: [i for i, s in enumerate(speakers) if s == name] for name in sorted({s for s in speakers if s})}
    shares = [float(right[at].mean()) for at in places.values() if len(at) >= n_least]
    if len(shares) < 10:
        return None
    lowest, tenth, median = (float(np.quantile(shares, q)) for q in (0.0, 0.1, 0.5))
    return {"speakers": len(shares), "clips_at_least": n_least, "worst": lowest, "tenth": tenth, "median": median}


def calibration(subject: Subject, found: Measured, kept: Labels) -> Figures:
    """Return how well probabilities agree with shares, and the temperature that would fit these clips best."""
    chances, labels = found.chances[kept], found.labels[kept]
    best = fit_temperature(np.log(chances + 1e-12), labels) * subject.decision.temperature
    return {
        "temperature": subject.decision.temperature,
        "expected_calibration_error": calibration_error(chances, labels),
        "best_temperature_here": best,
        "bins": [asdict(b) for b in reliability(chances, labels)],
    }


def at_threshold(subject: Subject, found: Measured) -> Figures:
    """Return what happens at the bundle's threshold, the rule of the live loop."""
    answers, best = found.chances.argmax(axis=1), found.chances.max(axis=1)
    passed = np.isin(answers, subject.commands) & (best >= subject.classifier.threshold)
    is_command, right = np.isin(found.labels, subject.commands), answers == found.labels
    unknown = [subject.names.index(subject.decision.unknown)] if subject.decision.unknown in subject.names else []
    other = np.isin(found.labels, unknown)
    silent = ~is_command & ~other
    return {
        "threshold": subject.classifier.threshold,
        "commands_heard": asdict(_share(passed & right, is_command)),
        "commands_taken_for_another": asdict(_share(passed & ~right, is_command)),
        "other_words_taken_for_a_command": asdict(_share(passed, other)),
        "silence_taken_for_a_command": asdict(_share(passed, silent)),
    }


def open_set(subject: Subject, found: Measured, plan: Plan, elsewhere: Sequence[TestClip] = ()) -> Figures | None:
    """Return the rejection of unseen words; None where there is no clip of one.

    Args:
        subject: what is measured.
        found: the set's clips; its commands fix the threshold.
        plan: the unseen words.
        elsewhere: clips of unseen words beside the set's own.

    Raises:
        ConfigError: an unseen word is a command of the bundle.
    """
    known = sorted(set(plan.unseen) & set(subject.names))
    if known:
        raise ConfigError(f"{', '.join(known)}: a command can't be an unseen word", fix="correct --unseen")
    commands = np.flatnonzero(np.isin(found.labels, subject.commands))
    chosen = [i for i, clip in enumerate(found.clips) if clip.word in plan.unseen]
    clips, chances = [found.clips[i] for i in chosen], found.chances[chosen]
    if elsewhere:
        more = subject.measure(elsewhere)
        clips, chances = clips + more.clips, np.concatenate([chances, more.chances])
    if not clips or not len(commands):
        return None
    heard = command_scores(found.chances[commands], found.labels[commands], subject.commands)
    scores = chances[:, subject.commands].max(axis=1).astype(np.float64)
    speakers, unseen_speakers = found.groups(commands), [clip.group for clip in clips]
    result = rejection(heard, scores, speakers, unseen_speakers, plan.recall)
    any_command = found.chances[commands][:, subject.commands].max(axis=1).astype(np.float64)
    kinder = asdict(rejection(any_command, scores, speakers, unseen_speakers, plan.recall))
    own = np.concatenate([np.ones(len(commands), bool), np.zeros(len(clips), bool)])
    words = [clip.word for clip in clips]
    return {
        "words": {word: words.count(word) for word in plan.unseen},
        "wanted_recall": plan.recall,
        "auc": area(np.concatenate([np.maximum(heard, 0), scores]).astype(np.float32), own),
        **asdict(result),
        "as_any_command": {key: value for key, value in kinder.items() if not key.startswith("curve")},
    }


def noises(data: TestSet, found: Measured) -> dict[str, Noise]:
    """Return the kinds of noise: pink, and babble of the set's speech, or of its own words where it has none."""
    spoken = data.speech or [
        clip.path for clip in found.clips if clip.start is None and clip.word not in SILENCE_FOLDERS
    ]
    return {"pink": pink, "babble": babble(list(recordings(spoken)))}


def sweep(subject: Subject, found: Measured, kept: Labels, data: TestSet, plan: Plan) -> Figures:
    """Return accuracy on the balanced clips with noise under them, and how many points that costs."""
    clean = found.chances[kept].argmax(axis=1) == found.labels[kept]
    clips = [found.clips[i].samples() for i in kept]
    rows = []
    for name, noise in noises(data, found).items():
        for snr_db in plan.snrs_db:
            rng = np.random.default_rng(plan.seed)
            chances = np.stack([subject.chances(mix(s, noise(rng, len(s)), snr_db, plan.snr_over)) for s in clips])
            noisy = replace(found, chances=chances, labels=found.labels[kept], clips=[found.clips[i] for i in kept])
            lost = clean.astype(int) - (chances.argmax(axis=1) == noisy.labels)
            low, high = speaker_interval(lost, found.groups(kept))
            rows.append(
                {
                    "noise": name,
                    "snr_db": snr_db,
                    **accuracy(noisy, np.arange(len(kept))),
                    "points_lost": 100 * float(lost.mean()),
                    "points_lost_low": 100 * low,
                    "points_lost_high": 100 * high,
                }
            )
            say(f"{name}, {snr_db:g} dB: {100 * rows[-1]['value']:.1f} %")
    own = "running speech of the same split" if data.speech else "the set's own words"
    return {
        "snr_over": plan.snr_over,
        "babble": f"{N_TALKERS} talkers of {own}, equally loud",
        "clean": accuracy(found, kept),
        "rows": rows,
    }


def compare(found: Measured, kept: Labels, other: Subject, seed: int = 0) -> Figures:
    """Return another bundle's accuracy on the same clips, and the points that it loses against the first one."""
    theirs = other.measure([found.clips[i] for i in kept])
    right = found.chances[kept].argmax(axis=1) == found.labels[kept]
    lost = right.astype(int) - (theirs.chances.argmax(axis=1) == theirs.labels)
    low, high = speaker_interval(lost, found.groups(kept))
    return {
        "bundle": about(other),
        "accuracy": accuracy(theirs, np.arange(len(kept))),
        "points_lost": 100 * float(lost.mean()),
        "points_lost_low": 100 * low,
        "points_lost_high": 100 * high,
        "answers_that_differ": int((found.chances[kept].argmax(axis=1) != theirs.chances.argmax(axis=1)).sum()),
    }


def _classes(subject: Subject, found: Measured) -> list[Figures]:
    counts = confusion(found.labels, found.chances.argmax(axis=1), len(subject.names))
    return [asdict(figures) for figures in class_figures(counts, subject.names, found.chances, found.labels)]


def _data(data: TestSet, found: Measured) -> Figures:
    words = [clip.word for clip in found.clips]
    return {
        "name": data.name,
        "split": data.split,
        "clips": len(found.clips),
        "speakers": len({clip.speaker for clip in found.clips} - {None}),
        "words": {word: words.count(word) for word in sorted(set(words))},
        "unreadable": found.unreadable,
    }


def _share(hits: Any, chosen: Any) -> Share:
    return wilson(int((hits & chosen).sum()), int(chosen.sum()))
