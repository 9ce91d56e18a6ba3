"""Home Assistant's test sentences, spoken by voices that no training heard: part of `python -m benchmarks.intents`."""

from collections.abc import Sequence
from time import process_time

import numpy as np

from benchmarks.home_assistant import Case
from kws_training.synthesis import Style, synthesise
from voice.config import Config
from voice.decoding.grammar import GrammarDecoder
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.nlu.templates import Grammar

VOICES = ("flite:slt", "festival:ked_diphone", "espeak-ng:en-us+f2")
"""One of each engine, of those in `kws_training.synthesis.HELD_OUT`."""
SILENCE = 0.3  # s before and after
LIMIT = 0.9


def spoken(grammar: Grammar, tests: Sequence[Case], count: int) -> bool:
    """Print how many of `count` sentences are right by voice; return whether that is enough."""
    recognizer = CtcRecognizer(load_bundle("asr-en", "asr"))
    limit = recognizer.decision.accept_per_character
    settings = Config().grammar.model_copy(update={"accept_per_character": limit})
    decoder = GrammarDecoder(grammar, recognizer.alphabet, recognizer.stride_seconds, settings)
    chosen = sample(grammar, tests, count)
    total, times = 0, []
    print(f"Spoken: {len(chosen)} test sentences without free words, drawn at random")
    for voice in VOICES:
        right, found, wrong = 0, 0, []
        for case in chosen:
            log_probs = recognizer.log_probs(Segment(padded(synthesise(case.text, Style(voice))), 0))
            started = process_time()
            match = decoder.match(log_probs, None, case.context)
            times.append(1000 * (process_time() - started) / (len(log_probs) * recognizer.stride_seconds))
            intent = match.intent if match and decoder.accepts(match) else None
            found += match is not None and not case.fault(match.intent)
            right += not case.fault(intent)
            if intent and case.fault(intent):
                wrong.append((case.text, intent.text))
        total += right
        n = len(chosen)
        print(
            f"  {voice:<22} right {right / n:.1%}, refused {(n - right - len(wrong)) / n:.1%}, "
            f"wrong {len(wrong) / n:.1%}"
            f"   (best sentence right, accepted or not: {found / n:.1%})"
        )
        for said, heard in wrong[:8]:
            print(f"      {said!r} was heard as {heard!r}")
    share = total / (len(chosen) * len(VOICES))
    print(
        f"  together {share:.1%} right (limit {LIMIT:.0%}); "
        f"decoding {np.median(times):.1f} ms for each second of speech"
    )
    return share >= LIMIT


def sample(grammar: Grammar, tests: Sequence[Case], count: int) -> list[Case]:
    """Return test sentences that the decoding graph holds."""
    closed = []
    for case in tests:
        parses = grammar.parses(grammar.lattice(case.text), None, case.context)
        if parses and not any(filled.is_wild for filled in parses[0].filled):
            closed.append(case)
    order = np.random.default_rng(5).permutation(len(closed))
    return [closed[i] for i in order[:count]]


def padded(samples: Samples) -> Samples:
    """Return speech between two silences, with the faintest noise, at a common level."""
    quiet = np.zeros(int(SILENCE * RATE), np.float32)
    speech = np.concatenate([quiet, samples * np.float32(0.3 / max(1e-6, np.abs(samples).max())), quiet])
    noise = np.random.default_rng(0).normal(0, 1e-4, len(speech))
    return (speech + noise).astype(np.float32)
