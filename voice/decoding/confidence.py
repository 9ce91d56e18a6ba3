"""How sure a word is: the probability that it is right, from how well its letters fit, fitted on a dev set.

A logistic regression on the mean log-probability of the word's labels and on its length (Platt 1999, "Probabilistic
outputs for support vector machines": one sigmoid over a score).
"""

from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.events import Token, Transcript

_LEAST = 1e-6  # of a geometric mean of probabilities


class WordConfidence(BaseModel):
    """Turns the geometric mean of a word's label probabilities into the probability that the word is right."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offset: float = Field(description="of the log-odds")
    slope: float = Field(ge=0, description="log-odds for each nat of the labels' mean log-probability")
    per_letter: float = Field(description="log-odds for each letter")

    def calibrated(self, transcript: Transcript) -> Transcript:
        """Return a transcript with calibrated words; its own confidence is the share of words expected to be right."""
        tokens = tuple(replace(token, confidence=self.probability(token)) for token in transcript.tokens)
        confidence = float(np.mean([token.confidence for token in tokens])) if tokens else 0.0
        return replace(transcript, tokens=tokens, confidence=confidence)

    def probability(self, token: Token) -> float:
        """Return the probability that a word is right whose confidence is not calibrated yet."""
        fit, letters = features_of(token)
        return float(1 / (1 + np.exp(-(self.offset + self.slope * fit + self.per_letter * letters))))


def features_of(token: Token) -> tuple[float, float]:
    """Return what the log-odds of a word depend on: the mean log-probability of its labels, its letters."""
    return float(np.log(max(token.confidence, _LEAST))), float(len(token.text))
