"""Model cards and the records of data and results that a bundle carries."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kws_training.evaluate import Share
from voice.models.bundle import Bundle, Result, write_bundle

_TABLE_HEAD = "| measured | value | 95 % interval | n | on |\n|---|---:|---|---:|---|\n"

SPEECH_COMMANDS = {
    "name": "Speech Commands v0.02, part (audio and spectrograms)",
    "licence": "CC BY 4.0",
    "attribution": "Google, P. Warden, arXiv:1804.03209",
}
RUNNING_SPEECH = (
    {"name": "LibriSpeech, part", "licence": "CC BY 4.0", "attribution": "V. Panayotov et al., ICASSP 2015"},
    {"name": "Common Voice, part", "licence": "CC0 1.0", "attribution": "Mozilla Common Voice"},
    {
        "name": "speechocean762",
        "licence": "free for commercial and non-commercial purposes",
        "attribution": "J. Zhang et al., Interspeech 2021",
    },
    {"name": "LJ Speech, part", "licence": "public domain", "attribution": "Keith Ito"},
    {"name": "Cathy", "licence": "CC0 1.0", "attribution": "Rhasspy"},
    {"name": "Free Spoken Digit Dataset", "licence": "CC BY-SA 4.0", "attribution": "Z. Jackson et al."},
)
WAKE_WORDS = (
    {"name": "wake-word-benchmark", "licence": "Apache-2.0", "attribution": "Picovoice Inc."},
    {"name": "Precise Community Data", "licence": "public-domain waivers", "attribution": "Mycroft community"},
    {
        "name": "WUW Corpus II (other wake words, as negatives)",
        "licence": "CC BY-SA 4.0",
        "attribution": "V. Kepuska, ThinkEngine Networks",
    },
)
FURTHER_SPEECH = (
    {
        "name": "Common Voice Delta 13.0, 18.0 to 20.0, part",
        "licence": "CC0 1.0",
        "attribution": "Mozilla Common Voice",
    },
    {"name": "MInDS-14, English part", "licence": "CC BY 4.0", "attribution": "D. Gerz et al., PolyAI, EMNLP 2021"},
    {"name": "VCTK, speaker p239", "licence": "CC BY 4.0", "attribution": "J. Yamagishi et al., Edinburgh"},
)
"""What `prepare --more` got for the shipped wake word, as negatives."""
SYNTHETIC = {
    "name": "synthetic speech of espeak-ng, flite, festival and SVOX pico",
    "licence": "made for this model",
    "attribution": "voices: espeak-ng; CMU kal, awb; CSTR kal_diphone; SVOX en-US, en-GB, de-DE",
}
NOISE = {
    "name": "background noise: Speech Commands, Precise Community Data, Arabic Speech Commands, audiomentations, MUSAN",
    "licence": "CC BY 4.0, MIT, public domain",
    "attribution": "P. Warden; Mycroft community; A. Ghandoura et al.; I. Jordal; D. Snyder et al.",
}


def commit() -> str:
    """Return the short commit of the checkout that trains, or unknown."""
    try:
        command = ["git", "rev-parse", "--short", "HEAD"]
        found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def result(name: str, share: Share, on: str) -> dict[str, Any]:
    """Return a result of the manifest."""
    low, high = round(share.low, 4), round(share.high, 4)
    return {"name": name, "value": round(share.value, 4), "low": low, "high": high, "n": share.n, "on": on}


def table(results: Iterable[Result]) -> str:
    """Return the rows of a card's table of results."""
    rows = []
    for r in results:
        interval = "" if r.low is None else f"{r.low:g} to {r.high:g}"
        rows.append(f"| {r.name} | {r.value:g} | {interval} | {'' if r.n is None else r.n} | {r.on} |")
    return "\n".join(rows)


def record_results(bundle: Bundle, results: list[dict[str, Any]]) -> None:
    """Replace the results in a bundle's manifest and in the table of its card; all else stays."""
    manifest = bundle.manifest.model_dump(mode="json", exclude={"format", "model"})
    checked = write_bundle(bundle.folder, {**manifest, "results": results}, bundle.model_path.read_bytes()).manifest
    card = bundle.folder / "README.md"
    text = card.read_text(encoding="utf-8")
    before, _, rest = text.partition(_TABLE_HEAD)
    card.write_text(
        f"{before}{_TABLE_HEAD}{table(checked.results)}\n\n{rest[rest.index('## Limits') :]}", encoding="utf-8"
    )


def write_card(bundle: Bundle, use: str, limits: str, weights: str = "float32") -> None:
    """Write the bundle's README.md: what it is for, how well it works, what it was made from."""
    manifest = bundle.manifest
    data = "\n".join(f"- {d.name}: {d.licence}; {d.attribution}" for d in manifest.training.data)
    training = manifest.training
    text = f"""# {manifest.id} {manifest.version}

{manifest.description}.

{use}

{training.parameters:,} parameters, {manifest.model.bytes / 1000:.0f} kB, {weights} weights, built-in operations only.
Made by `{training.command}` at commit {training.commit} in {training.minutes:.0f} minutes on one shared CPU core.

{_TABLE_HEAD}{table(manifest.results)}

## Limits

{limits}

## Data

{data}
"""
    (bundle.folder / "README.md").write_text(text, encoding="utf-8")
