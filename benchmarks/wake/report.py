"""Tables of what was measured, in Markdown for docs/performance.md."""

from collections.abc import Mapping, Sequence

from benchmarks.wake.evaluation import RATE_AN_HOUR, Figures
from benchmarks.wake.peers import Cost
from benchmarks.wake.scoring import AtRate
from kws_training.evaluate import Share, poisson

Costs = Mapping[tuple[str, str], Cost]
"""By engine and word."""


def strict_table(found: Sequence[Figures], costs: Costs, an_hour: float = RATE_AN_HOUR) -> str:
    """Return misses at the same rate of false accepts for all engines, and what each costs."""
    conditions = [one.name for one in found[0].conditions]
    head = ["word", "engine", *conditions, "false accepts", "after the word", "CPU", "memory", "files"]
    rows = []
    for figures in found:
        shares = {one.name: missed(one.at_rate) for one in figures.conditions}
        first = figures.conditions[0].at_rate
        late = "{:.0f} / {:.0f} ms".format(*figures.delays())
        price = costs.get((figures.engine, figures.word))
        counted = f"{first.false_accepts} in {figures.hours:.1f} h, {rate(first)}"
        row = [f"{figures.word} ({first.n})", figures.engine, *(shares.get(name, "") for name in conditions)]
        rows.append([*row, counted, late, *_price(price)])
    title = f"Missed at {an_hour:g} false accepts an hour of running speech:"
    return f"{title}\n\n{markdown(head, rows)}"


def _price(price: Cost | None) -> list[str]:
    if price is None:
        return ["", "", ""]
    return [f"{100 * price.cpu:.2f} %", f"{price.rss_mb:.0f} MB", f"{price.kilobytes:,.0f} kB"]


def shipped_table(found: Sequence[Figures]) -> str:
    """Return what each engine does at the threshold that it comes with."""
    conditions = [one.name for one in found[0].conditions]
    head = ["word", "engine", "threshold", *conditions, "false accepts an hour"]
    rows = []
    for figures in found:
        if figures.shipped_level is None or figures.shipped_false is None:
            continue
        shares = {one.name: short(one.shipped) if one.shipped else "" for one in figures.conditions}
        often = "{:.2f} [{:.2f}, {:.2f}]".format(*poisson(figures.shipped_false, figures.hours))
        row = [figures.word, figures.engine, f"{figures.shipped_level:.2f}", *(shares.get(n, "") for n in conditions)]
        rows.append([*row, often])
    return f"At the threshold that each comes with:\n\n{markdown(head, rows)}"


def protocol_table(found: Mapping[tuple[str, str], AtRate]) -> str:
    """Return the published protocol's figures, by word and engine."""
    rows = [
        [word, engine, missed(point), f"{point.false_accepts} in {point.hours:.1f} h, {rate(point)}"]
        for (word, engine), point in found.items()
    ]
    head = ["word", "engine", f"missed at {RATE_AN_HOUR:g} false alarms an hour", "false alarms"]
    return f"The published protocol (speech in a fifth of the background, 10 dB):\n\n{markdown(head, rows)}"


def groups_table(found: Sequence[Figures]) -> str:
    """Return the clean misses by what is known of the speakers; empty where nothing is."""
    rows = [
        [figures.word, figures.engine, f"{fact}: {value}", f"{short(share)} of {share.n}"]
        for figures in found
        for fact, shares in figures.groups().items()
        for value, share in shares.items()
    ]
    return f"Missed by group, clean:\n\n{markdown(['word', 'engine', 'group', 'missed'], rows)}" if rows else ""


def missed(point: AtRate) -> str:
    """Return the misses with their interval, or that the engine can't be made so strict."""
    return short(point.share) if point.share else f"over {RATE_AN_HOUR:g}/h"


def rate(point: AtRate) -> str:
    """Return false accepts an hour with their interval."""
    return "{:.2f}/h [{:.2f}, {:.2f}]".format(*point.rate)


def short(share: Share) -> str:
    """Return a share with its interval, in percent."""
    return f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    line = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, line, *rows))
