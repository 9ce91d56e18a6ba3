"""What has been recognised while someone still speaks, and how much of it will not change any more.

The utterance so far is recognised anew at intervals, so the last text is that of the whole utterance, without the loss
that a model without a look ahead has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from voice.bus.topics import AsrPartialTextCaptured
from voice.events import RATE, Segment, Transcript
from voice.text import edit_distance

AGREEING = 3
"""Recognitions in a row that must agree on a word; 2 is 0.4 s faster and contradicted by the whole text more often."""
HELD_BACK = 1
"""Last words that are never stable: the next sound may lengthen them (light, lights)."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The text so far."""

    sequence: int
    """0 for the first of an utterance."""
    stable: str
    """Words that no later partial text of the utterance changes."""
    unstable: str
    """What follows, and may change."""
    confidence: float

    @property
    def text(self) -> str:
        """Both."""
        return f"{self.stable} {self.unstable}".strip()

    @property
    def stability(self) -> float:
        """Share of the words that are stable, 0 to 1."""
        return len(self.stable.split()) / max(1, len(self.text.split()))

    def message(self, site_id: str, session_id: str | None) -> AsrPartialTextCaptured:
        """Return it as it goes over the bus."""
        return AsrPartialTextCaptured(
            text=self.text,
            stable_text=self.stable,
            unstable_text=self.unstable,
            sequence=self.sequence,
            stability=round(self.stability, 3),
            likelihood=self.confidence,
            site_id=site_id,
            session_id=session_id,
        )


class Partials:
    """Tells stable words from others, over the texts of one growing utterance.

    A word is stable when the last `agreeing` texts agree on it and on all after the stable ones before it, and another
    word follows: local agreement (Liu et al. 2020, "Low-latency sequence-to-sequence speech recognition and translation
    by partial hypothesis selection", section 3.2), the last word held back. What was called stable stays, whatever
    comes; where a text contradicts it, only what follows counts. The text of the whole utterance may still differ from
    it (`benchmarks/partials.py` says how often).

    Args:
        agreeing: texts in a row.
        held_back: last words that are never stable.
    """

    def __init__(self, agreeing: int = AGREEING, held_back: int = HELD_BACK) -> None:
        self._agreeing = agreeing
        self._held_back = held_back
        self._texts: list[list[str]] = []
        self._stable: list[str] = []
        self._n = 0

    def next(self, heard: Transcript) -> Partial:
        """Return what to tell of the next text."""
        self._texts = [*self._texts, heard.text.split()][-self._agreeing :]
        rests = [words[_split(self._stable, words) :] for words in self._texts]
        if len(rests) == self._agreeing:
            longest = max(0, min(map(len, rests)) - self._held_back)
            n = next((i for i in range(longest) if len({rest[i] for rest in rests}) > 1), longest)
            self._stable += rests[-1][:n]
            rests[-1] = rests[-1][n:]
        self._n += 1
        return Partial(self._n - 1, " ".join(self._stable), " ".join(rests[-1]), heard.confidence)


def growing(
    transcribe: Callable[[Segment], Transcript], segment: Segment, every_ms: int
) -> Iterator[tuple[float, Partial]]:
    """Yield what would be told while `segment` is spoken, with the seconds heard by then; not the whole's text.

    Args:
        transcribe: recognises each beginning.
        segment: the speech.
        every_ms: audio between two texts, ms.
    """
    partials = Partials()
    step = every_ms * segment.rate // 1000
    for end in range(step, len(segment.samples), step):
        heard = transcribe(replace(segment, samples=segment.samples[:end]))
        if heard.text:
            yield end / segment.rate, partials.next(heard)


def due(at: int, last: int, every_ms: int) -> bool:
    """Return whether it is time for another partial text.

    Args:
        at: sample index now.
        last: sample index of the last one.
        every_ms: audio between two, ms; 0: never.
    """
    return bool(every_ms) and at - last >= every_ms * RATE // 1000


def _split(stable: list[str], words: list[str]) -> int:
    """Return how many of `words` correspond to the stable ones: as few edits as can be, about as many words."""
    if words[: len(stable)] == stable:
        return len(stable)
    return min(range(len(words) + 1), key=lambda n: (edit_distance(stable, words[:n]), abs(n - len(stable))))
