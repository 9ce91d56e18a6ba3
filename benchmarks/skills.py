"""The built-in skills by voice: sentences of each by voices that no training used, and sentences of none.

    python -m benchmarks.skills [--skill NAME]... [--every 1] [--golden] [--chain [--speed 3]]

1. The eight sentences of each skill (`skill_sentences.yaml`), each by five voices, go through the brain as if the wake
   word had come before them: classifier, shipped recogniser, the grammar of all skills. Right means the intent with all
   its slots, not asked back for fear of its opposite. `--golden` takes the golden utterances of the tests instead
   (`tests/skills/golden`). `--chain` speaks them after the wake word into the live loop, as benchmarks.chain does.
2. The sentences of `other_sentences.txt`, by the same voices, must give no intent.

Intervals: Wilson, 95 %. Needs espeak-ng, flite and festival with ked_diphone. Exit 1 where a limit of the project is
missed: 95 % right, 95 % of other sentences do nothing.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chain import report
from benchmarks.chain import spoken as spoken_into_loop
from kws_training.evaluate import wilson
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.app import always_intents, build_understanding, sentences_of, skills_of
from voice.config import Config
from voice.events import RATE, Samples, Segment
from voice.pipeline.arbiter import Understander, Understanding
from voice.yaml12 import read_yaml

HERE = Path(__file__).parent
SENTENCES = HERE / "skill_sentences.yaml"
OTHERS = HERE / "other_sentences.txt"
GOLDEN = HERE.parent / "tests" / "skills" / "golden"
PAUSE = np.zeros(RATE // 5, np.float32)
RIGHT_LIMIT, QUIET_LIMIT = 0.95, 0.95

Row = dict[str, Any]


def sentences(wanted: list[str], *, golden: bool) -> dict[str, list[Row]]:
    """Return each skill's sentences: text, intent and slots."""
    found = read_yaml(SENTENCES)
    if golden:
        found = {path.stem: list(_golden(path)) for path in sorted(GOLDEN.glob("*.yaml"))}
    rows = {name: [{"slots": {}, **row} for row in found[name]] for name in found if not wanted or name in wanted}
    if missing := sorted(set(wanted) - set(rows)):
        raise SystemExit(f"no sentences of {missing[0]}; there are {', '.join(found)}")
    return rows


def _golden(path: Path) -> Iterator[Row]:
    for row in read_yaml(path):
        if "intent" in row:
            yield {"text": row["say"], "intent": row["intent"], "slots": row.get("slots", {})}


def speech(voice: str, text: str) -> Samples:
    """Return a sentence at a peak of 0.3, with a little silence around it."""
    samples = synthesise(text, Style(voice))
    return np.concatenate([PAUSE, samples * np.float32(0.3 / np.abs(samples).max()), PAUSE])


def heard(brain: Understander, voice: str, text: str) -> Understanding:
    """Return what the brain takes a spoken sentence for."""
    samples = speech(voice, text)
    return brain.understand(Segment(samples, 0, speech_start=len(PAUSE), speech_end=len(samples) - len(PAUSE)))


def is_right(brain: Understander, outcome: Understanding, row: Row) -> bool:
    """Return whether the intent and all slots are those of the row, and asked back only where its skill wants that."""
    intent = outcome.intent
    if intent is None or intent.dangerous != brain.is_dangerous(intent.name):
        return False
    return (intent.name, {slot.name: slot.value for slot in intent.slots}) == (row["intent"], row["slots"])


def own_sentences(brain: Understander, rows: dict[str, list[Row]]) -> bool:
    """Print how many sentences of the skills were right, by skill and voice; return whether the limit holds."""
    right: Counter[str] = Counter()
    for skill, each in rows.items():
        for row in each:
            for voice in HELD_OUT:
                outcome = heard(brain, voice, row["text"])
                if is_right(brain, outcome, row):
                    right.update((skill, voice))
                    continue
                found = outcome.intent and outcome.intent.name
                how = "asked back" if outcome.intent and outcome.intent.dangerous else outcome.source
                print(f"  wrong: {voice} {row['text']!r}: {found} {outcome.text!r} ({how})", flush=True)
        print(f"{skill:<32} {wilson(right[skill], len(each) * len(HELD_OUT))}", flush=True)
    n = sum(map(len, rows.values()))
    for voice in HELD_OUT:
        print(f"{voice:<32} {wilson(right[voice], n)}")
    total = sum(right[voice] for voice in HELD_OUT)
    print(f"{'all':<32} {wilson(total, n * len(HELD_OUT))}", flush=True)
    return total >= RIGHT_LIMIT * n * len(HELD_OUT)


def other_sentences(brain: Understander) -> bool:
    """Print which sentences of no skill gave an intent; return whether the limit holds."""
    texts = OTHERS.read_text(encoding="utf-8").splitlines()
    taken: Counter[str] = Counter()
    for text in texts:
        for voice in HELD_OUT:
            outcome = heard(brain, voice, text)
            if outcome.intent:
                taken[voice] += 1
                print(
                    f"  taken: {voice} {text!r}: {outcome.intent.name} {outcome.text!r} ({outcome.source})", flush=True
                )
    for voice in HELD_OUT:
        print(f"{voice + ', other sentences':<48} {wilson(taken[voice], len(texts))} gave an intent")
    n = len(texts) * len(HELD_OUT)
    print(f"{'all, other sentences':<48} {wilson(taken.total(), n)} gave an intent")
    return taken.total() <= (1 - QUIET_LIMIT) * n


def through_the_chain(config: Config, rows: dict[str, list[Row]], speed: float) -> bool:
    """Print how many sentences were right through the live loop; return whether the limit holds."""
    measured = asyncio.run(spoken_into_loop(config, speed, [row for each in rows.values() for row in each]))
    missed = Counter(text for _, text in measured.missed)
    for skill, each in rows.items():
        n = len(each) * len(HELD_OUT)
        print(f"{skill:<32} {wilson(n - sum(missed[row['text']] for row in each), n)}")
    report(measured)
    return measured.right.total() >= RIGHT_LIMIT * measured.spoken.total()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--skill", action="append", default=[], help="only this skill; may be repeated")
    parser.add_argument("--golden", action="store_true", help="speak the tests' golden utterances")
    parser.add_argument("--chain", action="store_true", help="through the live loop, after the wake word")
    parser.add_argument("--speed", type=float, default=3.0, help="of the live loop, times real time")
    parser.add_argument("--every", type=int, default=1, help="of each skill's sentences, only each so many")
    arguments = parser.parse_args()
    config = Config()
    found = sentences(arguments.skill, golden=arguments.golden)
    rows = {name: each[:: arguments.every] for name, each in found.items()}
    if arguments.chain:
        return 0 if through_the_chain(config, rows, arguments.speed) else 1
    brain = build_understanding(config, sentences_of(config), always_intents(skills_of(config)))
    held = own_sentences(brain, rows)
    if not arguments.skill:
        held = other_sentences(brain) and held
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
