"""The command classifier on the visible test speakers: accuracy, unseen words, noise, int8, beside published figures.

    python -m benchmarks.commands [--data DATA] [--bundle commands-en] [--int8 BUNDLE] [--unseen a,b] [--out REPORT]
        [--record]

From audio, through the bundle. The visible test speakers of the data pack are in no training; half of the official test
speakers are, so the figures can't be compared with published ones to the tenth. `kws-train evaluate` makes the same
figures for any bundle and data. Latency is in `benchmarks.streaming`. Exits 1 where a figure misses its limit.
"""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kws_training.assess import Measured, Plan, Subject, assess, sweep
from kws_training.cards import record_results, result
from kws_training.corpora import read_samples, running_speech
from kws_training.evaluate import Share, balanced, wilson
from kws_training.test_sets import TestSet, read_test_set, unseen_elsewhere
from voice.events import Segment
from voice.models.bundle import load_bundle

SMALL, LARGE = 10_000, 100_000  # parameters
ACCURACY = {SMALL: 0.96, LARGE: 0.975}
UNSEEN, POINTS_LOST, INT8_LOST = 0.04, 4.0, 0.5
PUBLISHED = (
    # name, V2-12 accuracy in percent, parameters, source
    ("BC-ResNet-8", "98.7", "321 k", "arXiv 2106.04140"),
    ("BC-ResNet-3", "98.2", "54 k", "arXiv 2106.04140"),
    ("KWT-1", "98.1", "607 k", "arXiv 2104.00769"),
    ("ds_tc_resnet, streaming library", "98.0", "75 k", "google-research kws_streaming"),
    ("MHAtt-RNN", "98.0", "743 k", "arXiv 2005.06720"),
    ("BC-ResNet-1", "96.9", "9.2 k", "arXiv 2106.04140"),
    ("Att-RNN", "96.9", "202 k", "arXiv 1808.08929, as in arXiv 2106.04140"),
    ("tc_resnet of 30 k, float", "95.7", "30 k", "google-research kws_streaming"),
    ("MLPerf Tiny DS-CNN", "92", "24 k", "mlcommons/tiny; unbalanced labels"),
)
SPLIT = """Published: the official test set, some 408 clips a label, its speakers in no training. Ours: a quarter of its
speakers, unknown and silence cut to a word's mean count; half of its speakers are in the training."""

RUNNING = "a second around the loudest moment of each test clip of running speech"
Row = tuple[str, str, str, str, bool | None]
"""What, value, interval and number, limit, whether it is kept."""


def main() -> int:
    """Print the tables; return 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"), help="the unpacked data pack")
    parser.add_argument("--bundle", default="commands-en")
    parser.add_argument("--int8", help="bundle of the same network with int8 weights and activations")
    parser.add_argument("--unseen", help="words that no training heard, with commas; else the bundle names them")
    parser.add_argument("--out", type=Path, help="folder for the report with plots")
    parser.add_argument("--record", action="store_true", help="write the results into the bundle and its card")
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("name the data pack with --data or EARSHOT_DATA")
    bundle, data = load_bundle(arguments.bundle, kind="commands"), Path(arguments.data)
    unseen = tuple(arguments.unseen.split(",")) if arguments.unseen else bundle.manifest.training.unseen
    int8 = Subject(load_bundle(arguments.int8, kind="commands")) if arguments.int8 else None
    subject, clips = Subject(bundle), read_test_set(data)
    figures = assess(subject, clips, Plan(unseen), int8, unseen_elsewhere(data, unseen))
    rows = [*accuracies(figures), *open_set(figures), *noise(subject, clips, figures), *threshold(figures)]
    speech = running(subject, data)
    rows += [_row("running speech taken for a command", asdict(speech)), *against(figures)]
    show(f"{arguments.bundle}: {bundle.manifest.training.parameters:,} parameters", rows)
    published(figures)
    if arguments.out:
        from kws_training.report_page import write_report

        print(f"report: {write_report(arguments.out, figures)}")
    if arguments.record:
        record_results(
            bundle,
            [
                *results(figures, named=unseen == bundle.manifest.training.unseen),
                result("running speech taken for a command", speech, RUNNING),
            ],
        )
    return 1 if any(row[4] is False for row in rows) else 0


def accuracies(figures: dict[str, Any]) -> list[Row]:
    """Return the rows of accuracy."""
    size = figures["bundle"]["parameters"]
    limit = next((least for at_most, least in ACCURACY.items() if size <= at_most), None)
    found = figures["accuracy"]
    rows = [_row("12 labels, balanced", found["balanced"], limit, above=True)]
    if "speakers_low" in found["balanced"]:
        b = found["balanced"]
        spread = f"[{100 * b['speakers_low']:.1f}, {100 * b['speakers_high']:.1f}]"
        rows.append(("  interval over speakers", "", spread, "", None))
    rows += [_row("12 labels, every clip", found["all"]), _row("ten words", found["commands"])]
    error = figures["calibration"]["expected_calibration_error"]
    return [*rows, ("expected calibration error", f"{100 * error:.2f} %", "", "", None)]


def open_set(figures: dict[str, Any]) -> list[Row]:
    """Return the rows of unseen words; the limit holds for the test speakers."""
    if not figures["open_set"]:
        return [("unseen words", "-", "the bundle names none; --unseen", "", None)]
    own, more = figures["open_set"], figures["open_set_more_speakers"]
    text = f"unseen words accepted, {100 * own['recall']:.1f} % of commands heard"
    rows = [_row(text, own["false_accepts"], UNSEEN, above=False)]
    rows.append(_row("  where any command counts as heard", own["as_any_command"]["false_accepts"]))
    return [*rows, _row("  with the clips of training speakers", more["false_accepts"])] if more else rows


def noise(subject: Subject, clips: TestSet, figures: dict[str, Any]) -> list[Row]:
    """Return points lost in noise, the SNR over the loudest half second (it has the limit) and over the clip."""
    found: Measured = subject.measure(clips.clips)
    whole = sweep(
        subject, found, balanced(found.labels, subject.special), clips, Plan(snrs_db=(10.0,), snr_over="clip")
    )
    rows = []
    for over, measured in (("loudest half second", figures["noise"]), ("whole clip", whole)):
        for row in measured["rows"]:
            is_limit = row["snr_db"] == 10 and measured is not whole
            limits = f"[{row['points_lost_low']:.1f}, {row['points_lost_high']:.1f}] over speakers"
            name = f"{row['noise']} {row['snr_db']:g} dB over the {over}: {100 * row['value']:.1f} %, points lost"
            bar = f"<= {POINTS_LOST:g}" if is_limit else ""
            kept = row["points_lost"] <= POINTS_LOST if is_limit else None
            rows.append((name, f"{row['points_lost']:.1f}", limits, bar, kept))
    return rows


def threshold(figures: dict[str, Any]) -> list[Row]:
    """Return what happens at the bundle's threshold."""
    found = figures["at_threshold"]
    names = [name for name in found if name != "threshold"]
    return [_row(f"threshold {found['threshold']:g}: {name.replace('_', ' ')}", found[name]) for name in names]


