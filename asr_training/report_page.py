"""The report of `asr-train evaluate`: one HTML file with its pictures and recordings inside, figures as JSON."""

import base64
import io
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import soundfile

from asr_training import report_plots as plots
from asr_training.peers import NAME as PEER
from asr_training.prepare import read_audio
from voice.errors import DataError
from voice.events import RATE

Figures = dict[str, Any]
_MOST_GROUPS = 40  # more speakers than that are no picture
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2430; background: #fff; margin: 0 auto; max-width: 62rem;
  padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { max-width: 46rem; } .about, .note { color: #5c6670; } .note { font-size: .9rem; }
code { font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.tile { border: 1px solid #d9dce1; border-radius: 6px; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: #5c6670; font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #eceef1; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: #5c6670; }
img { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
.clip { border-top: 1px solid #eceef1; padding: .75rem 0; } .clip audio { height: 2rem; width: 100%; max-width: 30rem; }
.clip p { margin: .25rem 0; max-width: none; }
del { color: #a3323f; } ins { color: #2e7d4f; text-decoration: none; background: #e7f3ea; }
details summary { cursor: pointer; color: #5c6670; }
"""


def write_report(folder: Path, figures: Figures) -> Path:
    """Write report.html and report.json; return the page.

    Args:
        folder: made where it is missing.
        figures: of `figures_of`; the recordings of the worst utterances are read from the corpus.

    Raises:
        DataError: the disk refuses, or a recording can't be read.
    """
    page = folder / "report.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        page.write_text(_page(figures), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}", fix="free disk space or choose another folder") from error
    return page


def _page(figures: Figures) -> str:
    bundle = figures["bundle"]
    title = f"{bundle['id']} {bundle['version']}"
    language = f", language model {bundle['language_bytes'] / 1e6:.1f} MB" if bundle["language_bytes"] else ""
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=about>{bundle['parameters']:,} parameters, {bundle['bytes'] / 1e6:.1f} MB{language}. Whole "
        "utterances through the runtime's recogniser, none left out. Error rates are errors of the whole set over its "
        "words; brackets and lines are 95 % intervals, a bootstrap over speakers (over utterances where a corpus names "
        f"no speakers, and within one speaker).</p><p class=about><code>{escape(figures['command'])}</code></p>",
    ]
    for found in figures["sets"]:
        parts += _set(found)
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _set(found: Figures) -> list[str]:
    who = f"{found['speakers']} speakers" if found["speakers_known"] else "speakers unknown"
    parts = [
        f"<h2>{escape(found['name'])}</h2>",
        f"<p class=about>{found['utterances']} utterances, {who}, {found['minutes']:.1f} minutes.</p>",
        _tiles(found),
        _systems(found),
        _picture(plots.systems(found["systems"]), "Word errors of each system by kind"),
        _picture(plots.utterances(found["shares"]), "Utterances by their share of word errors"),
    ]
    for kind, rows in found["groups"].items():
        parts += _group(kind, rows)
    parts += [f"<h3>Most frequent word errors of {escape(found['system'])}</h3>", _confusions(found)]
    if found["confidence"]:
        parts += ["<h3>Confidence</h3>", _confidence(found["confidence"])]
        parts.append(_picture(plots.reliability(found["confidence"]), "Reliability of word confidences"))
    if found["worst"]:
        parts += ["<h3>Worst utterances</h3>", *map(_clip, found["worst"])]
    return parts


def _tiles(found: Figures) -> str:
    best = next(row for row in found["systems"] if row["system"] == found["system"])
    tiles = [
        (f"word error rate, {best['system']}", _percent(best["wer"]), _interval(best["wer"])),
        ("sentences with an error", _percent(best["ser"]), _interval(best["ser"])),
        ("of real time, one thread", f"{best['real_time_factor']:.4f}", "features, network and search"),
    ]
    if best["command_ms_p95"] is not None:
        note = f"median {best['command_ms_median']:.0f} ms; clips of 2 to 4 s, one thread"
        tiles.append(("of computing for a command, 95 %", f"{best['command_ms_p95']:.0f} ms", note))
    for row in found["systems"]:
        if row["system"] == PEER:
            tiles.insert(1, ("PocketSphinx 5", _percent(row["wer"]), _interval(row["wer"])))
    return "<div class=tiles>" + "".join(
        f"<div class=tile><span>{escape(name)}</span><b>{value}</b><span>{limits}</span></div>"
        for name, value, limits in tiles
    ) + "</div>"  # fmt: skip


def _systems(found: Figures) -> str:
    rows = [
        (
            row["system"],
            *(f"{_percent(row[key])} {_interval(row[key])}" for key in ("wer", "cer", "ser")),
            row["substitutions"],
            row["deletions"],
            row["insertions"],
            _percent(row["cosine"]),
            f"{row['real_time_factor']:.4f}",
        )
        for row in found["systems"]
    ]
    head = ("", "words", "characters", "sentences", "substituted", "left out", "inserted", "cosine", "of real time")
    words = found["systems"][0]["words"]
    text = "".join(
        f"<p>{escape(d['system'])} less {escape(d['less'])}, paired on the same utterances: {d['value']:+.1f} points "
        f"[{d['low']:+.1f}, {d['high']:+.1f}].</p>"
        for d in found["differences"]
    )
    return _table(head, rows) + text + (
        f"<p class=note>{words:,} words were said. Cosine: of the word counts of an utterance, without their order, "
        f"mean over utterances. Of real time: CPU on one thread; features and network alone take "
        f"{found['network_real_time_factor']:.4f}. PocketSphinx's time is that of the run in which its answer was "
        "computed.</p>"
    )  # fmt: skip


def _group(kind: str, rows: Sequence[Figures]) -> list[str]:
    if len(rows) < 2:
        return []
    table = _table(
        (kind, "utterances", "words", "word error rate", "substituted", "left out", "inserted", "PocketSphinx 5"),
        [
            (
                row["group"],
                row["utterances"],
                row["words"],
                f"{_percent(row['wer'])} {_interval(row['wer'])}",
                row["substitutions"],
                row["deletions"],
                row["insertions"],
                _percent(row["peer"]) if "peer" in row else "-",
            )
            for row in rows
        ],
    )
    parts = [f"<h3>By {escape(kind)}</h3>"]
    if len(rows) <= _MOST_GROUPS:
        parts.append(_picture(plots.groups(rows, "PocketSphinx 5"), f"Word error rate by {kind}"))
    if kind == "SNR":
        parts.append(
            "<p class=note>Estimated from each recording alone: the power of its loudest tenth over that of its "
            "quietest. Too high where a codec has silenced the pauses.</p>"
        )
    return [*parts, f"<details><summary>table of {len(rows)}</summary>{table}</details>"]


def _confusions(found: Figures) -> str:
    rows = [(word or "(nothing)", instead or "(left out)", n) for word, instead, n in found["confusions"]]
    return f"<details><summary>table of {len(rows)}</summary>{_table(('said', 'recognised', 'times'), rows)}</details>"


def _confidence(confidence: Figures) -> str:
    auc = "-" if confidence["auc"] is None else f"{confidence['auc']:.3f}"
    return (
        f"<p>Of {confidence['words']:,} recognised words {100 * confidence['right']:.1f} % are right. Expected "
        f"calibration error {100 * confidence['calibration_error']:.1f} points; a right word has the higher "
        f"confidence than a wrong one with probability {auc} (area under the ROC curve).</p>"
    )


def _clip(clip: Figures) -> str:
    said, got = [], []
    for word, instead in clip["aligned"]:
        if word is not None:
            said.append(escape(word) if word == instead else f"<del>{escape(word)}</del>")
        if instead is not None:
            got.append(escape(instead) if word == instead else f"<ins>{escape(instead)}</ins>")
    peer = f"<p class=note>PocketSphinx 5: {escape(clip['peer'])}</p>" if clip["peer"] is not None else ""
    about = f"{clip['speaker']}, {clip['seconds']:.1f} s, about {clip['snr_db']:.0f} dB, {Path(clip['audio']).name}"
    return (
        f"<div class=clip><audio controls preload=none src='{_sound(Path(clip['audio']))}'></audio>"
        f"<p class=note>{escape(about)}</p><p>said: {' '.join(said)}</p><p>got: {' '.join(got) or '(nothing)'}</p>"
        f"{peer}</div>"
    )


def _sound(path: Path) -> str:
    """Return a recording as MP3, which every browser plays, inside a data URL."""
    buffer = io.BytesIO()
    kind = "MP3" if "MP3" in soundfile.available_formats() else "WAV"
    soundfile.write(buffer, read_audio(path, RATE), RATE, format=kind)
    return f"data:audio/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _percent(rate: Figures) -> str:
    return f"{rate['value']:.1f} %"


def _interval(rate: Figures) -> str:
    return f"[{rate['low']:.1f}, {rate['high']:.1f}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(str(cell))}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "<div class=wide><table>" + "\n".join(lines) + "</table></div>"


def _picture(png: bytes, text: str) -> str:
    return f"<img alt='{escape(text)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
