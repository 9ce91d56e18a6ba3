"""How alike phones sound, and weighted edit distances of a phrase to many phone sequences at once.

A sequence is compared by Levenshtein's recurrence with the costs below; `anywhere` by Sellers' (1980, "The theory and
computation of evolutionary distances"), which lets the phrase begin and end anywhere in the sequence. One step of the
recurrence is one array operation over all sequences that are long enough for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voice.decoding.phones import PHONES, VOWELS, Phones

Costs = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]

_CODE = {phone: i for i, phone in enumerate(PHONES)}
_BASE = 0.2  # two phones that differ at all


@dataclass(frozen=True, slots=True)
class Sequences:
    """Many phone sequences, the longest first."""

    codes: Codes
    """Places in `PHONES`, shape (longest, n), filled up with 0."""
    lengths: npt.NDArray[np.int64]
    """Shape (n,), descending."""
    order: npt.NDArray[np.int64]
    """Where each sequence stood in what `sequences` was given, shape (n,)."""

    def reversed(self) -> "Sequences":
        """Return the sequences read from behind."""
        place = self.lengths[None, :] - 1 - np.arange(len(self.codes))[:, None]
        codes = np.take_along_axis(self.codes, np.maximum(place, 0), axis=0)
        return Sequences(np.where(place >= 0, codes, 0).astype(np.int8), self.lengths, self.order)


def sequences(spoken: Sequence[Phones]) -> Sequences:
    """Return phone sequences ready to be compared."""
    lengths = np.fromiter(map(len, spoken), np.int64, len(spoken))
    order = np.argsort(-lengths, kind="stable")
    flat = np.fromiter((_CODE[phone] for phones in spoken for phone in phones), np.int8, int(lengths.sum()))
    codes = np.zeros((int(lengths.max(initial=0)), len(spoken)), np.int8)
    row = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    codes[row, np.repeat(np.arange(len(spoken)), lengths)] = flat
    return Sequences(codes[:, order], lengths[order], order)


def distance(one: Phones, other: Phones) -> float:
    """Return the weighted edit distance of two phone sequences."""
    return float(prefix_distances(one, sequences([other]))[-1, 0])


def prefix_distances(phrase: Phones, spoken: Sequences) -> Costs:
    """Return how far each whole sequence is from the first i phones of `phrase`.

    Returns:
        Shape (len(phrase) + 1, n), in the order that the sequences were given.
    """
    ends = np.zeros((len(phrase) + 1, len(spoken.lengths)), np.float32)
    place = np.arange(len(spoken.lengths))
    for i, row in enumerate(_rows(phrase, spoken, anywhere=False)):
        ends[i, spoken.order] = row[spoken.lengths, place]
    return ends


def distances_within(phrase: Phones, spoken: Sequences) -> Costs:
    """Return how far the nearest part of each sequence that ends at each place is from `phrase`.

    Returns:
        Shape (longest + 1, n), in the order that the sequences were given; behind a sequence's end infinite.
    """
    *_, last = _rows(phrase, spoken, anywhere=True)
    last[np.arange(len(last))[:, None] > spoken.lengths[None, :]] = np.inf
    found = np.empty_like(last)
    found[:, spoken.order] = last
    return found


def _rows(phrase: Phones, spoken: Sequences, *, anywhere: bool) -> Iterator[Costs]:
    """Yield the recurrence's rows of shape (longest + 1, n), one for the empty phrase and one more for each phone."""
    costs, gaps = substitutions(), gap_costs()
    longest, n = spoken.codes.shape
    n_left = [int(np.searchsorted(-spoken.lengths, -j, side="right")) for j in range(1, longest + 1)]
    inserted = gaps[spoken.codes]
    row = np.zeros((longest + 1, n), np.float32)
    if not anywhere:
        row[1:] = np.cumsum(inserted, axis=0)
    yield row
    for phone in phrase:
        code = _CODE[phone]
        replaced = costs[code][spoken.codes]
        fresh = np.full_like(row, np.inf)
        fresh[0] = row[0] + gaps[code]
        for j, k in enumerate(n_left):
            best = np.minimum(row[j, :k] + replaced[j, :k], row[j + 1, :k] + gaps[code])
            fresh[j + 1, :k] = np.minimum(best, fresh[j, :k] + inserted[j, :k])
        row = fresh
        yield row


@lru_cache(maxsize=1)
def gap_costs() -> Costs:
    """Return what a phone too many or too few costs, shape (39,): least for those that fast speech swallows."""
    light = {"AH": 0.7, "HH": 0.6, "T": 0.7, "D": 0.7, "IH": 0.9, "R": 0.9, "Y": 0.7}
    return np.array([light.get(phone, 1.0) for phone in PHONES], np.float32)


