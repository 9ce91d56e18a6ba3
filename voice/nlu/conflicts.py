"""Sentences that two intents claim, and what the grammar costs: what `voice intents check` says."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from voice.nlu.grammar import Grammar
from voice.nlu.network import START

SAMPLES = 20
"""Sentences drawn from each template."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A sentence, and the intents that claim it; the first one gets it."""

    text: str
    intents: tuple[str, ...]


def conflicts(grammar: Grammar, samples: int = SAMPLES) -> list[Conflict]:
    """Return one sentence for each set of intents that claim the same; wildcards, which claim anything, don't count.

    Args:
        grammar: the compiled sentences.
        samples: how many sentences to draw from each template.
    """
    found: dict[frozenset[str], Conflict] = {}
    for text in drawn(grammar, samples):
        parses = grammar.parses(grammar.lattice(text), wild=False)
        intents = tuple(dict.fromkeys(parse.template.block.intent for parse in parses))
        if len(intents) > 1:
            found.setdefault(frozenset(intents), Conflict(text, intents))
    return sorted(found.values(), key=lambda conflict: conflict.intents)


def drawn(grammar: Grammar, samples: int) -> Iterator[str]:
    """Yield sentences of each template, the same ones each time; none of a template that only a wildcard completes."""
    generator = random.Random(0)  # noqa: S311 - no secret
    starts: dict[int, list[tuple[str, int]]] = {}
    for text, state in _steps(grammar, START, generator):
        starts.setdefault(grammar.network.owner[state], []).append((text, state))
    for first in starts.values():
        for _ in range(samples):
            text, state = generator.choice(first)
            words = [text]
            finals = grammar.network.finals
            while onward := _steps(grammar, state, generator):
                if state in finals and generator.random() < 0.5:
                    break
                word, state = generator.choice(onward)
                words.append(word)
            if state in finals:
                yield " ".join(words)


def _steps(grammar: Grammar, state: int, generator: random.Random) -> list[tuple[str, int]]:
    """Return the ways on from a state: a word, or a value of a list, and the state after it."""
    network = grammar.network
    found = [(word, after) for word, states in network.words[state].items() for after in states]
    for (before, place, behind), states in network.uses[state].items():
        if not network.places[place].is_wild and (entries := grammar.entries(network.places[place].values)):
            spoken = before + " ".join(generator.choice(entries).words) + behind
            found += [(spoken, after) for after in states]
    return found
