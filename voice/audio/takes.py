"""Takes of a phrase: is each good enough to learn from, and do they say the same thing?

One take is judged by its levels: what stands well above its own floor speaks. Whether takes agree is judged by dynamic
time warping of their mel cepstra (Sakoe and Chiba 1978, "Dynamic programming algorithm optimization for spoken word
recognition": symmetric steps, no slope constraint), or of any other features that the caller has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.features import Features, FeatureSettings, features
from voice.events import RATE, Samples

_HOP = 160  # samples in a frame of level: 10 ms
_FLOOR_DB = -90.0  # below 16-bit audio's least
_JOINED = 25  # frames; a pause this short is inside the phrase
_SOFT_DB = 25.0  # below the loudest; softer sounds are no speech, though a file's floor lies deeper
_FULL = 0.985  # of full scale; lossy codecs round a clipped wave off
_EDGE = 3  # frames
_CEPSTRA = FeatureSettings(kind="mfcc", f_min=100.0, f_max=3800.0)
_MOST_FRAMES = 100  # of a description: 2 s
_OFFSETS = 12  # each take is compared with twice as many others at most
_AT_ONCE = 256  # pairs warped together
_SCORE_WEIGHT = 0.1  # of a nat a letter that a take is said worse than the others, against the logarithm of distances


class TakeSettings(BaseModel):
    """What a take must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quietest_dbfs: float = Field(-60.0, description="level of the loudest 50 ms below which a take is silent")
    least_snr_db: float = Field(6.0, description="speech over the take's own floor, dB")
    most_clipped: float = Field(5e-4, ge=0, description="share of samples at full scale")
    edge_db: float = Field(12.0, gt=0, description="what is this near to the loudest at an edge is cut there")
    shortest_s: float = Field(0.2, gt=0, description="speech, s")
    longest_s: float = Field(4.0, gt=0, description="speech, s")
    disagreement: float = Field(1.8, gt=1, description="distance to the other takes, times what is usual among them")
    agreement: float = Field(0.25, ge=0, description="distance that takes of one phrase may always have")

    @classmethod
    def for_phrase(cls, phrase: str, quietest_dbfs: float = -60.0) -> "TakeSettings":
        """Return settings with the lengths that a phrase of so many letters can have."""
        n_letters = sum(map(str.isalpha, phrase))
        shortest, longest = max(0.15, 0.03 * n_letters), max(1.2, 0.8 + 0.15 * n_letters)
        return cls(quietest_dbfs=quietest_dbfs, shortest_s=shortest, longest_s=longest)


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """What a take is."""

    seconds: float
    level_dbfs: float
    """Of the loudest 50 ms."""
    floor_dbfs: float
    """10th percentile, exact zeros aside."""
    snr_db: float
    """Mean level of the speech over the floor."""
    clipped: float
    """Share of samples at full scale, or in a flat top below it."""
    start: int
    """First sample of the speech."""
    end: int
    """First sample after it."""
    start_dbfs: float
    """Level of the first 30 ms."""
    end_dbfs: float
    """Level of the last 30 ms."""

    @property
    def speech_s(self) -> float:
        """Length of the speech, s."""
        return (self.end - self.start) / RATE


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a take is no good."""

    code: str
    """`silent`, `clipped`, `cut`, `short`, `long`, `noisy` or `odd`."""
    what: str
    """What is wrong, with its figure."""
    fix: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.what}: {self.fix}"


def measure(samples: Samples) -> TakeFacts:
    """Return the facts of a take, mono at 16 kHz; the speech is the loudest stretch with its short pauses."""
    n_frames = len(samples) // _HOP
    if n_frames == 0:
        return TakeFacts(len(samples) / RATE, _FLOOR_DB, _FLOOR_DB, 0.0, 0.0, 0, 0, _FLOOR_DB, _FLOOR_DB)
    frames = np.asarray(samples[: n_frames * _HOP], np.float64).reshape(n_frames, _HOP)
    power = np.maximum(np.mean(frames**2, axis=1), 10 ** (_FLOOR_DB / 10))
    smooth = 10 * np.log10(np.convolve(np.pad(power, 2, mode="edge"), np.full(5, 0.2), "valid"))
    live = smooth[smooth > _FLOOR_DB + 1]  # a file may be filled up with zeros
    floor, peak = float(np.quantile(live, 0.1)) if len(live) else _FLOOR_DB, float(smooth.max())
    first, last = _speech(smooth, max(floor + 0.4 * (peak - floor), peak - _SOFT_DB))
    speech = np.sort(10 * np.log10(power[first:last]))[(last - first) // 4 :]
    return TakeFacts(
        seconds=len(samples) / RATE,
        level_dbfs=peak,
        floor_dbfs=floor,
        snr_db=float(speech.mean()) - floor,
        clipped=_clipped(samples),
        start=first * _HOP,
        end=last * _HOP,
        start_dbfs=10 * float(np.log10(power[:_EDGE].mean())),
        end_dbfs=10 * float(np.log10(power[-_EDGE:].mean())),
    )


def _speech(level: npt.NDArray[np.float64], least: float) -> tuple[int, int]:
    """Return the frames from the first to behind the last that speak around the loudest one."""
    speaking = np.flatnonzero(level >= least)
    first = last = int(np.searchsorted(speaking, int(level.argmax())))
    while first > 0 and speaking[first] - speaking[first - 1] <= _JOINED:
        first -= 1
    while last + 1 < len(speaking) and speaking[last + 1] - speaking[last] <= _JOINED:
        last += 1
    return int(speaking[first]), int(speaking[last]) + 1


def _clipped(samples: Samples) -> float:
    size = np.abs(samples)
    peak = float(size.max(initial=0.0))
    at_top = (size == peak) & (peak > 0.05)
    flat = at_top[:-3] & at_top[1:-2] & at_top[2:-1] & at_top[3:]
    return float(max(np.mean(size >= _FULL), np.mean(flat) if len(flat) else 0.0))


def find_fault(facts: TakeFacts, settings: TakeSettings) -> Fault | None:
    """Return what is wrong with a take, the worst first; None where nothing is."""
    if facts.level_dbfs < settings.quietest_dbfs or facts.level_dbfs - facts.floor_dbfs < 3:
        return Fault(
            "silent", f"nothing is said ({facts.level_dbfs:.0f} dBFS at most)", "speak up, check the microphone"
        )
    if facts.clipped > settings.most_clipped:
        share = f"{100 * facts.clipped:.2g} % of the samples are at full scale"
        return Fault("clipped", f"it is clipped ({share})", "turn the microphone down, or step back")
    if edge := _cut(facts, settings):
        return Fault("cut", f"it is cut off at its {edge}", "leave half a second of quiet around the phrase")
    if facts.snr_db < settings.least_snr_db:
        over = f"the speech is only {facts.snr_db:.0f} dB above the rest"
        return Fault("noisy", f"it is too noisy ({over})", "record in a quieter place, or nearer to the microphone")
    if facts.speech_s < settings.shortest_s:
        return Fault("short", f"it is too short ({facts.speech_s:.2f} s of speech)", "say the whole phrase")
    if facts.speech_s > settings.longest_s:
        return Fault(
            "long", f"it is too long ({facts.speech_s:.1f} s of speech)", "say the phrase once, and nothing else"
        )
    return None


def _cut(facts: TakeFacts, settings: TakeSettings) -> str:
    """Return the edge at which sound breaks off; where noise stands near the speech nothing can be told."""
    least = max(facts.level_dbfs - settings.edge_db, (facts.level_dbfs + facts.floor_dbfs) / 2 + 3)
    ends = [name for name, level in (("start", facts.start_dbfs), ("end", facts.end_dbfs)) if level > least]
    return " and ".join(ends)


def cepstra(samples: Samples) -> Features:
    """Return what `disagreements` compares by default: 12 mel cepstra of the speech and their slopes, every 20 ms.

    Returns:
        Shape (frames, 24), the mean of each coefficient taken off.
    """
    facts = measure(samples)
    margin = 3 * _HOP
    speech = samples[max(0, facts.start - margin) : facts.end + margin + _CEPSTRA.window]
    rows = features(np.pad(speech, (0, max(0, _CEPSTRA.window + _HOP - len(speech)))), _CEPSTRA)
    rows = rows[: len(rows) // 2 * 2].reshape(-1, 2, rows.shape[1]).mean(axis=1)[:_MOST_FRAMES, 1:]
    rows = rows - rows.mean(axis=0)
    around = np.pad(rows, ((2, 2), (0, 0)), mode="edge")
    slopes = (around[3:-1] - around[1:-3] + around[4:] - around[:-4]) / 3
    return np.concatenate([rows, slopes], axis=1).astype(np.float32)


def disagreements(
    described: Sequence[Features], agreement: float, scores: Sequence[float] | None = None
) -> npt.NDArray[np.float64]:
    """Return how far each take is from the others, over what is usual among them: 1 is usual, 2 is twice as far.

    A take's distance is the lower median of those to the others, so two of three takes that agree are enough to tell
    the third apart. Fewer than three tell nothing: all are 1.

    Args:
        described: of each take its features, shape (frames, dimensions), at least one frame.
        agreement: what is usual at least, so that copies of a take don't make all others odd.
        scores: how well each says the phrase, nats a letter: a take that says it worse than the median counts as
            farther, by a factor e for ten nats.
    """
    n = len(described)
    if n < 3:
        return np.ones(n)
    offsets = range(1, n // 2 + 1) if n <= 2 * _OFFSETS else np.linspace(1, n // 2, _OFFSETS).round().astype(int)
    pairs = sorted({(min(i, j), max(i, j)) for i in range(n) for j in ((i + int(o)) % n for o in offsets)})
    others: list[list[float]] = [[] for _ in range(n)]
    for (i, j), distance in zip(pairs, warped(described, pairs), strict=True):
        others[i].append(float(distance))
        others[j].append(float(distance))
    lower = np.array([sorted(distances)[(len(distances) - 1) // 2] for distances in others])
    ratios = lower / max(float(np.median(lower)), agreement, 1e-9)
    if scores is not None:
        usual = sorted(scores)[n // 2]
        ratios *= np.exp(_SCORE_WEIGHT * (usual - np.asarray(scores, np.float64)))
    return np.asarray(ratios)


def warped(described: Sequence[Features], pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """Return the mean cosine distance of each pair of takes along their best alignment, shape (pairs,)."""
    rows = [take / (np.linalg.norm(take, axis=1, keepdims=True) + 1e-6) for take in described]
    batches = [pairs[at : at + _AT_ONCE] for at in range(0, len(pairs), _AT_ONCE)]
    return np.concatenate([np.zeros(0, np.float32), *(_warped(rows, batch) for batch in batches)])


def _warped(rows: Sequence[Features], pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """Warp some pairs, along the anti-diagonals of their cost matrices."""
    lengths = np.array([[len(rows[i]), len(rows[j])] for i, j in pairs])
    longest, other = lengths.max(axis=0)
    cost = np.full((len(pairs), longest, other), np.inf, np.float32)
    for k, (one, two) in enumerate(pairs):
        cost[k, : len(rows[one]), : len(rows[two])] = 1 - rows[one] @ rows[two].T
    best = np.full((len(pairs), longest + 1, other + 1), np.inf, np.float32)
    best[:, 0, 0] = 0
    for total in range(longest + other - 1):
        i = np.arange(max(0, total - other + 1), min(total, longest - 1) + 1)
        j = total - i
        here = cost[:, i, j]
        beside = np.minimum(best[:, i, j + 1], best[:, i + 1, j]) + here
        best[:, i + 1, j + 1] = np.minimum(beside, best[:, i, j] + 2 * here)
    ends = best[np.arange(len(pairs)), lengths[:, 0], lengths[:, 1]]
    return np.asarray(ends / lengths.sum(axis=1), np.float32)


def check_takes(
    takes: Sequence[Samples],
    settings: TakeSettings,
    describe: Callable[[Samples], Features] = cepstra,
    score: Callable[[Samples], float] | None = None,
) -> list[Fault | None]:
    """Return for each take what is wrong with it, or None.

    Only takes that are good by themselves are compared with each other.

    Args:
        takes: mono at 16 kHz.
        settings: what a take must be.
        describe: features by which takes are compared.
        score: how well a take says the phrase (`SpokenPhrase.score`): needed where several people speak, whose takes
            differ by more than their words.
    """
    faults = [find_fault(measure(take), settings) for take in takes]
    good = [i for i, fault in enumerate(faults) if fault is None]
    described, scores = [describe(takes[i]) for i in good], [score(takes[i]) for i in good] if score else None
    for i, ratio in zip(good, disagreements(described, settings.agreement, scores), strict=True):
        if ratio > settings.disagreement:
            faults[i] = odd(ratio)
    return faults


def odd(ratio: float) -> Fault:
    """Return the fault of a take that is `ratio` times as far from the others as usual."""
    what = f"it doesn't sound like the other takes ({ratio:.1f} times as far from them as usual)"
    return Fault("odd", what, "say the same phrase in each, or leave it out")
