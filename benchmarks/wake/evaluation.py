"""One engine on one word: misses by condition at a rate of false accepts, delay, groups.

evaluate_bundle("computer", Path("data/wake/computer"), speech_stream(speech_clips(data)), data=data)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.wake.ours import our_track
from benchmarks.wake.scoring import AtRate, Curve, Track, curve, delays_ms, first_hits, missed_by_group
from benchmarks.wake.streams import FACTS, Stream, Take, takes, word_streams
from kws_training.evaluate import Share, poisson, wilson
from voice.models.bundle import WakeDecision, load_bundle

RATE_AN_HOUR = 0.1
"""False accepts: one in ten hours."""

Listener = Callable[[Stream], Track]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition's figures of one engine and word."""

    name: str
    curve: Curve
    at_rate: AtRate
    hits: npt.NDArray[np.float64]
    """Samples of the hits at the level of `at_rate`, NaN for a miss."""
    stream: Stream
    shipped: Share | None = None
    """Misses at the threshold that the engine comes with."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one engine and word."""

    engine: str
    word: str
    conditions: tuple[Condition, ...]
    hours: float
    shipped_level: float | None = None
    shipped_false: int | None = None
    false_accepts: tuple[str, ...] = ()
    """The clips that wake it most easily, worst first."""

    def delays(self) -> tuple[float, float]:
        """Return median and 95th percentile of the delay after the end of the clean words, ms."""
        late = delays_ms(self.conditions[0].hits, self.conditions[0].stream.spans)
        return (float(np.median(late)), float(np.percentile(late, 95))) if len(late) else (np.nan, np.nan)

    def groups(self) -> dict[str, dict[str, Share]]:
        """Return the clean misses by each fact that is known of the recordings."""
        first = self.conditions[0]
        found = {fact: missed_by_group(first.hits, first.stream.spans, fact) for fact in FACTS}
        return {fact: shares for fact, shares in found.items() if len(shares) > 1}

    def missed_names(self, condition: int = 0) -> list[str]:
        """Return the recordings that are missed."""
        chosen = self.conditions[condition]
        return [s.name for s, hit in zip(chosen.stream.spans, chosen.hits, strict=True) if np.isnan(hit)]


def measure(
    engine: str,
    word: str,
    listener: Listener,
    words: Sequence[Stream],
    speech: Stream,
    *,
    an_hour: float = RATE_AN_HOUR,
    shipped: float | None = None,
) -> Figures:
    """Return the figures of one engine.

    Args:
        engine: its name.
        word: its word.
        listener: gives the track of a stream.
        words: streams with the word, the clean one first.
        speech: running speech without it.
        an_hour: rate of false accepts to compare at.
        shipped: the threshold or setting that it comes with.
    """
    heard = listener(speech).without(speech.uncounted)
    conditions = []
    for stream in words:
        track = listener(stream)
        whole = curve(track, stream.spans, heard)
        point = whole.at_rate(an_hour)
        as_shipped = None
        if shipped is not None:
            missed = np.isnan(first_hits(track.events(shipped), stream.spans))
            as_shipped = wilson(int(missed.sum()), len(missed))
        hits = first_hits(track.events(point.level), stream.spans)
        conditions.append(Condition(stream.name, whole, point, hits, stream, as_shipped))
    n_false = None if shipped is None else len(heard.events(shipped))
    return Figures(engine, word, tuple(conditions), heard.hours, shipped, n_false, _worst(heard, speech))


def _worst(heard: Track, speech: Stream, most: int = 10) -> tuple[str, ...]:
    """Return where in running speech an engine wakes first when its level is lowered."""
    found: list[int] = []
    lines = []
    for index in np.argsort(heard.score)[::-1][: 100 * most]:
        at = int(heard.at[index])
        if all(abs(at - other) > 24000 for other in found):
            found.append(at)
            lines.append(f"{heard.score[index]:.3f}  {speech.part(at)}")
        if len(lines) == most:
            break
    return tuple(lines)


def evaluate_bundle(
    bundle: str | Path,
    recordings: Path | Sequence[Take],
    negatives: Stream,
    *,
    data: Path | None = None,
    voices: Sequence[Path] = (),
    an_hour: float = RATE_AN_HOUR,
    split: str | None = "test",
    threshold: float | None = None,
    cache: Path | None = None,
) -> Figures:
    """Return the figures of a wake-word bundle; print them with `table`.

    Args:
        bundle: its name or folder.
        recordings: folder of its word, or takes.
        negatives: running speech, from `speech_stream`.
        data: the unpacked data pack, for its noise.
        voices: running speech to make the talk of six from.
        an_hour: rate of false accepts to compare at.
        split: of the recordings of a folder; None takes all.
        threshold: instead of the bundle's, for the misses "as shipped".
        cache: folder of scores; None is the usual one.
    """
    loaded = load_bundle(bundle, kind="wake")
    decision = loaded.manifest.decision
    said = takes(recordings, split) if isinstance(recordings, Path) else recordings
    return measure(
        "earshot",
        loaded.manifest.id,
        lambda stream: our_track(loaded, stream, cache),
        word_streams(said, data, voices),
        negatives,
        an_hour=an_hour,
        shipped=threshold or (decision.threshold if isinstance(decision, WakeDecision) else None),
    )


def table(figures: Figures) -> str:
    """Return the figures of one engine as lines to read."""
    n = figures.conditions[0].at_rate.n
    lines = [f"{figures.engine}, {figures.word}: {n} recordings, {figures.hours:.2f} h of running speech"]
    if figures.shipped_level is not None and figures.shipped_false is not None:
        rate = "{:.2f} [{:.2f}, {:.2f}]".format(*poisson(figures.shipped_false, figures.hours))
        lines.append(f"  as it is shipped ({figures.shipped_level:g}): {rate} false accepts an hour")
    for one in figures.conditions:
        point = one.at_rate
        rate = "{:.2f} [{:.2f}, {:.2f}]".format(*point.rate)
        shipped = f"; as shipped {one.shipped}" if one.shipped else ""
        lines.append(
            f"  missed, {one.name}: {point.share or 'not so strict'} at {rate}/h, level {point.level:.3f}{shipped}"
        )
    lines.append("  after the end of the word: p50 {:.0f} ms, p95 {:.0f} ms".format(*figures.delays()))
    for fact, shares in figures.groups().items():
        lines += [f"  missed, {fact} {value}: {share}" for value, share in shares.items()]
    lines += [f"  missed, clean: {', '.join(figures.missed_names()) or 'none'}"]
    lines += [f"  easiest false accept: {line}" for line in figures.false_accepts]
    return "\n".join(lines)
