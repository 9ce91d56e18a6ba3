"""Speech is never turned around: where it may be the opposite, it is asked back; a "don't" is not passed over."""

import numpy as np
import pytest

from tests.decoding.posteriors import ALPHABET, posteriors_of
from voice.decoding.grammar import GrammarDecoder, GrammarSettings
from voice.nlu.templates import SkillSentences, compile_grammar

SENTENCES = SkillSentences(
    {
        "Lock": ["lock the {door} door"],
        "Unlock": ["unlock the {door} door"],
        "On": ["turn on the light"],
        "Brightest": ["set the light to max"],
        "Darkest": ["set the light to min"],
    },
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


@pytest.mark.parametrize(
    ("share", "name", "asked"),
    [(0.45, "Unlock", False), (0.2, "Unlock", True), (0.03, "Lock", True)],
)
def test_a_swallowed_syllable_never_turns_a_command_around(share: float, name: str, asked: bool) -> None:
    intent = DECODER.decode(half_swallowed("unlock the front door", share))
    assert intent is not None
    assert (intent.name, intent.dangerous) == (name, asked)


def between(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Return speech that is `one` or `other`, frame by frame, `share` of the probability being `one`'s."""
    mixed = np.logaddexp(one + np.log(share), other + np.log(1 - share))
    return (mixed - np.logaddexp.reduce(mixed, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("share", "name", "asked"),
    [
        (0.999, "Brightest", False),
        (0.7, "Brightest", True),
        (0.5, None, True),
        (0.3, "Darkest", True),
        (0.001, "Darkest", False),
    ],
)
def test_what_may_be_the_opposite_is_asked_back(share: float, name: str | None, asked: bool) -> None:
    one, other = (posteriors_of(f"set the light to {most}", sharpness=9.0) for most in ("max", "min"))
    intent = DECODER.decode(between(one, other, share))
    assert intent is not None
    assert intent.dangerous == asked
    assert name in (None, intent.name)


def test_what_was_said_clearly_is_not_changed() -> None:
    for text, name in (("lock the front door", "Lock"), ("unlock the back door", "Unlock")):
        for seed in range(20):
            intent = DECODER.decode(posteriors_of(text, seed=seed, sharpness=8.0))
            assert intent is not None
            assert (intent.name, intent.text, intent.dangerous) == (name, text, False)


@pytest.mark.parametrize("denial", ["don't", "do not", "never", "not", "computer don't", "please do not"])
def test_a_denied_command_is_no_command(denial: str) -> None:
    for seed in range(5):
        assert DECODER.decode(posteriors_of(f"{denial} turn on the light", seed=seed, sharpness=6.0)) is None
