"""What the shipped wake words should reach beside other engines, and whether they do."""

from collections.abc import Mapping, Sequence

from benchmarks.wake.evaluation import Condition, Figures
from benchmarks.wake.peers import Cost

CLEAN, NOISE = 0.02, 0.05
"""Misses at one false accept in ten hours of running speech."""
DELAY_MS, CPU, KILOBYTES = 250.0, 0.003, 150.0


def limits(found: Sequence[Figures], costs: Mapping[tuple[str, str], Cost]) -> list[tuple[str, bool]]:
    """Return what is asked of each word of ours, in words with the figure, and whether it is met."""
    lines: list[tuple[str, bool]] = []
    for ours in (figures for figures in found if figures.engine == "earshot"):
        others = [figures for figures in found if figures.word == ours.word and figures.engine != "earshot"]
        lines += [(f"{ours.word}: {text}", met) for text, met in _of_word(ours, others)]
        price = costs.get(("earshot", ours.word))
        if price:
            lines.append((f"{ours.word}: {100 * price.cpu:.2f} % of one core, at most 0.3 %", price.cpu <= CPU))
            size = f"{ours.word}: {price.kilobytes:.0f} kB, at most {KILOBYTES:.0f} kB"
            lines.append((size, price.kilobytes <= KILOBYTES))
    return lines


def _of_word(ours: Figures, others: Sequence[Figures]) -> list[tuple[str, bool]]:
    lines = []
    for one in ours.conditions:
        most = {"clean": CLEAN, "noise, 10 dB": NOISE, "pink noise, 10 dB": NOISE}.get(one.name)
        missed = share(one)
        if most is not None:
            lines.append((f"{one.name}: {100 * missed:.1f} % missed, at most {100 * most:.0f} %", missed <= most))
        if one.name == "noise, 10 dB":
            for other in others:
                theirs = next(share(c) for c in other.conditions if c.name == one.name)
                text = f"{one.name}: {100 * missed:.1f} % missed, {other.engine} {100 * theirs:.1f} %"
                lines.append((text, missed < theirs))
    late = ours.delays()[1]
    lines.append((f"p95 {late:.0f} ms after the end of the word, at most {DELAY_MS:.0f} ms", late <= DELAY_MS))
    return lines


def share(condition: Condition) -> float:
    """Return the share missed; all of them where the engine can't be made strict enough."""
    point = condition.at_rate
    return 1.0 if point.missed is None else point.missed / point.n
