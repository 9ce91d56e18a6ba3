"""How far the times of forced alignment are from the truth, whether its score finds wrong transcripts, and long cuts.

Truth: festival's own word times of sentences that it speaks (a held-out voice), and keywords in sentences, labelled by
people, of the data pack's wake folder (EARSHOT_DATA). PocketSphinx 5 aligns the same recordings beside it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asr_training.align import Aligner, AlignSettings
from asr_training.clips import chosen_utterances
from asr_training.manifest import Utterance, read_manifest
from asr_training.prepare import read_audio
from asr_training.split import SplitSettings, split_all
from asr_training.transcribed import Recording
from voice.audio.pcm import to_int16
from voice.decoding.alignment import Span
from voice.errors import DataError
from voice.events import RATE, Samples, Segment
from voice.text import normalise

VOICE = "ked_diphone"
SENTENCES = 60
KEYWORDS = 120
UTTERANCES = 120
LONG_S = 900
_NOISE = re.compile(r"\[[^\]]*\]|\{[^}]*\}|\+")


@dataclass
class Truth:
    """A recording, its words, and the true times of some of them, seconds."""

    samples: Samples
    text: str
    times: dict[int, tuple[float, float]]


def festival(texts: Path) -> Iterator[Truth]:
    """Yield sentences that festival speaks, with the times at which it does."""
    lines = [normalise(line.split("\t")[-1]) for line in texts.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        wave, times = Path(folder) / "a.wav", Path(folder) / "a.times"
        for text in lines[:: len(lines) // SENTENCES]:
            script = (
                f'(voice_{VOICE}) (set! u (utt.synth (Utterance Text "{text}"))) (utt.save.wave u "{wave}" \'riff)\n'
                f'(set! f (fopen "{times}" "w"))\n'
                '(mapcar (lambda (w) (format f "%s %f %f\\n" (item.name w) (item.feat w "word_start") '
                '(item.feat w "word_end"))) (utt.relation.items u \'Word))\n(fclose f)\n'
            )
            subprocess.run(["festival", "--pipe"], input=script, text=True, capture_output=True, check=True)
            rows = [line.split() for line in times.read_text().splitlines()]
            if [row[0].lower() for row in rows] == text.split():  # it reads some words in parts
                yield Truth(read_audio(wave, RATE), text, {i: (float(a), float(b)) for i, (_, a, b) in enumerate(rows)})


def keywords(wake: Path) -> Iterator[Truth]:
    """Yield sentences of people in which one word's times are known."""
    n = 0
    for line in (wake / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "start" not in row or "operator_in_sentence" not in row["audio"] or "[[" in row["ortho"]:
            continue
        words = normalise(_NOISE.sub("", row["ortho"])).split()
        if len(words) > 3 and words.count("operator") == 1 and n < KEYWORDS:
            n += 1
            times = {words.index("operator"): (row["start"], row["end"])}
            yield Truth(read_audio(wake / row["audio"], RATE), " ".join(words), times)


class Peer:
    """PocketSphinx's forced alignment."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def words(self, samples: Samples, text: str) -> list[Span] | None:
        """Return the words; None where it knows one of them not, or finds no alignment."""
        if any(self._decoder.lookup_word(word) is None for word in text.split()):
            return None
        self._decoder.set_align_text(text)
        self._decoder.start_utt()
        self._decoder.process_raw(to_int16(samples), full_utt=True)
        self._decoder.end_utt()
        found = [
            Span(seg.word.split("(")[0], seg.start_frame / 100, (seg.end_frame + 1) / 100, 1.0)
            for seg in self._decoder.seg() or ()
            if not seg.word.startswith(("<", "[", "+"))
        ]
        return found if [span.text for span in found] == text.split() else None


def times(name: str, truths: Iterator[Truth], aligner: Aligner, peer: Peer) -> None:
    """Print the errors of both aligners on the words that both aligned."""
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for truth in truths:
        log_probs = aligner.recogniser.log_probs(Segment(truth.samples, 0))
        try:
            ours = list(aligner.align(log_probs, truth.text).words)
        except DataError:
            continue
        theirs = peer.words(truth.samples, truth.text)
        for i, (start, end) in truth.times.items():
            if theirs:
                errors["asr-en"].append((ours[i].start - start, ours[i].end - end))
                errors["PocketSphinx 5"].append((theirs[i].start - start, theirs[i].end - end))
    for system, rows in errors.items():
        for edge, values in zip(("start", "end"), 1000 * np.array(rows).T, strict=True):
            size = np.abs(values)
            middle, bias = np.median(size), np.median(values)
            near = ", ".join(f"within {limit} ms {np.mean(size < limit):4.0%}" for limit in (50, 100))
            print(
                f"{name:<10} {system:<15} {edge:<5} median {middle:4.0f} ms, bias {bias:+4.0f}, {near}, n {len(size)}"
            )


def scores(data: Path, aligner: Aligner) -> None:
    """Print how the score of right transcripts differs from that of wrong ones."""
    chosen = chosen_utterances(data, "dev", UTTERANCES, seed=1)
    texts = [normalise(utterance.text or "") for _, utterance in chosen]
    found: dict[str, list[float]] = defaultdict(list)
    rng = np.random.default_rng(1)
    for (folder, utterance), text in zip(chosen, texts, strict=True):
        log_probs = aligner.recogniser.log_probs(Segment(read_audio(folder / utterance.audio, RATE), 0))
        words = text.split()
        other = min((t for t in texts if t != text), key=lambda t: abs(len(t) - len(text)))
        at = int(rng.integers(len(words)))
        extra = str(rng.choice(other.split()))
        variants = {
            "right": text,
            "another's": other,
            "last third missing": " ".join(words[: -(len(words) // 3) or None]),
            "one word wrong": " ".join([*words[:at], extra, *words[at + 1 :]]),
        }
        for name, said in variants.items():
            try:
                found[name].append(aligner.align(log_probs, said).score)
            except DataError:
                found[name].append(0.0)
    for name, values in found.items():
        below = ", ".join(
            f"below {limit:g} {np.mean(np.array(values) < limit):4.0%}" for limit in (0.05, 0.1, 0.2, 0.3)
        )
        print(f"score {name:<20} median {np.median(values):.2f}, {below}, n {len(values)}")


def long_recording(corpus: Path) -> None:
    """Print how many words of a recording of 25 minutes `split` puts into the piece in which they are said.

    Utterances that follow each other in books are joined, so each word's place is known to a second or so.
    """
    chapters: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in read_manifest(corpus):
        chapters[utterance.audio.rpartition("-")[0]].append(utterance)
    parts, places, words, seconds = [], [], [], 0.0
    for chapter in sorted(chapters.values(), key=len, reverse=True):
        for utterance in sorted(chapter, key=lambda one: one.audio):
            samples, said = read_audio(corpus / utterance.audio, RATE), normalise(utterance.text or "").split()
            length = len(samples) / RATE
            places += [seconds + length * (i + 0.5) / len(said) for i in range(len(said))]
            parts, words, seconds = [*parts, samples], words + said, seconds + length
        if seconds > LONG_S:
            break
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        soundfile.write(folder / "book.flac", np.concatenate(parts), RATE)
        for missing in (0, len(words) // 10):
            text, out = " ".join(words[missing:]), folder / f"without {missing}"
            before = time.process_time()
            rows = split_all([Recording(folder / "book.flac", text, "book")], out, SplitSettings("book"))
            cpu = time.process_time() - before
            spans = [(row["start"], row["start"] + row["duration"]) for row in rows for _ in row["text"].split()]
            right = [a - 1 <= at <= b + 1 for at, (a, b) in zip(places[missing:], spans, strict=True)]
            low = np.mean([row["score"] < 0.1 for row in rows])
            print(
                f"split      {seconds / 60:.0f} min, {missing} of {len(words)} words missing: {len(rows)} pieces, "
                f"{np.mean(right):.1%} of words in the right one (+-1 s), {low:.0%} score below 0.1, {cpu:.0f} CPU s"
            )


def main() -> int:
    """Measure what can be measured here."""
    data = Path(os.environ["EARSHOT_DATA"])
    aligner, peer = Aligner(AlignSettings()), Peer()
    if shutil.which("festival"):
        times("festival", festival(data / "text" / "assistant.tsv"), aligner, peer)
    times("people", keywords(data / "wake"), aligner, peer)
    scores(data, aligner)
    long_recording(data / "LibriSpeech")
    return 0


if __name__ == "__main__":
    sys.exit(main())
