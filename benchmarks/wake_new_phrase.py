"""Phrases treated as new: a wake word from its text alone, and from ten takes, tested on everybody else's recordings.

    python -m benchmarks.wake_new_phrase --work WORK [--data DATA] [--more FOLDER]... [--phrases alexa,athena,operator]
    python -m benchmarks.wake_new_phrase --work WORK --phrases jarvis --kinds template --rate 0.2
    python -m benchmarks.wake_new_phrase --work WORK --phrases alexa --kinds head,once,text

Makes each bundle with `kws-train keyword PHRASE`, once without a recording and once with ten, and measures both on the
same recordings: all of the phrase, less those of the ten speakers (or recordings, where speakers aren't known) whose
takes were drawn by `--seed`. Nobody who gave a take is tested on; nothing of the phrase trained anything else if WORK's
backbone and negatives leave it out, which `kws-train` does. Misses are those at half a false accept an hour of running
speech (`--rate`; see benchmarks/wake_word.py), and at the threshold that the trainer chose.

Other `--kinds`: `template`, of three people's takes (`--template`); `head`, from the text without tuning the backbone,
and `once`, tuned in one round instead of three: what decision 15 weighs. Where nothing but a template is made, only its
three speakers are left out of the test.

"operator" was recorded over telephone lines: its clips hold nothing above 4 kHz in any condition. The clips of "alexa"
and "athena" have no speaker ids, so that a speaker who gave a take may have recorded another clip too.

WORK is the folder of the stores that `kws-train prepare` wrote. What is made lies in OUT; a bundle that is there is not
made again. With `--every 3` each third clip of running speech is heard, for a quicker look.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.wake.evaluation import Figures, evaluate_bundle, table
from benchmarks.wake.limits import share
from benchmarks.wake.report import groups_table, markdown, missed, rate, short
from benchmarks.wake.speech import speech_clips, speech_stream
from benchmarks.wake.streams import Take, takes
from kws_training.report import say

PHRASES = ("alexa", "athena", "operator")
AN_HOUR = 0.5


@dataclass(frozen=True, slots=True)
class Kind:
    """How a wake word is made."""

    made_from: str
    n_takes: int | None = 0
    """That it is given; None: as many as `--takes` says."""
    options: tuple[str, ...] = ()
    recipe: str = ""
    """YAML."""
    most_missed: float = 1.0
    """Clean, at half a false accept an hour: what is wanted of it."""


KINDS = {
    "text": Kind("its text", most_missed=0.15),
    "takes": Kind("its text and {} takes", None, most_missed=0.05),
    "template": Kind("a template of {} takes", 3, ("--template",)),
    "head": Kind("its text, a head alone", recipe="tune_rounds: 0\n"),
    "once": Kind("its text, one round of tuning", recipe="tune_rounds: 1\n"),
}


def main() -> int:
    """Print the table; return 1 where a figure misses its limit."""
    arguments = _arguments()
    if arguments.data is None:
        print("name the data pack with --data or EARSHOT_DATA", file=sys.stderr)
        return 2
    if arguments.work is None:
        print("nothing measured: it trains six wake words, on the stores that --work names")
        return 0
    kinds = arguments.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        print(f"no kind {unknown[0]!r}: one of {', '.join(KINDS)}", file=sys.stderr)
        return 2
    clips = speech_clips(arguments.data, arguments.more, arguments.skip)[:: arguments.every]
    negatives = speech_stream(clips)
    found: dict[tuple[str, str], Figures] = {}
    for phrase in arguments.phrases.split(","):
        folder = arguments.data / "wake" / phrase.replace(" ", "_")
        n_drawn = KINDS["template"].n_takes if kinds == ["template"] else arguments.takes
        drawn = draw(takes(folder, None), n_drawn, arguments.seed)
        for kind in kinds:
            out = arguments.out / phrase.replace(" ", "_") / kind
            minutes = train(phrase, drawn[: KINDS[kind].n_takes], KINDS[kind], out, arguments.work)
            rest = takes(folder, None, [take.group for take in drawn])
            figures = evaluate_bundle(
                out / "bundle", rest, negatives, data=arguments.data, voices=clips, an_hour=arguments.rate
            )
            found[phrase, kind] = figures
            print(f"{phrase}, {kind}" + (f", made in {minutes:.1f} min" if minutes else ", made before"))
            print(table(figures), end="\n\n", flush=True)
    print(results(found, arguments.takes, arguments.rate))
    reached = [share(one.conditions[0]) <= KINDS[kind].most_missed for (_, kind), one in found.items()]
    return 0 if arguments.rate != AN_HOUR or all(reached) else 1


def draw(said: Sequence[Take], n_takes: int, seed: int) -> list[Take]:
    """Return one take of each of `n_takes` speakers, drawn by the seed."""
    groups = sorted({take.group for take in said})
    rng = np.random.default_rng(seed)
    chosen = [groups[index] for index in rng.permutation(len(groups))[:n_takes]]
    return [next(take for take in said if take.group == group) for group in chosen]


def train(phrase: str, given: Sequence[Take], kind: Kind, out: Path, work: Path) -> float:
    """Make a bundle in `out` with the trainer's command; return the minutes, 0 where it was there."""
    bundle, folder = out / "bundle", out / "takes"
    if (bundle / "bundle.json").exists():
        return 0.0
    command = [sys.executable, "-m", "kws_training", "keyword", phrase]
    command += ["--work", str(work), "--run", str(out / "run"), "--out", str(bundle), *kind.options]
    if kind.recipe:
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.yaml").write_text(kind.recipe, encoding="utf-8")
        command += ["--recipe", str(out / "recipe.yaml")]
    if given:
        lay_out(given, folder)
        command += ["--recordings", str(folder)]
    say(" ".join(command[2:]))
    started = time.monotonic()
    subprocess.run(command, check=True)
    return (time.monotonic() - started) / 60