def running(subject: Subject, data: Path) -> Share:
    """Return how often a second of running speech, around its loudest moment, passes as a command."""
    classifier = subject.classifier
    paths = [r.path for r, _ in running_speech(data) if r.split == "test"]
    passed = sum(classifier.is_command(classifier.classify(Segment(read_samples(path), 0))) for path in paths)
    return wilson(passed, len(paths))


def against(figures: dict[str, Any]) -> list[Row]:
    """Return the row of the int8 bundle."""
    other = figures["against"]
    if not other:
        return []
    lost = other["points_lost"]
    limits = f"[{other['points_lost_low']:.2f}, {other['points_lost_high']:.2f}] over speakers"
    return [("int8, points lost", f"{lost:.2f}", limits, f"<= {INT8_LOST:g}", lost <= INT8_LOST)]


def results(figures: dict[str, Any], *, named: bool) -> list[dict[str, Any]]:
    """Return the results that go into the bundle, from audio; unseen words only where the bundle names them."""
    on = "visible test speakers of the data pack (not the official split), from audio"
    shares = [
        ("12 labels", figures["accuracy"]["balanced"]),
        ("12 labels, every unknown and silence clip", figures["accuracy"]["all"]),
        ("ten words", figures["accuracy"]["commands"]),
    ]
    shares += [
        (f"at the threshold: {name.replace('_', ' ')}", share)
        for name, share in figures["at_threshold"].items()
        if name != "threshold"
    ]
    for name in ("open_set", "open_set_more_speakers"):
        if found := figures[name] if named else None:
            speakers = "" if name == "open_set" else ", with training speakers"
            text = f"unseen words accepted at {100 * found['recall']:.1f} % recall of the commands{speakers}"
            shares.append((text, found["false_accepts"]))
    shares += [(f"12 labels, {row['noise']} at {row['snr_db']:g} dB", row) for row in figures["noise"]["rows"]]
    limits = ("value", "low", "high")
    return [{"name": name, **{key: round(s[key], 4) for key in limits}, "n": s["n"], "on": on} for name, s in shares]


def show(title: str, rows: list[Row]) -> None:
    """Print a Markdown table."""
    print(f"\n{title}\n\n| figure | value | 95 % interval, n | limit | kept |\n|---|---:|---|---:|---|")
    for name, value, interval, limit, kept in rows:
        print(f"| {name} | {value} | {interval} | {limit} | {'' if kept is None else 'yes' if kept else 'NO'} |")


def published(figures: dict[str, Any]) -> None:
    """Print published V2-12 accuracies beside ours."""
    bundle, own = figures["bundle"], figures["accuracy"]["balanced"]
    ours = (
        f"{bundle['id']}, visible test speakers",
        f"{100 * own['value']:.1f}",
        f"{bundle['parameters'] / 1000:.0f} k",
    )
    print("\n| model | V2-12, % | parameters | source |\n|---|---:|---:|---|")
    for row in (*PUBLISHED, (*ours, "this script; another split")):
        print("| " + " | ".join(row) + " |")
    print(f"\n{SPLIT}")


def _row(name: str, share: dict[str, Any], limit: float | None = None, *, above: bool = True) -> Row:
    interval = f"[{100 * share['low']:.1f}, {100 * share['high']:.1f}] of {share['n']}"
    value = f"{100 * share['value']:.1f} %"
    if limit is None:
        return name, value, interval, "", None
    kept = share["value"] >= limit if above else share["value"] <= limit
    return name, value, interval, f"{'>=' if above else '<='} {100 * limit:g} %", kept


if __name__ == "__main__":
    raise SystemExit(main())
