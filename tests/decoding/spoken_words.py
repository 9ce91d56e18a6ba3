"""A few words, and how each is said: a speller for graphs of phones."""

from collections.abc import Iterable, Sequence

from voice.decoding.phones import PHONES
from voice.text import Alphabet

PHONE_ALPHABET = Alphabet(("<blank>", *PHONES))

_SAID = """
turn T ER N|switch S W IH CH|on AA N/AO N|off AO F/AA F|of AH V/AA V|the DH AH/DH IY|light L AY T|lights L AY T S
kitchen K IH CH AH N|living L IH V IH NG|room R UW M/R UH M|bathroom B AE TH R UW M|hall HH AO L|haul HH AO L
set S EH T|a AH/EY|timer T AY M ER|for F AO R/F ER|four F AO R|to T UW/T AH|two T UW|too T UW|one W AH N|won W AH N
minute M IH N AH T|minutes M IH N AH T S|please P L IY Z|computer K AH M P Y UW T ER|call K AO L
jon JH AA N|john JH AA N|mary M EH R IY|marry M EH R IY|had HH AE D|little L IH T AH L|lamb L AE M|fleece F L IY S
was W AA Z/W AH Z|white W AY T
don't D OW N T|do D UW|not N AA T|never N EH V ER|lock L AA K|unlock AH N L AA K|door D AO R|add AE D|ad AE D
""".replace("\n", "|")
SAID = {
    word: tuple(tuple(way.split()) for way in ways.split("/"))
    for word, _, ways in (entry.partition(" ") for entry in _SAID.split("|") if entry)
}


class SpokenWords:
    """Spells the words of `SAID`."""

    separator = ""

    def ways(self, word: str) -> Sequence[Sequence[str]]:
        return SAID[word]

    def prepare(self, words: Iterable[str]) -> None:
        """Nothing is left to find."""


SPELLER = SpokenWords()


def phones_of(text: str, way: int = 0) -> list[str]:
    """Return the phones of a text, with each word's pronunciation of that number where it has so many."""
    return [phone for word in text.split() for phone in SAID[word][min(way, len(SAID[word]) - 1)]]