def lay_out(given: Sequence[Take], folder: Path) -> None:
    """Put takes, and nothing else, into a folder; with their times, by which the trainer knows what it learnt from."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for take in given:
        shutil.copy2(take.path, folder / take.path.name)


def results(found: dict[tuple[str, str], Figures], n_takes: int, an_hour: float) -> str:
    """Return the figures in Markdown."""
    names = [one.name for one in next(iter(found.values())).conditions]
    head = ["phrase", "made from", *names, "false accepts", "at its own threshold, clean", "there, an hour"]
    rows = []
    for (phrase, kind), figures in found.items():
        first = figures.conditions[0]
        given = KINDS[kind].n_takes
        made_from = KINDS[kind].made_from.format(n_takes if given is None else given)
        own = short(first.shipped) if first.shipped else ""
        often = f"{(figures.shipped_false or 0) / figures.hours:.2f}"
        shares = [missed(one.at_rate) for one in figures.conditions]
        row = [f"{phrase} ({first.at_rate.n})", made_from, *shares, rate(first.at_rate), own, often]
        rows.append(row)
    text = f"Missed at {an_hour:g} false accepts an hour of running speech:\n\n{markdown(head, rows)}"
    return "\n\n".join(part for part in (text, groups_table(list(found.values()))) if part)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("EARSHOT_DATA")
    more = [Path(folder) for folder in os.environ.get("EARSHOT_MORE", "").split(os.pathsep) if folder]
    parser.add_argument("--data", type=Path, default=Path(data) if data else None, help="the unpacked data pack")
    parser.add_argument("--more", type=Path, action="append", help="folder of further speech; repeatable")
    parser.add_argument("--skip", type=Path, action="append", default=[], help="list of clips to leave out; repeatable")
    parser.add_argument("--work", type=Path, help="stores of `kws-train prepare`")
    parser.add_argument("--out", type=Path, default=Path("runs/new-phrases"))
    parser.add_argument("--phrases", default=",".join(PHRASES))
    parser.add_argument("--kinds", default="text,takes", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--rate", type=float, default=AN_HOUR, help="false accepts an hour to compare at")
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="hear every such clip of running speech")
    arguments = parser.parse_args()
    arguments.more = arguments.more or more
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
