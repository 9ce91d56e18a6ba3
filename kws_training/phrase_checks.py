"""What is said of a wake word before anything is trained: is it long enough, and how often do people say it anyway?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from kws_training.evaluate import poisson
from kws_training.phone_distance import distances_within, sequences
from kws_training.pronounce import Pronouncer, Pronunciation
from kws_training.word_rates import WORDS_AN_HOUR
from kws_training.written_speech import written_speech
from voice.decoding.phones import Phones
from voice.errors import DataError
from voice.text import normalise

FEWEST_SYLLABLES, FEWEST_PHONES, MOST_PHONES = 2, 5, 20
OFTEN = 1.0
"""Times an hour of running speech that make a phrase too common."""

_ITSELF, _ALIKE = 0.3, 0.5  # weighted phone distance: a vowel of another accent, and a near vowel or another voice
_AT_ONCE = 2_000  # stretches of speech that are searched together


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something was found in running speech."""

    n: int
    hours: float
    per_hour: float
    low: float
    high: float
    """95 % limits of `per_hour`."""

    def __str__(self) -> str:
        return f"{_short(self.per_hour)} times an hour ({self.n} in {self.hours:.3g} h, 95 % up to {_short(self.high)})"


@dataclass(frozen=True, slots=True)
class PhraseWarning:
    """Why a phrase makes a poor wake word."""

    code: str
    """`one-syllable`, `short`, `long`, `common` or `guessed`."""
    text: str
    """One line that says why, and what to do."""


@dataclass(frozen=True, slots=True)
class PhraseReport:
    """A phrase before training."""

    phrase: Pronunciation
    said: Rate | None
    """The phrase itself in running speech, also inside words and across them; None without transcripts."""
    alike: Rate | None
    """With everything that can't be told from it: the false accepts to expect of the best of detectors."""
    estimate: float | None
    """The same by the language model of `asr-en` where there are no transcripts; None also without a dictionary."""
    warnings: tuple[PhraseWarning, ...]

    @property
    def expected_per_hour(self) -> float | None:
        """False accepts to expect in an hour of running speech of a good detector; None where nothing is known."""
        return self.alike.per_hour if self.alike else self.estimate


class RunningSpeech:
    """Transcripts as phones; each goes on until a word that is in no dictionary.

    Args:
        texts: transcripts.
        pronouncer: whose dictionary says how their words are said.
        hours: how long they take to say; None: by the number of their words.
    """

    def __init__(self, texts: Iterable[str], pronouncer: Pronouncer, hours: float | None = None) -> None:
        self._stretches: list[Phones] = []
        n_words = 0
        for text in texts:
            words = normalise(text).split()
            n_words += len(words)
            self._stretches += _stretches(words, pronouncer)
        self._stretches.sort(key=len)
        self.hours = hours or n_words / WORDS_AN_HOUR

    def rates(self, phrase: Pronunciation) -> tuple[Rate, Rate]:
        """Return how often the phrase is said, and how often what can't be told from it (itself included)."""
        found = np.zeros(2, np.int64)
        for at in range(0, len(self._stretches), _AT_ONCE):
            spoken = sequences(self._stretches[at : at + _AT_ONCE])
            nearest = np.min([distances_within(said, spoken) for said in phrase.variants], axis=0)
            for i, furthest in enumerate((_ITSELF, _ALIKE)):
                within = nearest < furthest
                found[i] += np.count_nonzero(within[1:] & ~within[:-1])
        said, alike = (Rate(int(n), self.hours, *poisson(int(n), max(self.hours, 1e-9))) for n in found)
        return said, alike


def _stretches(words: list[str], pronouncer: Pronouncer) -> Iterator[Phones]:
    stretch: list[str] = []
    for word in words:
        if said := pronouncer.dictionary.get(word):
            stretch += said[0]
        elif stretch:
            yield tuple(stretch)
            stretch = []
    if stretch:
        yield tuple(stretch)


def check_phrase(phrase: Pronunciation, speech: RunningSpeech | None = None) -> PhraseReport:
    """Return what speaks against a phrase as a wake word.

    Args:
        phrase: how it is said.
        speech: transcripts to count it in; without them its rate is estimated by the shipped language model.
    """
    said, alike = speech.rates(phrase) if speech else (None, None)
    estimate = None if speech else _estimate(phrase)
    report = PhraseReport(phrase, said, alike, estimate, ())
    return PhraseReport(phrase, said, alike, estimate, tuple(_warnings(report)))


def _estimate(phrase: Pronunciation) -> float | None:
    if len(phrase.phones) > MOST_PHONES:  # nobody says that by chance
        return 0.0
    try:
        return written_speech().times_an_hour(phrase.variants, _ALIKE)
    except DataError:  # no dictionary is installed; the phrase was said by another one
        return None


def _warnings(report: PhraseReport) -> Iterator[PhraseWarning]:
    phrase = report.phrase
    name, n = repr(phrase.text), len(phrase.phones)
    faults = []
    if phrase.n_syllables < FEWEST_SYLLABLES:
        faults.append(("one-syllable", f"has one syllable, {n} phones", f"say more, as in 'hey {phrase.words[-1]}'"))
    elif n < FEWEST_PHONES:
        faults.append(("short", f"has only {n} phones", f"say more, as in 'hey {phrase.words[-1]}'"))
    if (report.expected_per_hour or 0) >= OFTEN:
        faults.append(("common", "is too common", "take words that people say less often"))
    for i, (code, what, fix) in enumerate(faults):
        yield PhraseWarning(code, f"{name} {what}{'' if i else _expected(report)}: {fix}")
    if n > MOST_PHONES:
        yield PhraseWarning("long", f"{name} has {n} phones, {MOST_PHONES} at most fit into the window: say less")
    for word, said in zip(phrase.words, phrase.said, strict=True):
        if word in phrase.guessed:
            ways = " or ".join("-".join(phones) for phones in said)
            text = f"{word!r} is in no dictionary and taken as {ways}: if that is wrong, write it as it sounds"
            yield PhraseWarning("guessed", text)


def _expected(report: PhraseReport) -> str:
    if report.alike and report.said:
        rate = _short(report.alike.per_hour)
        return (
            f"; running speech holds it {report.said}, and {rate} times with what sounds the same, so expect some "
            f"{rate} false accepts an hour while people talk"
        )
    if report.estimate is not None:
        rate = _short(report.estimate)
        return (
            f"; by the shipped language model, speech holds its sounds {rate} times an hour, so expect some {rate} "
            "false accepts an hour while people talk"
        )
    return ""


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