@lru_cache(maxsize=1)
def substitutions() -> Costs:
    """Return what one phone for another costs, shape (39, 39), symmetric: 0 for the same, 1.5 at most."""
    return np.array([[_substitution(one, other) for other in PHONES] for one in PHONES], np.float32)


def _substitution(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if frozenset((one, other)) in _GLIDES:
        return 0.6
    if (one in VOWELS) != (other in VOWELS):
        return 1.5
    if one in VOWELS:
        apart = min(_apart(a, b) for a in _TARGETS[one] for b in _TARGETS[other])
        return min(1.0, _BASE + apart / 6)
    (place, manner, voiced), (place2, manner2, voiced2) = _CONSONANTS[one], _CONSONANTS[other]
    kinds = 0.0 if manner == manner2 else 0.25 if frozenset((manner, manner2)) in _AKIN else 0.5
    return min(1.0, _BASE + min(0.5, 0.12 * abs(place - place2)) + kinds + 0.3 * (voiced != voiced2))


def _apart(one: str, other: str) -> float:
    """Return how far two movements of the first two formants are apart, in Bark: root mean square of start and end."""
    starts, ends = zip(_ends(one), _ends(other), strict=True)
    return float(np.sqrt(np.mean([np.sum((a - b) ** 2) for a, b in (starts, ends)])))


def _ends(movement: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    hertz = np.array([_FORMANTS[target] for target in (movement[:2], movement[-2:])], float)
    start, end = 26.81 * hertz / (1960 + hertz) - 0.53  # Bark, Traunmueller 1990
    return start, end


_FORMANTS = {
    "IY": (270, 2290), "IH": (390, 1990), "EH": (530, 1840), "AE": (660, 1720), "AA": (730, 1090), "AO": (570, 840),
    "UH": (440, 1020), "UW": (300, 870), "AH": (640, 1190), "ER": (490, 1350), "AX": (500, 1500),
}  # fmt: skip
"""First two formants of men, Hz: Peterson and Barney 1952, "Control methods used in a study of the vowels", table 2;
the reduced vowel AX is the neutral tube's."""

_TARGETS = {vowel: (vowel,) for vowel in _FORMANTS if vowel != "AX"} | {
    "AH": ("AH", "AX"), "EY": ("EH-IY",), "AY": ("AA-IH",), "OY": ("AO-IH",), "AW": ("AA-UH",), "OW": ("AO-UW",),
}  # fmt: skip
"""A vowel's movement, and for AH the full and the reduced vowel, which the dictionary writes alike."""

_GLIDES = {frozenset(pair) for pair in (("ER", "R"), ("IY", "Y"), ("UW", "W"))}
_AKIN = {frozenset(pair) for pair in (("stop", "affricate"), ("affricate", "fricative"), ("liquid", "glide"))}
_BILABIAL, _LABIODENTAL, _DENTAL, _ALVEOLAR, _POSTALVEOLAR, _PALATAL, _VELAR, _GLOTTAL = range(8)
_CONSONANTS = {
    "P": (_BILABIAL, "stop", False), "B": (_BILABIAL, "stop", True), "M": (_BILABIAL, "nasal", True),
    "F": (_LABIODENTAL, "fricative", False), "V": (_LABIODENTAL, "fricative", True),
    "TH": (_DENTAL, "fricative", False), "DH": (_DENTAL, "fricative", True),
    "T": (_ALVEOLAR, "stop", False), "D": (_ALVEOLAR, "stop", True), "N": (_ALVEOLAR, "nasal", True),
    "S": (_ALVEOLAR, "fricative", False), "Z": (_ALVEOLAR, "fricative", True), "L": (_ALVEOLAR, "liquid", True),
    "CH": (_POSTALVEOLAR, "affricate", False), "JH": (_POSTALVEOLAR, "affricate", True),
    "SH": (_POSTALVEOLAR, "fricative", False), "ZH": (_POSTALVEOLAR, "fricative", True),
    "R": (_POSTALVEOLAR, "liquid", True), "Y": (_PALATAL, "glide", True), "W": (_BILABIAL, "glide", True),
    "K": (_VELAR, "stop", False), "G": (_VELAR, "stop", True), "NG": (_VELAR, "nasal", True),
    "HH": (_GLOTTAL, "fricative", False),
}  # fmt: skip
"""Place from the lips to the throat, manner, voice."""
