"""A grammar of 1,000 home sentences by voices no training heard, and real words: `benchmarks.home_commands`.

    --clips N     sentences for each voice, all of them different (default 100)
    --data DIR    the speech data; without it real speech is left out

The sentences come from the generator that also wrote part of the training's sentences, so their words are known; the
voices are not. Right: the sentence is found word for word and accepted. Real speech in a grammar: the ten digits, by
test speakers of Speech Commands, in a grammar of the digits. Other speech: whole dev and test clips of the transcribed
corpora, matched with the 1,000 sentences; with the shipped threshold, and with the one that accepts 95 % of what is
right. Intervals: Wilson, 95 %.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asr_training.sentences import command
from benchmarks.chain import other_clips
from kws_training.corpora import read_samples, speech_commands
from kws_training.evaluate import wilson
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.audio.files import read_audio
from voice.config import Config
from voice.decoding.grammar import GrammarDecoder, GrammarMatch
from voice.decoding.graph import PlainSentences
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle

VOICES = (
    *HELD_OUT, "espeak-ng:en-us+Alicia", "espeak-ng:en-gb+adam", "espeak-ng:en-gb-x-rp+linda", "espeak-ng:en-us+Mike",
    "espeak-ng:en-gb-x-gbclan+belinda", "espeak-ng:en-029+Andy", "espeak-ng:en-us-nyc+max",
)  # fmt: skip
"""The recogniser heard the accents of the last seven, by other voices of espeak-ng."""
DIGITS = "zero one two three four five six seven eight nine".split()
RIGHT_LIMIT, OTHER_LIMIT = 0.95, 0.05
_SILENCE = 0.3  # s before and after
_DIGIT_CLIPS = 600
_OTHER_CLIPS = 400


def sentences(count: int) -> list[str]:
    """Return different home sentences of two words and more."""
    rng, found = np.random.default_rng(1000), dict[str, None]()
    while len(found) < count:
        text = command(rng)
        if " " in text:
            found[text] = None
    return list(found)


def decoder_of(recognizer: CtcRecognizer, texts: Sequence[str]) -> GrammarDecoder:
    """Return the shipped decoder over sentences."""
    limit = recognizer.decision.accept_per_character
    settings = Config().grammar.model_copy(update={"accept_per_character": limit})
    speller = recognizer.speller
    return GrammarDecoder(PlainSentences(texts), recognizer.alphabet, recognizer.stride_seconds, settings, speller)


def heard(recognizer: CtcRecognizer, decoder: GrammarDecoder, samples: Samples) -> GrammarMatch | None:
    """Return what the grammar finds in a recording."""
    return decoder.match(recognizer.log_probs(Segment(samples, 0)))


def spoken(voice: str, text: str) -> Samples:
    """Return a sentence with silence around it."""
    return np.pad(synthesise(text, Style(voice)), round(_SILENCE * RATE)).astype(np.float32)


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clips", type=int, default=100, help="sentences for each voice")
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"))
    arguments = parser.parse_args()
    recognizer = CtcRecognizer(load_bundle("asr-en", "asr"))
    texts = sentences(1000)
    decoder = decoder_of(recognizer, texts)
    print(f"1,000 home sentences: a graph of {len(decoder.graph)} nodes, {decoder.graph.size_mb:.1f} MB")
    losses: list[float] = []
    n_right = n_found = n_all = 0
    for i, voice in enumerate(VOICES):
        own = [texts[(i * arguments.clips + k) % len(texts)] for k in range(arguments.clips)]
        matches = [heard(recognizer, decoder, spoken(voice, text)) for text in own]
        found = [m for m, text in zip(matches, own, strict=True) if m and m.intent.text == text]
        right = sum(map(decoder.accepts, found))
        losses += [m.loss for m in found]
        n_right, n_found, n_all = n_right + right, n_found + len(found), n_all + len(own)
        print(f"  {voice:<34} right {wilson(right, len(own))}   found {wilson(len(found), len(own))}", flush=True)
    print(f"  all {len(VOICES)} voices: right {wilson(n_right, n_all)}, found {wilson(n_found, n_all)}")
    kept = n_right >= RIGHT_LIMIT * n_all
    if arguments.data is None:
        print("real speech skipped: set EARSHOT_DATA to the folder of the speech data pack", file=sys.stderr)
        return 0 if kept else 1
    digits(recognizer, Path(arguments.data))
    return 0 if other(recognizer, decoder, Path(arguments.data), losses, n_all) and kept else 1


def digits(recognizer: CtcRecognizer, data: Path) -> None:
    """Print how many digits of test speakers are right in a grammar of digits."""
    decoder = decoder_of(recognizer, DIGITS)
    found = [r for r in speech_commands(data) if r.split == "test" and r.label in DIGITS]
    chosen = [found[i] for i in np.random.default_rng(0).permutation(len(found))[:_DIGIT_CLIPS]]
    matches = [heard(recognizer, decoder, np.pad(read_samples(r.path), round(_SILENCE * RATE))) for r in chosen]
    right = [m is not None and m.intent.text == r.label for r, m in zip(chosen, matches, strict=True)]
    accepted = [ok and m is not None and decoder.accepts(m) for ok, m in zip(right, matches, strict=True)]
    print(f"digits by people, in a grammar of ten: found {wilson(sum(right), len(right))}", end="")
    print(f", accepted as well {wilson(sum(accepted), len(right))}")


def other(
    recognizer: CtcRecognizer, decoder: GrammarDecoder, data: Path, losses: Sequence[float], n_spoken: int
) -> bool:
    """Print how much other speech is taken for a sentence; return whether the limit is kept."""
    clips = other_clips(data, _OTHER_CLIPS)
    matches = [heard(recognizer, decoder, read_audio(path)[: 15 * RATE]) for path in clips]
    shipped = sum(match is not None and decoder.accepts(match) for match in matches)
    print(f"other real speech taken for a sentence: {wilson(shipped, len(clips))}")
    wanted = int(np.ceil(RIGHT_LIMIT * n_spoken))
    if len(losses) < wanted:
        print(f"no threshold accepts {RIGHT_LIMIT:.0%} of the sentences: fewer are found")
        return False
    limit = sorted(losses)[wanted - 1]
    wrong = sum(match is not None and match.loss <= limit for match in matches)
    share = f"{wilson(wrong, len(clips))}"
    print(f"with the threshold that accepts {RIGHT_LIMIT:.0%} of the sentences, {limit:.2f} nats a label: {share}")
    return wrong <= OTHER_LIMIT * len(clips)


if __name__ == "__main__":
    raise SystemExit(main())
