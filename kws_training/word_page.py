"""The page of a wake word's report."""

from collections.abc import Iterable
from html import escape
from typing import Any

from kws_training import word_plots
from kws_training.report_page import document, interval, percent, picture, table
from voice.models.bundle import Bundle

Figures = dict[str, Any]
_STREAMS = {
    "speech": "running speech",
    "more": "further speech",
    "own": "your own recordings",
    "made-speech": "synthetic speech",
}


def pictures_of(figures: Figures) -> dict[str, bytes]:
    """Return the pictures of a report by their names."""
    found = {}
    if figures["curves"]:
        found["det"] = word_plots.det_curves(figures["curves"], max(figures["hours"], 1e-3))
        found["recall"] = word_plots.recall_by_condition(figures["recall"])
    if shown := figures["timeline"]:
        found["timeline"] = word_plots.timeline(shown["looks"], shown["seconds"], figures["threshold"], shown["said"])
    return found


def page_of(figures: Figures, pictures: dict[str, bytes], bundle: Bundle) -> str:
    """Return the page."""
    manifest = bundle.manifest
    parts = [
        f"<h1>{escape(figures['phrase'])}</h1>",
        f"<p class=about>Wake word {escape(manifest.id)} {escape(manifest.version)}, "
        f"{manifest.model.bytes / 1000:.0f} kB, threshold {figures['threshold']:g}, made in {figures['minutes']:g} "
        "minutes.</p>",
        _tiles(figures),
        f"<p>{escape(figures['promise'][0].upper() + figures['promise'][1:])}.</p>",
        _lines("Warnings", figures["warnings"]),
        "<h2>Missed against false accepts</h2>",
        picture(pictures, "det", "DET curves") if "det" in pictures else "<p>There is nothing to try it on.</p>",
        _sets(figures),
        _recall(figures, pictures),
        _over_time(figures, pictures),
        "<h2>What it took for the phrase, or nearly did</h2>",
        _worst(figures),
        _near(figures),
        _lines("Not measured", figures["remarks"]),
    ]
    return document(f"{figures['phrase']}: wake word", [part for part in parts if part])


def _tiles(figures: Figures) -> str:
    rate = figures["false_accepts"] / figures["hours"] if figures["hours"] else 0.0
    limits = (
        f"{figures['false_accepts']} in {figures['hours']:.3g} h, 95 % up to {_short(figures['false_accepts_high'])}"
    )
    tiles = [("false accepts an hour", _short(rate), limits)]
    for row in figures["recall"]:
        if row["condition"] in ("clean", "noise 10 dB"):
            name = f"heard: {row['set']}, {row['condition']}"
            tiles.append((name, percent(row["value"]), f"{interval(row)}, {row['n']} times"))
    return "<div class=tiles>" + "".join(
        f"<div class=tile><span>{escape(name)}</span><b>{value}</b><span>{limits}</span></div>"
        for name, value, limits in tiles
    ) + "</div>"  # fmt: skip


def _sets(figures: Figures) -> str:
    notes = "".join(f"<li>{escape(name)}: {escape(note)}</li>" for name, note in figures["sets"].items())
    return (
        f"<ul>{notes}</ul><p class=note>False accepts are counted in {figures['hours']:.3g} h of speech that nothing "
        "was learnt from, the same by which the threshold was chosen. One is what fires within a refractory time.</p>"
    )


def _recall(figures: Figures, pictures: dict[str, bytes]) -> str:
    if not figures["recall"]:
        return ""
    rows = [(row["set"], row["condition"], row["n"], percent(row["value"]), interval(row)) for row in figures["recall"]]
    missed = figures["missed"]
    names = f"<p class=note>Missed, clean: {escape(', '.join(missed[:20]))}.</p>" if missed else ""
    return (
        "<h2>By condition</h2>"
        + picture(pictures, "recall", "Recall by condition")
        + table(("recordings", "condition", "times", "heard", "95 %"), rows)
        + names
        + "<p class=note>Noise is pink, babble five synthetic voices at once; 10 dB is the power of the loudest half "
        "second over theirs. Reverberation: T60 of 0.5 s, its tail as strong as the direct sound. Telephone: 300 to "
        "3,400 Hz, 8 kHz, mu-law.</p>"
    )


def _over_time(figures: Figures, pictures: dict[str, bytes]) -> str:
    if "timeline" not in pictures:
        return ""
    stream = _STREAMS.get(figures["timeline"]["stream"], figures["timeline"]["stream"])
    return (
        "<h2>Score over time</h2>"
        + picture(pictures, "timeline", "Score over time")
        + f"<p class=note>Some minutes of {escape(stream)} around the place where it came nearest to firing, with the "
        "phrase put in.</p>"
    )


def _worst(figures: Figures) -> str:
    rows = figures["worst"]
    if not rows:
        return "<p>Nothing judged it.</p>"
    lines = ["<tr><th>score</th><th></th><th>where</th><th>sound</th></tr>"]
    for row in rows:
        place = f"{_STREAMS.get(row['stream'], row['stream'])}: {row['clip']}, {row['at']:.1f} s"
        sound = f"<audio controls preload=none src='{row['audio']}'></audio>" if row["audio"] else "-"
        said = f"<br><span class=note>{escape(row['text'])}</span>" if row["text"] else ""
        fired = "fires" if row["accepted"] else ""
        lines.append(
            f"<tr><td>{row['score']:.2f}</td><td>{fired}</td>"
            f"<td style='text-align:left;white-space:normal'>{escape(place)}{said}</td><td>{sound}</td></tr>"
        )
    silent = sum(not row["audio"] for row in rows)
    note = (
        f"<p class=note>The sound of {silent} of them isn't at hand: name the data pack with --data or EARSHOT_DATA, "
        "and further speech with --more, as `prepare` was given them.</p>"
        if silent
        else ""
    )
    return "<div class=wide><table>" + "\n".join(lines) + "</table></div>" + note


def _near(figures: Figures) -> str:
    if not figures["near"]:
        return ""
    rows = [(row["text"], f"{row['score']:.2f}", "fires" if row["accepted"] else "") for row in figures["near"]]
    return (
        "<h2>Phrases that sound alike</h2>"
        + table(("phrase", "score", ""), rows)
        + "<p class=note>The nearest by their phones, said by two synthetic voices that no training heard; the higher "
        "score. It was taught not to hear them.</p>"
    )


def _lines(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
