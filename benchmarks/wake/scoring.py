"""From scores over time to figures: one hit a recording, 1.5 s of refractory time, misses at a rate of false accepts.

A false accept is a detection in running speech; detections between the takes of the word are not counted at all. Misses
at a rate are interpolated between the points of the curve, as the published protocol does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.wake.streams import Span
from kws_training.evaluate import Share, poisson, wilson
from voice.events import RATE

REFRACTORY_S = 1.5
LATE_S = 1.0
"""So long after a recording's end a detection still counts as its hit."""
_MOST_AN_HOUR = 20.0
"""Curves end there."""

At = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Track:
    """What an engine made of a stream.

    Attributes:
        at: samples heard when each score came.
        score: the scores; of an engine that only says yes, the strictest setting at which it does, strict ones higher.
        n_samples: of the stream.
    """

    at: At
    score: Scores
    n_samples: int

    @property
    def hours(self) -> float:
        """Length of the stream."""
        return self.n_samples / RATE / 3600

    def without(self, spans: Sequence[tuple[int, int]]) -> "Track":
        """Return the track less the scores between samples, and up to a second after."""
        left = np.ones(len(self.at), bool)
        for start, end in spans:
            left &= (self.at < start) | (self.at > end + LATE_S * RATE)
        return Track(self.at[left], self.score[left], self.n_samples)

    def events(self, level: float) -> At:
        """Return the samples at which it wakes at a threshold or setting."""
        return apart(self.at[self.score >= level], round(REFRACTORY_S * RATE))


def apart(at: At, gap: int) -> At:
    """Return those of rising times that are at least `gap` after the one before that was kept."""
    kept, index = [], 0
    while index < len(at):
        kept.append(at[index])
        index = int(np.searchsorted(at, at[index] + gap))
    return np.asarray(kept, np.int64)


def first_hits(events: At, spans: Sequence[Span], late_s: float = LATE_S) -> npt.NDArray[np.float64]:
    """Return the sample of the first event in each span, up to `late_s` after its end; NaN where it is missed."""
    found = np.full(len(spans), np.nan)
    for number, span in enumerate(spans):
        index = int(np.searchsorted(events, span.start))
        if index < len(events) and events[index] <= span.end + late_s * RATE:
            found[number] = events[index]
    return found


def delays_ms(hits: npt.NDArray[np.float64], spans: Sequence[Span]) -> npt.NDArray[np.float64]:
    """Return how long after the end of the word each hit came, in ms; hits before it are negative."""
    ends = np.array([span.word_end for span in spans], np.float64)
    return ((hits - ends) / RATE * 1000)[~np.isnan(hits)]


@dataclass(frozen=True, slots=True)
class Point:
    """A threshold or setting and what it costs."""

    level: float
    missed: int
    false_accepts: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Misses against false accepts, strict points first."""

    points: tuple[Point, ...]
    n_words: int
    hours: float

    def at_rate(self, an_hour: float) -> "AtRate":
        """Return the misses at a rate of false accepts.

        Where no point has so many, the last one counts and says how few it has at most; where all have more, nothing
        was measured.
        """
        wanted = an_hour * self.hours
        below = [point for point in self.points if point.false_accepts <= wanted]
        above = [point for point in self.points if point.false_accepts > wanted]
        if not below:
            return AtRate(None, 0, self.n_words, self.hours, self.points[0].level, self.points[0].false_accepts)
        last = below[-1]
        missed = float(last.missed)
        if above:
            nearest = min(above, key=lambda point: (point.false_accepts, point.missed))
            share = (wanted - last.false_accepts) / (nearest.false_accepts - last.false_accepts)
            missed += share * (min(nearest.missed, last.missed) - last.missed)
        return AtRate(missed, last.missed, self.n_words, self.hours, last.level, last.false_accepts)


@dataclass(frozen=True, slots=True)
class AtRate:
    """Misses at a rate of false accepts.

    Attributes:
        missed: words, interpolated; None where the engine can't be made so strict.
        missed_below: words missed at `level`, which is a little stricter.
        n: words.
        hours: of running speech.
        level: the loosest threshold or setting with at most that rate.
        false_accepts: at `level`.
    """

    missed: float | None
    missed_below: int
    n: int
    hours: float
    level: float
    false_accepts: int

    @property
    def share(self) -> Share | None:
        """The misses with their Wilson interval."""
        return None if self.missed is None else wilson_of(self.missed, self.n)

    @property
    def rate(self) -> tuple[float, float, float]:
        """False accepts an hour at `level`, with their Poisson interval."""
        return poisson(self.false_accepts, self.hours)


def wilson_of(hits: float, n: int) -> Share:
    """Return `wilson` of a count that may lie between two."""
    low, high = wilson(int(np.floor(hits)), n), wilson(int(np.ceil(hits)), n)
    part = hits - np.floor(hits)
    mixed = [
        (1 - part) * a + part * b for a, b in ((low.value, high.value), (low.low, high.low), (low.high, high.high))
    ]
    return Share(*map(float, mixed), n)


def levels(words: Track, spans: Sequence[Span], speech: Track) -> list[float]:
    """Return the thresholds or settings at which a curve changes, strict first."""
    peaks = sorted((float(words.score[part].max(initial=0.0)) for part in parts_of(words, spans)), reverse=True)
    gap, loudest, order = round(REFRACTORY_S * RATE), [], np.argsort(speech.score)[::-1]
    taken: list[int] = []
    for index in order[: 200 * max(1, round(_MOST_AN_HOUR * speech.hours))]:
        if all(abs(int(speech.at[index]) - other) >= gap for other in taken):
            taken.append(int(speech.at[index]))
            loudest.append(float(speech.score[index]))
        if len(taken) > _MOST_AN_HOUR * speech.hours:
            break
    just_above = [float(np.nextafter(score, np.inf)) for score in loudest if score != 1.0]  # nothing is stricter than 1
    return sorted({*peaks, *loudest, *just_above}, reverse=True)


def parts_of(track: Track, spans: Sequence[Span], late_s: float = LATE_S) -> list[slice]:
    """Return where the scores of each span are."""
    ends = [span.end + round(late_s * RATE) for span in spans]
    first = np.searchsorted(track.at, [span.start for span in spans])
    last = np.searchsorted(track.at, ends, side="right")
    return [slice(int(a), int(b)) for a, b in zip(first, last, strict=True)]


def curve(words: Track, spans: Sequence[Span], speech: Track, at: Sequence[float] | None = None) -> Curve:
    """Return misses of the word against false accepts in speech, up to 20 an hour.

    Args:
        words: an engine's track of a stream with the word.
        spans: of that stream.
        speech: the engine's track of running speech.
        at: levels; None takes those at which the curve changes.
    """
    points = []
    for level in levels(words, spans, speech) if at is None else at:
        n_false = len(speech.events(level))
        if n_false > _MOST_AN_HOUR * speech.hours and points:
            break
        missed = int(np.isnan(first_hits(words.events(level), spans)).sum())
        points.append(Point(level, missed, n_false))
    return Curve(tuple(points), len(spans), speech.hours)


def missed_by_group(hits: npt.NDArray[np.float64], spans: Sequence[Span], fact: str) -> dict[str, Share]:
    """Return the misses of each value of a fact of the recordings; empty where it isn't known."""
    values = sorted({span.facts[fact] for span in spans if fact in span.facts})
    missed = np.isnan(hits)
    chosen: Callable[[str], list[bool]] = lambda value: [span.facts.get(fact) == value for span in spans]  # noqa: E731
    return {value: wilson(int(missed[chosen(value)].sum()), sum(chosen(value))) for value in values}
