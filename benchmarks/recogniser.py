"""Free speech: error rates of `asr-en` on the dev splits of the data pack (EARSHOT_DATA), PocketSphinx 5 beside it.

    python -m benchmarks.recogniser [--limit 60] [--data FOLDER]

Whole utterances, none left out; corpus-level word error rates with a bootstrap over speakers (over clips where a corpus
does not name them); CPU seconds for a second of audio on one thread. PocketSphinx, where installed, runs the acoustic
model, dictionary and trigram of its own wheel; the last line of each set is the paired difference.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from asr_training.evaluate import chosen_utterances, with_split
from asr_training.prepare import read_audio
from asr_training.scoring import Scored, word_error_difference, word_error_rate
from voice.events import RATE, Samples, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.text import normalise

Recognise = Callable[[Samples], str]


def pocketsphinx() -> Recognise | None:
    """Return the peer, None where it is not installed."""
    try:
        from pocketsphinx import Decoder
    except ModuleNotFoundError:
        return None
    decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def recognise(samples: Samples) -> str:
        decoder.start_utt()
        decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), no_search=False, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return normalise(found.hypstr) if found else ""

    return recognise


def ours(recognizer: CtcRecognizer, decoder: str) -> Recognise:
    """Return one search of the shipped recogniser."""
    return lambda samples: recognizer.transcribe(Segment(samples, 0), decoder).text  # type: ignore[arg-type]


def measure(folder: Path, split: str, limit: int, systems: dict[str, Recognise]) -> None:
    """Print the figures of one corpus."""
    clips = [(u, read_audio(folder / u.audio, RATE)) for _, u in chosen_utterances(folder, split, limit, seed=1)]
    seconds = sum(len(samples) for _, samples in clips) / RATE
    print(f"{folder.name} {split}: {len(clips)} utterances, {seconds / 60:.1f} minutes")
    found = {}
    for name, recognise in systems.items():
        started = time.process_time()
        scored = [Scored(u.speaker or u.audio, normalise(u.text or ""), recognise(samples)) for u, samples in clips]
        used = time.process_time() - started
        rate = word_error_rate(scored)
        found[name] = scored
        interval = f"[{rate.low:.1f}, {rate.high:.1f}]"
        print(f"  {name:<16} WER {rate.value:5.1f} % {interval}   {used / seconds:.4f} of real time")
    if {"lexicon", "pocketsphinx"} <= found.keys():
        rate = word_error_difference(found["lexicon"], found["pocketsphinx"])
        print(f"  lexicon less pocketsphinx {rate.value:+.1f} points [{rate.low:+.1f}, {rate.high:+.1f}]")


def main() -> int:
    """Measure every corpus with a dev split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--limit", type=int, default=60, help="utterances of each corpus")
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"))
    arguments = parser.parse_args()
    if arguments.data is None:
        print("set EARSHOT_DATA to the folder of the speech data pack")
        return 2
    recognizer = CtcRecognizer(load_bundle("asr-en", "asr"))
    systems = {"greedy": ours(recognizer, "greedy")}
    if recognizer.best_decoder == "lexicon":
        _ = recognizer.lexicon  # reading it is not part of recognising
        systems["lexicon"] = ours(recognizer, "lexicon")
    if peer := pocketsphinx():
        systems["pocketsphinx"] = peer
    for folder in with_split(Path(arguments.data), "dev"):
        if folder.name in ("LibriSpeech", "common_voice"):
            measure(folder, "dev", arguments.limit, systems)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
