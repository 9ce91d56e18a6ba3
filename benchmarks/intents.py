"""Intents: Home Assistant's sentences, speed, changing lists, repair and rejection: `python -m benchmarks.intents`.

    --ha DIR      a copy of the repository home-assistant/intents (`sentences/en` and `tests/en`)
    --spoken N    also N of its test sentences, spoken by three voices that no training heard

Times are of one thread. What is refused is reported apart from what is understood.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy loads BLAS

import argparse
import resource
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter, process_time, sleep

import numpy as np

from benchmarks.grammar import decoder_of, known_names, many_templates, names, recogniser, recorded, speech
from benchmarks.home_assistant import Case, cases, everything, sentences
from voice.app import sentences_of
from voice.config import Config
from voice.nlu.live import LiveGrammar
from voice.nlu.parser import TemplateParser
from voice.nlu.polarity import opposites
from voice.nlu.templates import Grammar, SkillSentences, compile_grammar

PARSE_LIMIT_MS = 5.0
REGRAPH_LIMIT_S = 2.0
RIGHT_LIMIT = 0.99
FOREIGN = (Path(__file__).parent / "out_of_domain.txt").read_text().splitlines()
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def home_assistant(folder: Path) -> tuple[Grammar, list[Case], bool]:
    """Print how many test sentences are right by text, and each that is not."""
    started = process_time()
    read = sentences(folder)
    reading = process_time() - started
    started = process_time()
    grammar = compile_grammar(read)
    built = process_time() - started
    templates, states = len(grammar.network.templates), len(grammar.network.owner)
    print(f"Home Assistant, English: {templates} templates read in {reading:.2f} s, {states} states in {built:.2f} s")
    parser, tests, wrong = TemplateParser(grammar), [*cases(folder)], []
    times = []
    for case in tests:
        started = process_time()
        got = parser.parse(case.text, None, case.context)
        times.append(1000 * (process_time() - started))
        if fault := case.fault(got):
            wrong.append((case, fault))
    right = len(tests) - len(wrong)
    print(f"  by text: {right} of {len(tests)} right ({right / len(tests):.1%})   {_times(times)}")
    for case, fault in wrong:
        print(f"    {case.file}: {case.text!r}: expected {case.intent} {case.slots}, got {fault}")
    whole = compile_grammar(everything(folder))
    print(f"  with its folders by intent, rules and lists: {len(whole.network.templates)} templates load")
    return grammar, tests, right / len(tests) >= RIGHT_LIMIT


def graph(name: str, grammar: Grammar, real: Sequence[np.ndarray]) -> None:
    """Print the decoding graph's seconds, megabytes and cost."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = process_time()
    acceptor = grammar.acceptor()
    minimal = process_time() - started
    decoder = decoder_of(grammar)
    built = process_time() - started
    size, grown = decoder.graph.size_mb, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    nodes, arcs = len(decoder.graph), len(decoder.graph.source)
    print(
        f"  {name}: one graph of {nodes} nodes and {arcs} arcs from {len(acceptor.arcs)} states: {built:.2f} s", end=""
    )
    print(f" (of it {minimal:.2f} s minimisation), {size:.1f} MB (process grew by {grown:.0f} MB)")
    clips = [("synthetic 3 s", speech("turn on the kitchen lights"))] + [("recorded", clip) for clip in real]
    costs: dict[str, list[float]] = {}
    for kind, clip in clips * 3:
        started = process_time()
        decoder.decode(clip)
        costs.setdefault(kind, []).append(1000 * (process_time() - started) / (len(clip) * recogniser().stride_seconds))
    for kind, each in costs.items():
        print(f"    decoding, {kind}: {np.median(each):.1f} ms for each second of speech, at most {max(each):.1f}")


def speed() -> tuple[LiveGrammar, bool]:
    """Print text to intent over 500 sentences and 2,000 names."""
    things = names(2000)
    named = SkillSentences({"Play": ["play {name} [please]"], "Call": ["(call|ring) {name} [now]"]}, {"name": things})
    grammar = compile_grammar(many_templates(500).merged(named))
    parser = TemplateParser(grammar)
    parser.parse("warm upp now")
    said = [f"please open the {thing} in the garden for {i % 60 + 1} minutes" for i, thing in enumerate(names(50))]
    said += [f"play {thing} please" for thing in things[::10]] + [f"call {thing}" for thing in things[5::10]]
    slips = [f"{text[:-2]}{text[-1]}" for text in said]
    kept = True
    print(f"Text to intent over {len(grammar.network.templates)} sentences and {len(things)} names:")
    for kind, texts in (("sentences", said), ("a letter lost", slips), ("out of domain", FOREIGN)):
        times, found = [], 0
        for text in texts:
            started = process_time()
            found += parser.parse(text) is not None
            times.append(1000 * (process_time() - started))
        kept = kept and np.quantile(times, 0.95) <= PARSE_LIMIT_MS
        print(f"  {kind:<14} {len(texts):>4} texts, {found:>4} understood   {_times(times)}")
    return LiveGrammar(grammar, decoder_of(grammar), parser), kept


