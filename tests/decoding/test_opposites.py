"""Speech is never turned around: by a syllable that was swallowed, or a "don't" that was passed over."""

import numpy as np
import pytest

from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.nlu.templates import SkillSentences, compile_grammar

SENTENCES = SkillSentences(
    {"Lock": ["lock the {door} door"], "Unlock": ["unlock the {door} door"], "On": ["turn on the light"]},
    {"door": ["front", "back"]},
)
SETTINGS = GrammarSettings(accept_per_character=1.6)
DECODER = GrammarDecoder(compile_grammar(SENTENCES, ["computer"]), ALPHABET, 0.04, SETTINGS)


def half_swallowed(text: str, share: float) -> np.ndarray:
    """Return speech whose first two letters have only `share` of each frame's probability; the blank has the rest."""
    log_probs = posteriors_of(text, sharpness=9.0)
    labels = log_probs.argmax(axis=1)
    begun = np.flatnonzero(np.isin(labels, ALPHABET.encode(text[:2])))[:2]
    for frame in begun:
        log_probs[frame] = np.log((1 - share) / 28)
        log_probs[frame, ALPHABET.blank] = np.log(1 - share)
        log_probs[frame, labels[frame]] = np.log(share)
        log_probs[frame] -= np.logaddexp.reduce(log_probs[frame])
    return log_probs.astype(np.float32)


@pytest.mark.parametrize(("share", "expected"), [(0.45, "Unlock"), (0.2, "Unlock"), (0.03, None)])
def test_a_swallowed_syllable_never_turns_a_command_around(share: float, expected: str | None) -> None:
    intent = DECODER.decode(half_swallowed("unlock the front door", share))
    assert (intent and intent.name) == expected


def test_what_was_said_clearly_is_not_changed() -> None:
    for text, name in (("lock the front door", "Lock"), ("unlock the back door", "Unlock")):
        for seed in range(20):
            intent = DECODER.decode(posteriors_of(text, seed=seed, sharpness=8.0))
            assert intent is not None
            assert (intent.name, intent.text) == (name, text)


@pytest.mark.parametrize("denial", ["don't", "do not", "never", "not", "computer don't", "please do not"])
def test_a_denied_command_is_no_command(denial: str) -> None:
    for seed in range(5):
        assert DECODER.decode(posteriors_of(f"{denial} turn on the light", seed=seed, sharpness=6.0)) is None
