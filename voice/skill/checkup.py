"""What is wrong or dear about a set of skills: sentences that two intents claim, intents that nothing reaches, cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import thread_time

import numpy as np

from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.speller import Speller
from voice.nlu.conflicts import conflicts, drawn
from voice.nlu.templates import Grammar, SkillSentences, compile_grammar
from voice.skill.learner import always_intents, merged_sentences
from voice.skill.skill import Skill
from voice.stages import LogProbs
from voice.text import Alphabet

_SAMPLES = 20
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at."""

    kind: str
    """conflict, unreachable or silent."""
    intents: tuple[str, ...]
    text: str
    """One line: what, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a skill's sentences cost."""

    skill: str
    intents: int
    nodes: int
    arcs: int
    decoding_ms: float | None
    """CPU time to search an utterance for them; None where it was not measured."""


def findings(skills: Sequence[Skill], written: SkillSentences | None = None) -> list[Finding]:
    """Return what is wrong with skills that run together; each question's answers are looked at by themselves.

    Args:
        skills: what runs together.
        written: the sentences of files that are heard beside theirs.
    """
    written = written or SkillSentences()
    always = {*always_intents(skills), *written.names}
    owners = dict.fromkeys(written.names, "a file of sentences")
    owners |= {handler.intent: skill.name for skill in skills for handler in skill.handlers if not handler.is_answer}
    everything = merged_sentences(skills).merged(written)
    kept = {intent: templates for intent, templates in everything.intents.items() if intent in always}
    grammar = compile_grammar(replace(everything, intents=kept))
    found = []
    for conflict in conflicts(grammar, _SAMPLES):
        who = " and ".join(f"{intent} of {owners[intent]}" for intent in conflict.intents)
        text = f"{conflict.text!r} is claimed by {who}; {conflict.intents[0]} gets it: change one"
        found.append(Finding("conflict", conflict.intents, text))
    for skill in skills:
        found += _unreachable(skill, grammar)
        if not skill.examples:
            found.append(Finding("silent", (), f"skill {skill.name} gives no example: add skill.example(...)"))
    return found


def _unreachable(skill: Skill, grammar: Grammar) -> list[Finding]:
    found = []
    for intent in dict.fromkeys(handler.intent for handler in skill.handlers if not handler.is_answer):
        own = skill.sentences()
        alone = type(own)({intent: own.intents[intent]}, own.lists, own.rules, own.fixed)
        samples = [*drawn(compile_grammar(alone), _SAMPLES)]
        taken = [parsed.name for text in samples if (parsed := grammar.read(text))]
        if taken and intent not in taken:
            text = f"{intent} of {skill.name} is never reached: all its sentences go to {', '.join(sorted({*taken}))}"
            found.append(Finding("unreachable", (intent, *sorted({*taken})), text))
    return found


@dataclass(frozen=True)
class Utterance:
    """Speech to measure with."""

    log_probs: LogProbs
    alphabet: Alphabet
    stride_seconds: float
    speller: Speller


def costs(skills: Sequence[Skill], speech: Utterance | None = None) -> list[Cost]:
    """Return what each skill's sentences cost, the dearest first, and all of them together under the name "all".

    Args:
        skills: what runs together.
        speech: an utterance to search; None leaves the time out.
    """
    each: Mapping[str, Sequence[Skill]] = {skill.name: [skill] for skill in skills if skill.handlers}
    found = [_cost(name, some, speech) for name, some in each.items()]
    return [*sorted(found, key=lambda cost: -cost.nodes), _cost("all", skills, speech)]


def _cost(name: str, skills: Sequence[Skill], speech: Utterance | None) -> Cost:
    grammar = compile_grammar(merged_sentences(skills))
    always = always_intents(skills)
    graph = grammar.graph(always, speech.speller) if speech else grammar.graph(always)
    took = None
    if speech is not None:
        settings = GrammarSettings(accept_per_character=1.0)
        decoder = GrammarDecoder(grammar, speech.alphabet, speech.stride_seconds, settings, speech.speller)
        decoder.decode(speech.log_probs, always)
        times = []
        for _ in range(_RUNS):
            started = thread_time()
            decoder.decode(speech.log_probs, always)
            times.append(1000 * (thread_time() - started))
        took = float(np.median(times))
    return Cost(name, len(grammar.intents), len(graph), len(graph.source), took)
