"""Home Assistant's test sentences, spoken by voices that no training heard: part of `python -m benchmarks.intents`."""

from collections.abc import Sequence

import numpy as np

from benchmarks.home_assistant import Case
from kws_training.synthesis import Style, synthesise
from voice.config import Config
from voice.decoding.grammar import GrammarDecoder, GrammarMatch
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.nlu.templates import Grammar
from voice.stages import LogProbs

VOICES = ("flite:slt", "festival:ked_diphone", "espeak-ng:en-us+f2")
"""One of each engine, of those in `kws_training.synthesis.HELD_OUT`."""
SILENCE = 0.3  # s before and after
LIMIT = 0.9


def spoken(grammar: Grammar, tests: Sequence[Case], foreign: Sequence[str], count: int) -> bool:
    """Print how many of `count` sentences are right by voice, and how many of other sentences are refused.

    Returns:
        Whether enough are right.
    """
    recognizer = CtcRecognizer(load_bundle("asr-en", "asr"))
    limit = recognizer.decision.accept_per_character
    settings = Config().grammar.model_copy(update={"accept_per_character": limit})
    decoder = GrammarDecoder(grammar, recognizer.alphabet, recognizer.stride_seconds, settings, recognizer.speller)
    chosen = sample(grammar, tests, count)
    print(f"Spoken: {len(chosen)} test sentences without free words, drawn at random")
    total = 0
    for voice in VOICES:
        matches = [decoder.match(heard(recognizer, case.text, voice), None, case.context) for case in chosen]
        total += _judged(voice, decoder, chosen, matches)
    share = total / (len(chosen) * len(VOICES))
    print(f"  together {share:.1%} right (limit {LIMIT:.0%})")
    for voice in VOICES:
        taken = [text for text in foreign if decoder.decode(heard(recognizer, text, voice))]
        print(f"  {voice:<22} refused {len(foreign) - len(taken)} of {len(foreign)} out-of-domain sentences")
    return share >= LIMIT


def heard(recognizer: CtcRecognizer, text: str, voice: str) -> LogProbs:
    """Return the log-probabilities of a spoken text."""
    return recognizer.log_probs(Segment(padded(synthesise(text, Style(voice))), 0))


def _judged(voice: str, decoder: GrammarDecoder, chosen: Sequence[Case], matches: Sequence[GrammarMatch | None]) -> int:
    """Print one voice's figures; return how many sentences are right. What is asked back is neither right nor wrong."""
    intents = [match.intent if match and decoder.accepts(match) else None for match in matches]
    asked = sum(intent is not None and intent.dangerous for intent in intents)
    pairs = [(case, intent) for case, intent in zip(chosen, intents, strict=True) if not (intent and intent.dangerous)]
    found = sum(match is not None and not case.fault(match.intent) for case, match in zip(chosen, matches, strict=True))
    right = sum(not case.fault(intent) for case, intent in pairs)
    wrong = [(case.text, intent.text) for case, intent in pairs if intent and case.fault(intent)]
    n = len(chosen)
    print(
        f"  {voice:<22} right {right / n:.1%}, asked back {asked / n:.1%}, "
        f"refused {(n - right - asked - len(wrong)) / n:.1%}, wrong {len(wrong) / n:.1%}   "
        f"(best sentence right, accepted or not: {found / n:.1%})"
    )
    for said, understood in wrong:
        print(f"      {said!r} was heard as {understood!r}")
    return right


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
