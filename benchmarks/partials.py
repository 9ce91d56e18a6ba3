"""Partial texts on real speech: how late a word is stable, and how often the whole utterance's text contradicts it.

    python -m benchmarks.partials [--limit 20] [--data FOLDER]

LibriSpeech's dev utterances of the data pack, recognised anew every 300 ms of audio, as the live loop does with
`assistant.partial_ms: 300`. A stable word is never taken back by a later partial text; the text of the whole utterance
may still differ. Lag: from the end of a word (in the final alignment) to the partial text in which it is stable, on the
time of the audio.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from asr_training.clips import chosen_utterances, clip_of
from asr_training.prepare import read_audio
from voice.events import RATE, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle
from voice.pipeline.partials import Partials, growing
from voice.text import edit_distance

EVERY_MS = 300


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--limit", type=int, default=20, help="utterances")
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"))
    arguments = parser.parse_args()
    if arguments.data is None:
        print("set EARSHOT_DATA to the folder of the speech data pack")
        return 2
    recognizer = CtcRecognizer(load_bundle("asr-en", "asr"))
    _ = recognizer.lexicon
    texts, finals, audio = [], [], 0.0
    started = time.process_time()
    for found in chosen_utterances(Path(arguments.data) / "LibriSpeech", "dev", arguments.limit, seed=1):
        samples = read_audio(clip_of(*found).audio, RATE)
        audio += len(samples) / RATE
        segment = Segment(samples, 0)
        heard: list = []

        def note(speech: Segment, heard: list = heard):
            heard.append((len(speech.samples) / RATE, recognizer.transcribe(speech)))
            return heard[-1][1]

        _ = list(growing(note, segment, EVERY_MS))
        texts.append(heard)
        finals.append(recognizer.transcribe(segment))
    cpu = time.process_time() - started
    print(f"{len(finals)} utterances, {audio / 60:.1f} minutes; {cpu / audio:.3f} of real time for all partial texts")
    for agreeing, held_back in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 1), (3, 2)):
        stable, wrong, lags = 0, 0, []
        for heard, final in zip(texts, finals, strict=True):
            partials, known = Partials(agreeing, held_back), 0
            words = final.text.split()
            for seconds, text in heard:
                told = partials.next(text).stable.split()
                lags += [seconds - final.tokens[i].end for i in range(known, min(len(told), len(words)))]
                known = max(known, len(told))
            stable += known
            wrong += edit_distance(told, words[:known]) if heard else 0
        p50, p95 = np.quantile(lags, (0.5, 0.95))
        print(
            f"agreeing {agreeing}, held back {held_back}: {stable} words stable before the end, "
            f"{100 * wrong / stable:.1f} % differ from the whole's text; lag p50 {p50:.2f} s, p95 {p95:.2f} s"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
