"""The report of `kws-train evaluate`: one HTML file with its pictures inside, the pictures as PNG, figures as JSON."""

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from kws_training import plots
from voice.errors import DataError

Figures = dict[str, Any]
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2430; background: #fff; margin: 0 auto; max-width: 62rem;
  padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { max-width: 46rem; } .about, .note { color: #5c6670; } .note { font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.tile { border: 1px solid #d9dce1; border-radius: 6px; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: #5c6670; font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #eceef1; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: #5c6670; }
img { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
"""


def write_report(folder: Path, figures: Figures) -> Path:
    """Write report.html, report.json and the PNGs; return the page.

    Raises:
        DataError: the disk refuses.
    """
    pictures = _pictures(figures)
    page = folder / "report.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, png in pictures.items():
            (folder / f"{name}.png").write_bytes(png)
        (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        page.write_text(_page(figures, pictures), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}", fix="free disk space or choose another folder") from error
    return page


def _pictures(figures: Figures) -> dict[str, bytes]:
    names = figures["bundle"]["labels"]
    areas = {c["label"]: c["auc"] for c in figures["classes"]}
    calibration = figures["calibration"]
    found = {
        "confusion": plots.confusion_matrix(figures["confusion"], names),
        "roc": plots.roc_curves(figures["roc"], areas),
        "reliability": plots.reliability_diagram(calibration["bins"], calibration["expected_calibration_error"]),
    }
    if figures["open_set"]:
        found["open_set"] = plots.open_set_curve(figures["open_set_more_speakers"] or figures["open_set"])
    if figures["noise"]:
        found["noise"] = plots.noise_curves(figures["noise"])
    return found


def _page(figures: Figures, pictures: dict[str, bytes]) -> str:
    bundle, data = figures["bundle"], figures["data"]
    title = f"{bundle['id']} {bundle['version']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=about>{bundle['parameters']:,} parameters, {bundle['bytes'] / 1000:.0f} kB, temperature "
        f"{bundle['temperature']:g}, threshold {bundle['threshold']:g}. Measured on {escape(data['name'])}, split "
        f"{escape(data['split'])}: {data['clips']:,} clips"
        + (f", {data['speakers']} speakers" if data["speakers"] else "")
        + ", from audio through the runtime.</p>",
        _tiles(figures),
        "<h2>Accuracy</h2>",
        _accuracy(figures),
        picture(pictures, "confusion", "Confusion matrix"),
        "<h2>Labels</h2>",
        _labels(figures),
        picture(pictures, "roc", "ROC curves"),
        "<h2>Calibration</h2>",
        _calibration(figures),
        picture(pictures, "reliability", "Reliability diagram"),
        "<h2>At the bundle's threshold</h2>",
        _threshold(figures),
    ]
    if figures["open_set"]:
        parts += ["<h2>Unseen words</h2>", _open_set(figures), picture(pictures, "open_set", "Open set")]
    if figures["noise"]:
        parts += ["<h2>Noise</h2>", _noise(figures), picture(pictures, "noise", "Noise sweep")]
    if figures["against"]:
        parts += ["<h2>Against another bundle</h2>", _against(figures)]
    if data["unreadable"]:
        lines = "".join(f"<li>{escape(line)}</li>" for line in data["unreadable"][:50])
        parts += [f"<h2>Clips that could not be read: {len(data['unreadable'])}</h2>", f"<ul>{lines}</ul>"]
    return document(title, parts)


def document(title: str, parts: Sequence[str]) -> str:
    """Return an HTML page in the house's style; the parts of its body are HTML."""
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _tiles(figures: Figures) -> str:
    tiles = [
        ("accuracy, balanced", figures["accuracy"]["balanced"]),
        ("the commands alone", figures["accuracy"]["commands"]),
    ]
    found = [(name, percent(a["value"]), interval(a)) for name, a in tiles]
    if opened := figures["open_set"]:
        share = opened["false_accepts"]
        text = f"unseen words accepted at {percent(opened['recall'])} recall"
        found.append((text, percent(share["value"]), f"{interval(share)}, {share['n']} clips"))
    for row in figures["noise"]["rows"] if figures["noise"] else []:
        if row["snr_db"] == 10:
            limits = f"{row['points_lost_low']:.1f} to {row['points_lost_high']:.1f}"
            found.append((f"points lost at 10 dB, {row['noise']}", f"{row['points_lost']:.1f}", limits))
    return "<div class=tiles>" + "".join(
        f"<div class=tile><span>{escape(name)}</span><b>{value}</b><span>{limits}</span></div>"
        for name, value, limits in found
    ) + "</div>"  # fmt: skip


def _accuracy(figures: Figures) -> str:
    rows = []
    names = {"balanced": "balanced labels", "all": "every clip", "commands": "the commands alone"}
    for key, name in names.items():
        a = figures["accuracy"][key]
        spread = f"{percent(a['speakers_low'])} to {percent(a['speakers_high'])}" if "speakers_low" in a else ""
        rows.append((name, a["n"], percent(a["value"]), interval(a), spread))
    spread = figures["speakers"]
    speakers = spread and (
        f"<p>Of {spread['speakers']} speakers with {spread['clips_at_least']} clips or more, the median is heard right "
        f"{percent(spread['median'])} of the time, one in ten less than {percent(spread['tenth'])}, and the worst "
        f"{percent(spread['worst'])}.</p>"
    )
    head = ("", "clips", "accuracy", "95 % over clips (Wilson)", "95 % over speakers (bootstrap)")
    return (
        table(head, rows)
        + (speakers or "")
        + (
            "<p class=note>Balanced: all commands, and of silence and unknown as many clips as an average command "
            "has, drawn at random. The confusion matrix has every clip.</p>"
        )
    )


def _labels(figures: Figures) -> str:
    rows = [
        (c["label"], c["n"], *(percent(c[key]) for key in ("precision", "recall", "f1")), _decimal(c["auc"]))
        for c in figures["classes"]
    ]
    return table(("label", "clips", "precision", "recall", "F1", "area under ROC"), rows)


def _calibration(figures: Figures) -> str:
    c = figures["calibration"]
    return (
        f"<p>Expected calibration error {percent(c['expected_calibration_error'], 2)} in 15 bins, at the bundle's "
        f"temperature of {c['temperature']:.3f}; these clips alone would ask for {c['best_temperature_here']:.3f}.</p>"
    )


def _threshold(figures: Figures) -> str:
    found = figures["at_threshold"]
    rows = [
        (key.replace("_", " "), share["n"], percent(share["value"]), interval(share))
        for key, share in found.items()
        if key != "threshold" and share["n"]
    ]
    return table((f"threshold {found['threshold']:g}", "clips", "share", "95 %"), rows)


def _open_set(figures: Figures) -> str:
    rows = []
    for name, found in (
        ("speakers of this split", figures["open_set"]),
        ("more speakers", figures["open_set_more_speakers"]),
    ):
        if found:
            share = found["false_accepts"]
            spread = f"{percent(found['speakers_low'])} to {percent(found['speakers_high'])}"
            heard = f"{percent(found['recall'])} ({percent(found['recall_low'])} to {percent(found['recall_high'])})"
            limits = (interval(share), spread, _decimal(found["auc"]), f"{found['threshold']:.3f}")
            rows.append((name, share["n"], heard, percent(share["value"]), *limits))
    kinder = figures["open_set"]["as_any_command"]
    loose = f"{percent(kinder['false_accepts']['value'])} ({interval(kinder['false_accepts'])})"
    words = ", ".join(f"{word} ({n})" for word, n in figures["open_set"]["words"].items())
    head = ("", "clips", "commands heard", "accepted", "95 %", "over speakers", "area under ROC", "threshold")
    return table(head, rows) + (
        f"<p class=note>Words that no training heard: {escape(words)} in this split. The score is the probability of "
        "the best command; its threshold is the highest at which the stated share of the commands is heard as what "
        f"they are. Where a command counts as heard even if another command is answered, {loose} of this split's "
        "unseen words are accepted. More speakers: with the training split's clips of these words, whose voices "
        "training heard saying other words.</p>"
    )


def _noise(figures: Figures) -> str:
    noise = figures["noise"]
    rows = [("clean", "", percent(noise["clean"]["value"]), interval(noise["clean"]), "", "")]
    for row in noise["rows"]:
        limits = f"{row['points_lost_low']:.1f} to {row['points_lost_high']:.1f}"
        lost = f"{row['points_lost']:.1f}"
        rows.append((row["noise"], f"{row['snr_db']:g} dB", percent(row["value"]), interval(row), lost, limits))
    over = "the loudest half second of the clip" if noise["snr_over"] == "speech" else "the whole clip"
    head = ("noise", "SNR", "accuracy", "95 %", "points lost", "95 % over speakers")
    return table(head, rows) + (
        f"<p class=note>On the balanced clips. SNR: mean power of {over} over the mean power of the noise, which lies "
        f"under the whole clip. Babble: {escape(noise['babble'])}. Silence has noise at the same ratio to its own "
        "power.</p>"
    )


def _against(figures: Figures) -> str:
    other = figures["against"]
    b, a = other["bundle"], other["accuracy"]
    row = (
        f"{b['id']} {b['version']}, {b['bytes'] / 1000:.0f} kB",
        percent(a["value"]),
        interval(a),
        f"{other['points_lost']:.2f}",
        f"{other['points_lost_low']:.2f} to {other['points_lost_high']:.2f}",
        other["answers_that_differ"],
    )
    head = ("bundle", "accuracy", "95 %", "points lost", "95 % over speakers", "answers that differ")
    return table(head, [row])


def percent(share: float | None, n_digits: int = 1) -> str:
    """Return a share in percent, - for None."""
    return "-" if share is None else f"{100 * share:.{n_digits}f} %"


def interval(share: Figures) -> str:
    """Return the limits of a share."""
    return f"{percent(share['low'])} to {percent(share['high'])}"


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; its cells are plain text."""
    lines = ["<tr>" + "".join(f"<th>{escape(str(cell))}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "<div class=wide><table>" + "\n".join(lines) + "</table></div>"


def picture(pictures: dict[str, bytes], name: str, text: str) -> str:
    """Return one of the PNGs, inside the page; `text` says what it shows."""
    return f"<img alt='{text}' src='data:image/png;base64,{base64.b64encode(pictures[name]).decode()}'>"
