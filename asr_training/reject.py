"""How much a sentence may lose before it counts as not spoken: measured on speech that is in a grammar and on other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr_training.heard import Heard
from asr_training.sentences import command
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.graph import PlainSentences
from voice.models.asr import CtcRecognizer

_WORDS = (3, 8)  # length of the sentences that make the grammar
_COMMANDS = 4000  # sentences of the other grammar, some of them the same
_ANYTHING = GrammarSettings(accept_word=1e9, accept_label=-1e9)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A threshold and what it does."""

    accept_per_character: float
    accepted_other: float
    """Share of other speech that it takes for a sentence."""
    accepted_right: float
    """Share of sentences of the grammar that are found and accepted."""
    found: float
    """Share of sentences of the grammar that are found, whatever they lose."""
    n_other: int
    n_right: int


def calibrate(heard: Sequence[Heard], recognizer: CtcRecognizer, other: float = 0.005) -> Rejection:
    """Return the threshold that takes the share `other` of other speech for a sentence.

    Other speech is every utterance, matched with a grammar of home commands, which it hardly ever is. What the
    threshold costs is seen on the short references, as a second grammar: are they found, and accepted?

    Args:
        heard: utterances of a dev split.
        recognizer: whose alphabet and stride they have.
        other: share of other speech to accept.
    """
    rng = np.random.default_rng(1)
    commands = _decoder({command(rng) for _ in range(_COMMANDS)}, recognizer)
    own = {u.reference for u in heard if _WORDS[0] <= len(u.reference.split()) <= _WORDS[1]}
    sentences = _decoder(own, recognizer) if own else commands
    wrong, right, n_found = [], [], 0
    for utterance in heard:
        match = commands.match(utterance.log_probs)
        wrong.append(match.loss if match else np.inf)
        if utterance.reference in own:
            match = sentences.match(utterance.log_probs)
            found = match is not None and match.intent.text == utterance.reference
            n_found += found
            right.append(match.loss if match and found else np.inf)
    limit = float(np.quantile(wrong, other, method="lower")) if wrong else 1.0
    return Rejection(
        round(limit, 3),
        float(np.mean(np.asarray(wrong) <= limit)),
        float(np.mean(np.asarray(right) <= limit)) if right else float("nan"),
        n_found / max(1, len(right)),
        len(wrong),
        len(right),
    )


def _decoder(sentences: set[str], recognizer: CtcRecognizer) -> GrammarDecoder:
    grammar = PlainSentences(sorted(sentences))
    return GrammarDecoder(grammar, recognizer.alphabet, recognizer.stride_seconds, _ANYTHING, recognizer.speller)
