"""Free speech: error rates of `asr-en` on the dev splits of the data pack (EARSHOT_DATA), PocketSphinx 5 beside it.

    python -m benchmarks.recogniser [--limit 60] [--data FOLDER]

What `asr-train evaluate` measures, on LibriSpeech and Common Voice: whole utterances, none left out; corpus-level word
error rates with a bootstrap over speakers (over clips where a corpus does not name them); CPU seconds for a second of
audio on one thread; the last line of each set is the paired difference.
"""

import argparse
import os
from pathlib import Path

from asr_training.clips import with_split
from asr_training.evaluate import measure_set, wanted_decoders
from asr_training.peers import NAME, PocketSphinx, installed_pocketsphinx, kept_answers
from asr_training.scoring import word_error_difference, word_error_rate
from voice.models.asr import CtcRecognizer
from voice.models.bundle import load_bundle

_SETS = ("LibriSpeech", "common_voice")


def main() -> int:
    """Measure every corpus with a dev split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--limit", type=int, default=60, help="utterances of each corpus")
    parser.add_argument("--data", type=Path, default=os.environ.get("EARSHOT_DATA"))
    arguments = parser.parse_args()
    if arguments.data is None:
        print("set EARSHOT_DATA to the folder of the speech data pack")
        return 2
    bundle = load_bundle("asr-en", "asr")
    recognizer, decoders = CtcRecognizer(bundle), wanted_decoders(bundle, None)
    peer = PocketSphinx(kept_answers()) if installed_pocketsphinx() else None
    for folder in with_split(Path(arguments.data), "dev"):
        if folder.name not in _SETS:
            continue
        found = measure_set(recognizer, folder, "dev", decoders=decoders, limit=arguments.limit, peer=peer)
        print(f"{found.name}: {len(found.clips)} utterances, {sum(found.seconds) / 60:.1f} minutes")
        for answers in found.answers:
            rate = word_error_rate(found.scored(answers))
            interval = f"[{rate.low:.1f}, {rate.high:.1f}]"
            factor = found.real_time_factor(answers)
            print(f"  {answers.system:<16} WER {rate.value:5.1f} % {interval}   {factor:.4f} of real time")
        if other := found.of(NAME):
            best = found.answers[len(decoders) - 1]
            rate = word_error_difference(found.scored(best), found.scored(other))
            print(f"  {best.system} less {NAME} {rate.value:+.1f} points [{rate.low:+.1f}, {rate.high:+.1f}]")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
