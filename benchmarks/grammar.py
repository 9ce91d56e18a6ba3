"""The grammar: build time, size, and CPU time to decode 3 s of speech: `python -m benchmarks.grammar`.

Measured on one thread with the built-in skills' sentences, the same with a list of 10,000 names, and 500 templates, all
in the labels of the shipped recogniser. Two kinds of speech: synthetic, random log-probabilities around a sentence in
75 label frames of 40 ms; and real, what the recogniser gives for the demo's recordings of sentences, whose times are
scaled to 3 s.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy loads BLAS

from functools import cache
from pathlib import Path
from time import process_time

import numpy as np

import voice.demo
from voice.app import sentences_of
from voice.audio.files import read_audio
from voice.config import Config
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.events import RATE, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import Grammar, NumberRange, SkillSentences, compile_grammar

DEMO = Path(voice.demo.__file__).parent
FRAMES = 75
SENTENCE = "turn on the kitchen light"
BUILD_LIMIT_S = 2.0
DECODE_LIMIT_MS = 50.0


@cache
def recogniser() -> CtcRecognizer:
    """Return the shipped recogniser."""
    return CtcRecognizer(load_bundle("asr-en", "asr"))


def decoder_of(grammar: Grammar) -> GrammarDecoder:
    """Return a decoder of the recogniser's labels."""
    heard = recogniser()
    settings = GrammarSettings(accept_per_character=1.2)
    return GrammarDecoder(grammar, heard.alphabet, heard.stride_seconds, settings, heard.speller)


def speech(text: str) -> np.ndarray:
    """Return (FRAMES, labels) log-probabilities of a sentence in the middle of silence."""
    alphabet, said = recogniser().alphabet, recogniser().spellings(text)[0]
    labels = np.full(FRAMES, alphabet.blank)
    labels[10 : 10 + 2 * len(said) : 2] = said
    logits = np.random.default_rng(0).normal(0, 1, (FRAMES, len(alphabet)))
    logits[np.arange(FRAMES), labels] += 8
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def known_names(count: int) -> list[str]:
    """Return pairs of words of the shipped language model, the same ones each time."""
    words = [word for word in recogniser().lexicon.vocabulary if len(word) > 3]
    chosen = np.random.default_rng(3).integers(0, len(words), (count, 2))
    return [f"{words[one]} {words[two]}" for one, two in chosen]


def names(count: int) -> list[str]:
    """Return made-up names of two words that no dictionary has."""
    syllables = [a + b for a in "bdfgklmnprst" for b in ("an", "el", "or", "u", "ie")]
    words = [one + two for one in syllables for two in syllables]
    return [f"{words[i % len(words)]} {words[i * 7 // len(words) % len(words)]}" for i in range(count)]


def many_templates(count: int) -> SkillSentences:
    """Return `count` templates over shared lists."""
    verbs = ("open", "close", "start", "stop", "check", "lock", "find", "play", "clean", "move")
    things = names(count // len(verbs))
    templates = [
        f"[please] {verb} [the|my] {thing} [in [the] {{room}}] [for {{n}} (minute|minutes)]"
        for verb in verbs
        for thing in things
    ]
    intents = {f"Intent{i}": [template] for i, template in enumerate(templates)}
    rooms = ["kitchen", "living room", "bathroom", "hall", "garden"]
    return SkillSentences({**intents, "LightOn": [SENTENCE]}, {"room": rooms, "n": NumberRange(1, 60)})


def recorded() -> list[np.ndarray]:
    """Return the shipped recogniser's log-probabilities of the demo's recordings of at most 6 s."""
    clips = [read_audio(path) for path in sorted(DEMO.glob("*.flac"))]
    return [recogniser().log_probs(Segment(clip, 0)) for clip in clips if len(clip) <= 6 * RATE]


def measure(name: str, sentences: SkillSentences, real: list[np.ndarray], runs: int = 7) -> bool:
    """Print one grammar's figures; return whether they keep the limits."""
    started = process_time()
    grammar = compile_grammar(sentences, ["computer"])
    decoder = decoder_of(grammar)
    graph = decoder.graph
    built = process_time() - started
    log_probs = speech(SENTENCE)
    times = []
    for _ in range(runs):
        started = process_time()
        intent = decoder.decode(log_probs)
        times.append(1000 * (process_time() - started))
    decoded = float(np.median(times))
    real_times = []
    for clip in real:
        started = process_time()
        decoder.decode(clip)
        real_times.append(1000 * (process_time() - started) * FRAMES / len(clip))
    slow = float(np.median(real_times))
    started = process_time()
    parsed = TemplateParser(grammar).parse(SENTENCE)
    parse = 1000 * (process_time() - started)
    right = intent is not None and parsed is not None and intent.text == parsed.text == SENTENCE
    print(
        f"{name:<24} {len(grammar.network.templates):>4} templates {len(graph):>7} nodes "
        f"{len(graph.source):>7} arcs   build {built:5.2f} s   decode {decoded:6.1f} ms "
        f"(real {slow:.1f}, at most {max(real_times):.1f})   parse {parse:6.1f} ms "
        f"  {'right' if right else 'WRONG'}"
    )
    return right and built <= BUILD_LIMIT_S and max(decoded, slow) <= DECODE_LIMIT_MS


def main() -> int:
    """Measure the grammars; for names that no dictionary has pronunciations are found first."""
    skills = sentences_of(Config())
    play = {"Play": ["play {name} [please]"]}
    named, invented = (SkillSentences(play, {"name": each(10_000)}) for each in (known_names, names))
    real = recorded()
    kept = [
        measure("built-in skills", skills, real),
        measure("500 templates", many_templates(500), real),
        measure("skills, 10,000 names", skills.merged(named), real),
        measure("skills, invented names", skills.merged(invented), real),
    ]
    print(f"limits: build {BUILD_LIMIT_S:g} s, decode {DECODE_LIMIT_MS:g} ms")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