def regraph(live: LiveGrammar, kind: str, injected: Sequence[str]) -> bool:
    """Print what injecting names costs, and how long another thread had to wait meanwhile."""
    done, gaps = threading.Event(), [0.0]

    def ears() -> None:
        last = perf_counter()
        while not done.is_set():
            sleep(0.01)
            now = perf_counter()
            gaps.append(now - last - 0.01)
            last = now

    thread = threading.Thread(target=ears)
    thread.start()
    started, cpu = perf_counter(), process_time()
    live.add({"name": [*injected]})
    took, cpu = perf_counter() - started, process_time() - cpu
    done.set()
    thread.join()
    found = live.grammar.read(f"play {injected[-1]}")
    nodes = len(live.grammar.graph(None, recogniser().speller))
    print(
        f"{len(injected):,} {kind} injected: {took:.2f} s ({cpu:.2f} s of CPU), {nodes} nodes; another thread waited "
        f"at most {1000 * max(gaps):.0f} ms; the last name is {'understood' if found else 'NOT UNDERSTOOD'}"
    )
    return took <= REGRAPH_LIMIT_S and found is not None


def repaired(grammar: Grammar, tests: Sequence[Case]) -> None:
    """Print what becomes of test sentences with one letter lost, doubled, replaced or swapped."""
    rng = np.random.default_rng(7)
    parser = TemplateParser(grammar)
    counts: Counter[str] = Counter()
    for case in tests:
        text = slip(case.text.lower(), rng)
        got = parser.parse(text, None, case.context)
        fault = case.fault(got)
        flipped = got is not None and any(
            isinstance(value, str) and value in opposites(str(case.slots.get(slot.name)))
            for slot in got.slots
            for value in [slot.value]
        )
        opposite = got is not None and {got.name, case.intent} in _FLIPS
        counts["right" if not fault else "refused" if got is None else "other"] += 1
        counts["turned around"] += flipped or opposite
    n = len(tests)
    print(f"  with one slip of a letter: {', '.join(f'{kind} {counts[kind] / n:.1%}' for kind in _KINDS)} of {n}")


_KINDS = ("right", "refused", "other", "turned around")
_FLIPS = (
    {"HassTurnOn", "HassTurnOff"},
    {"HassMediaPause", "HassMediaUnpause"},
    {"HassIncreaseTimer", "HassDecreaseTimer"},
)


def slip(text: str, rng: np.random.Generator) -> str:
    """Return a text with one letter lost, doubled, replaced or swapped with the next."""
    at = int(rng.choice([i for i, letter in enumerate(text[:-1]) if letter.isalpha()]))
    changed = {
        0: text[:at] + text[at + 1 :],
        1: text[:at] + text[at] + text[at:],
        2: text[:at] + str(rng.choice(list(LETTERS))) + text[at + 1 :],
        3: text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    }
    return changed[int(rng.integers(4))]


def rejection(name: str, grammar: Grammar) -> None:
    """Print how many out-of-domain sentences are taken for an intent."""
    parser = TemplateParser(grammar)
    taken = [(text, intent.name, intent.confidence) for text in FOREIGN if (intent := parser.parse(text))]
    print(f"Refused by {name}: {len(FOREIGN) - len(taken)} of {len(FOREIGN)} out-of-domain sentences")
    for text, intent, confidence in taken:
        print(f"    {text!r} was taken for {intent} ({confidence:.2f})")


def _times(times: Iterable[float]) -> str:
    p50, p95, most = np.quantile([*times], [0.5, 0.95, 1])
    return f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, at most {most:.1f} ms"


def main() -> int:
    """Measure everything that the arguments allow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ha", type=Path, metavar="DIR", help="a copy of home-assistant/intents")
    parser.add_argument("--spoken", type=int, default=0, metavar="N", help="speak N of its test sentences")
    options = parser.parse_args()
    real = recorded()
    kept = []
    if options.ha:
        grammar, tests, right = home_assistant(options.ha)
        kept.append(right)
        graph("the whole set", grammar, real)
        repaired(grammar, tests)
        rejection("Home Assistant's sentences", grammar)
    live, fast = speed()
    known, invented = known_names(10_000), names(10_000)
    kept += [fast, regraph(live, "names", known)]
    regraph(live, "names that no dictionary has", [f"{a} {b}" for a, b in zip(invented, invented[::-1], strict=True)])
    rejection("the built-in skills", compile_grammar(sentences_of(Config())))
    if options.ha and options.spoken:
        from benchmarks.spoken_intents import spoken

        kept.append(spoken(grammar, tests, FOREIGN, options.spoken))
    print(f"limits: {RIGHT_LIMIT:.0%} right, text to intent p95 {PARSE_LIMIT_MS:g} ms, regraph {REGRAPH_LIMIT_S:g} s")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
