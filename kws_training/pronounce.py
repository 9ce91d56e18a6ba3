"""How an English phrase is said: phones from a pronunciation dictionary, and from a synthesiser for words not in it."""

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from pathlib import Path

from voice.decoding.phones import PHONES, VOWELS, Phones, installed_dictionary, read_dictionary
from voice.decoding.pronounce import Pronunciations
from voice.errors import ConfigError, DataError
from voice.models.bundle import SHIPPED
from voice.text import normalise

INSTALL = "`apt install espeak-ng flite festival`"

_N_VARIANTS = 16
_LONGEST = 100  # characters
_LETTERS_TO_SAY = re.compile("[aeiouy]")


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """A phrase and how it may be said."""

    words: tuple[str, ...]
    """Normalised, as `voice.text.normalise` writes them."""
    said: tuple[tuple[Phones, ...], ...]
    """For each word its pronunciations, the usual one first."""
    guessed: tuple[str, ...] = ()
    """Words that the dictionary doesn't have."""

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.words)

    @property
    def phones(self) -> Phones:
        """The usual pronunciation."""
        return self.variants[0]

    @property
    def variants(self) -> tuple[Phones, ...]:
        """Different pronunciations of the phrase, the usual one first; at most 16."""
        joined = (sum(choice, ()) for choice in product(*self.said))
        return tuple(islice(dict.fromkeys(joined), _N_VARIANTS))

    @property
    def n_syllables(self) -> int:
        """Vowels of the usual pronunciation."""
        return sum(phone in VOWELS for phone in self.phones)


class Pronouncer:
    """Looks words up, and asks espeak-ng and flite for those that are in no dictionary.

    Args:
        dictionary: words in lower case and their pronunciations, the usual one first.
        any_word: says those words where no synthesiser is installed.
    """

    def __init__(self, dictionary: Mapping[str, Sequence[Phones]], any_word: Pronunciations | None = None) -> None:
        self.dictionary = dictionary
        self._any_word = any_word

    def pronounce(self, phrase: str) -> Pronunciation:
        """Return how `phrase` is said.

        Raises:
            ConfigError: it holds nothing that can be said, or letters or a word that no one can say in English.
            DataError: a word is in no dictionary, and there is nothing to ask for it.
        """
        words = tuple(_words(phrase))
        guessed = tuple(word for word in words if word not in self.dictionary)
        said = tuple(
            _guess(word, self._any_word) if word in guessed else tuple(dict.fromkeys(map(tuple, self.dictionary[word])))
            for word in words
        )
        return Pronunciation(words, said, guessed)


@lru_cache(maxsize=2)
def installed_pronouncer(path: Path | None = None) -> Pronouncer:
    """Return the pronouncer over a dictionary file, or over the one that the `pocketsphinx` wheel carries.

    Words that aren't in it are said by the synthesisers, else as the shipped recogniser of phones says them.

    Raises:
        BundleError: the recogniser's pronunciations are broken.
        DataError: there is no dictionary, or it can't be read.
    """
    path = path or installed_dictionary()
    if path is None:
        raise DataError("there is no pronunciation dictionary", fix="pip install 'earshot[train]'")
    shipped = SHIPPED / "asr-en" / "lexicon.bin"
    return Pronouncer(read_dictionary(path), Pronunciations(shipped) if shipped.is_file() else None)


def _words(phrase: str) -> list[str]:
    words = normalise(phrase).split()
    if not words:
        raise ConfigError(f"{phrase!r} holds nothing to say", fix="write English words, as in 'hey luna'")
    if len(phrase) > _LONGEST:
        raise ConfigError(f"a phrase of {len(phrase)} characters", fix=f"{_LONGEST} at most")
    plain = unicodedata.normalize("NFKD", phrase).lower()
    if foreign := sorted({letter for letter in plain if letter.isalpha() and not "a" <= letter <= "z"}):
        raise ConfigError(
            f"{phrase!r} holds letters that aren't English ({' '.join(foreign)})", fix="write it as it sounds"
        )
    return words


@lru_cache(maxsize=4096)
def _guess(word: str, any_word: Pronunciations | None = None) -> tuple[Phones, ...]:
    """Return what the installed synthesisers would say, what `any_word` says where there is none."""
    if not _LETTERS_TO_SAY.search(word):
        raise ConfigError(f"{word!r} can't be said", fix="write it as it sounds, letters apart: 'b b c'")
    said = [phones for engine in (_of_espeak, _of_flite) if (phones := engine(word))]
    if said:
        return tuple(dict.fromkeys(said))
    if shutil.which("espeak-ng") or shutil.which("flite"):
        raise ConfigError(f"{word!r} can't be said", fix="write it as it sounds")
    if any_word is not None:
        return any_word.ways(word)
    raise DataError(f"{word!r} is in no dictionary, and no synthesiser is installed to say it", fix=INSTALL)


def _of_espeak(word: str) -> Phones:
    if not shutil.which("espeak-ng"):
        return ()
    return from_ipa(_output("espeak-ng", "-q", "--ipa", "-v", "en-us", "--", word))


def _of_flite(word: str) -> Phones:
    if not shutil.which("flite"):
        return ()
    said = (_OF_FLITE.get(phone, phone.upper()) for phone in _output("flite", "-ps", "-t", word, "none").split())
    return tuple(phone for phone in said if phone in PHONES)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=20)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(f"{command[0]} can't say {command[-1]!r} ({error})", fix="check its installation") from error
    return done.stdout.decode(errors="replace")


def from_ipa(ipa: str) -> Phones:
    """Return ARPAbet of the American English that espeak-ng writes in the International Phonetic Alphabet.

    Stress and length that tell no phones apart are dropped, and so is a symbol that English doesn't have.
    """
    found: list[str] = []
    at = 0
    while at < len(ipa):
        size = next((n for n in (3, 2, 1) if ipa[at : at + n] in _OF_IPA), 0)
        found += _OF_IPA[ipa[at : at + size]].split() if size else []
        at += size or 1
    return tuple(found)


_OF_FLITE = {"ax": "AH"}
_OF_IPA = dict(
    pair.split("=")
    for pair in (
        "p=P|b=B|t=T|d=D|k=K|ɡ=G|g=G|f=F|v=V|θ=TH|ð=DH|s=S|z=Z|ʃ=SH|ʒ=ZH|tʃ=CH|dʒ=JH|h=HH|m=M|n=N|ŋ=NG|l=L|ɫ=L|ɹ=R|"
        "r=R|w=W|j=Y|ɾ=T|ʔ=T|x=K|n̩=AH N|l̩=AH L|əl=AH L|"
        "iː=IY|i=IY|ɪ=IH|ᵻ=IH|eɪ=EY|e=EH|ɛ=EH|æ=AE|a=AE|aɪ=AY|aʊ=AW|ɑː=AA|ɑ=AA|ɔː=AO|ɔ=AO|ɒ=AA|ɔɪ=OY|oʊ=OW|o=OW|"
        "oː=AO|ʊ=UH|uː=UW|u=UW|ʌ=AH|ə=AH|ɐ=AH|ɜː=ER|ɚ=ER|ɝ=ER|aɪɚ=AY ER|aɪə=AY AH|iə=IY AH"
    ).split("|")
)
