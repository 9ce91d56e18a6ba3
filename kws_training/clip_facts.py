"""What can be measured of a clip before training: whether it can be read, how long and loud it is, whether it clips."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha1
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from kws_training.corpora import Recording
from kws_training.tracking import ticks
from voice.events import RATE

_CLIPPED_AT = 0.999
_CLIPPED_SHARE = 0.002
"""Share of the samples at full scale above which a clip counts as clipped: 2 ms of a second."""
_SILENT_DB = -60.0


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip as it was read."""

    seconds: float = 0.0
    rate: int = 0
    rms_db: float = -np.inf
    """Of full scale."""
    clipped_share: float = 0.0
    content: str = ""
    """SHA-1 of the samples as 16-bit integers: equal for equal sound, whatever the file format."""
    error: str = ""
    """Why it can't be used; empty where it can."""

    @property
    def is_clipped(self) -> bool:
        """Whether a part of it is at full scale."""
        return self.clipped_share > _CLIPPED_SHARE

    @property
    def is_silent(self) -> bool:
        """Whether there is next to nothing in it."""
        return not self.error and self.rms_db < _SILENT_DB

    @property
    def has_other_rate(self) -> bool:
        """Whether it isn't at the rate of the features."""
        return not self.error and self.rate != RATE


def clip_facts(path: Path) -> ClipFacts:
    """Return what a clip is like; a clip that can't be read says why."""
    import soundfile  # noqa: PLC0415 - slow to import

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        return ClipFacts(error=f"unreadable: {getattr(error, 'error_string', error)}")
    mono = samples.mean(axis=1)
    if not len(mono):
        return ClipFacts(rate=rate, error="empty")
    if not np.isfinite(mono).all():
        return ClipFacts(rate=rate, error="unreadable: samples that are no numbers")
    power = float(np.mean(np.square(mono, dtype=np.float64)))
    integers = np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2")
    return ClipFacts(
        seconds=len(mono) / rate,
        rate=rate,
        rms_db=10 * float(np.log10(power)) if power else -np.inf,
        clipped_share=float((np.abs(mono) >= _CLIPPED_AT).mean()),
        content=sha1(integers.tobytes(), usedforsecurity=False).hexdigest(),
    )


def workers(n_processes: int) -> Executor:
    """Return what reads clips: this process for one, further processes for more."""
    if n_processes == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(n_processes, get_context("spawn"))


def scan(clips: Sequence[Recording], pool: Executor) -> dict[Path, ClipFacts]:
    """Return what each clip is like."""
    paths = [clip.path for clip in clips]
    found = ticks(pool.map(clip_facts, paths, chunksize=100), "reading", len(paths))
    return dict(zip(paths, found, strict=True))


def unusable(clips: Iterable[Recording], facts: dict[Path, ClipFacts], *, resample: bool) -> dict[str, list[Path]]:
    """Return the clips that can't be used, by reason.

    Args:
        clips: all of them.
        facts: of `scan`.
        resample: whether clips of another rate can be used.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for clip in clips:
        known = facts[clip.path]
        if known.error:
            found[known.error.partition(":")[0]].append(clip.path)
        elif known.has_other_rate and not resample:
            found[f"{known.rate} Hz"].append(clip.path)
    return dict(found)


def same_content(clips: Iterable[Recording], facts: dict[Path, ClipFacts]) -> list[list[Recording]]:
    """Return the clips whose sound another clip has too, in groups; silent clips are all alike and don't count."""
    groups: dict[str, list[Recording]] = defaultdict(list)
    for clip in clips:
        known = facts[clip.path]
        if known.content and not known.is_silent:
            groups[known.content].append(clip)
    return [group for group in groups.values() if len(group) > 1]


def label_clashes(clips: Iterable[Recording], facts: dict[Path, ClipFacts]) -> list[list[Recording]]:
    """Return the groups of clips with the same sound under two labels."""
    return [group for group in same_content(clips, facts) if len({clip.label for clip in group}) > 1]
