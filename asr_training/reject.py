"""How much a sentence may lose before it counts as not spoken: measured on speech that is in a grammar and on other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr_training.heard import Heard
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.decoding.graph import GraphBuilder, Template
from voice.models.asr import CtcRecognizer

_WORDS = (3, 8)  # length of the sentences that make the grammar
_MOST = 200  # of them
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


def calibrate(heard: Sequence[Heard], recognizer: CtcRecognizer, other: float = 0.01) -> Rejection:
    """Return the threshold that takes the share `other` of other speech for a sentence.

    Short references of the utterances make a grammar of whole sentences. Each utterance is matched with the half of the
    grammar that lacks its sentence (other speech), and with the half that has it.

    Args:
        heard: utterances of a dev split.
        recognizer: whose alphabet and stride they have.
        other: share of other speech to accept.
    """
    short = sorted({u.reference for u in heard if _WORDS[0] <= len(u.reference.split()) <= _WORDS[1]})[:_MOST]
    halves = [set(short[0::2]), set(short[1::2])]
    decoders = [_decoder(half, recognizer) for half in halves]
    wrong, right, n_found = [], [], 0
    for utterance in heard:
        for half, decoder in zip(halves, decoders, strict=True):
            match = decoder.match(utterance.log_probs) if half else None
            loss = match.loss if match else np.inf
            if utterance.reference not in half:
                wrong.append(loss)
            elif match and match.intent.text == utterance.reference:
                right.append(loss)
                n_found += 1
            else:
                right.append(np.inf)
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
    builder = GraphBuilder()
    for sentence in sorted(sentences):
        builder.end(builder.text(builder.begin(Template(sentence, sentence)), sentence))
    return GrammarDecoder(builder.build(), recognizer.alphabet, recognizer.stride_seconds, _ANYTHING)
