"""Endpointing by what was said: silence won after whole sentences, sentences cut in a pause of the speaker.

    python -m benchmarks.endpointing [--every 1] [--voice NAME]...

Sentences of the built-in skills, by voices that no training used, in pink noise 35 dB below them; each once as it is,
and once with each pause at the bar, spoken as two pieces. The segmenter with the shipped VAD cuts them; where it looks
at what was said, the shipped recogniser and grammar answer at once. Cut: the segment ended in the pause. Right: the
intent of the uncut sentence. Intervals: Wilson, 95 %.
"""

import argparse
from collections import defaultdict
from functools import cache

import numpy as np

from kws_training.evaluate import wilson
from kws_training.synthesis import HELD_OUT, Style, synthesise
from voice.app import always_intents, build_understanding, sentences_of, skills_of
from voice.audio.rechunk import Rechunker
from voice.config import Config
from voice.events import RATE, Chunk, Samples, Segment
from voice.models.vad import VadSettings, WebRtcVad
from voice.pipeline.arbiter import Understander
from voice.pipeline.segmenter import Segmenter, SegmenterSettings

SENTENCES = (
    "set a timer for | ten minutes", "set an alarm for | seven thirty", "turn on the | kitchen light",
    "set the volume to | thirty percent", "what is seven | times eight", "add milk to | the shopping list",
    "set the temperature to | twenty degrees", "turn off | the lights", "how much is twenty | plus five",
    "convert ten miles | to kilometers", "open the | blinds", "what time | is it", "flip | a coin",
    "turn on the light | in the kitchen", "close the blinds | in the living room", "what day | is it today",
)  # fmt: skip
PAUSES_MS = (500, 800, 1000)
SETTINGS = {
    "usual, 700 ms": SegmenterSettings(grammar_endpoint=False),
    "short, 250 ms": SegmenterSettings(grammar_endpoint=False, silence="short"),
    "by what was said": SegmenterSettings(grammar_endpoint=True),
}
_AROUND = RATE * 3 // 2
_FRAME = RATE // 50


def utterance(voice: str, text: str, pause_ms: int | None) -> Samples:
    """Return a sentence with a second and a half around it; without a pause it is spoken in one breath."""
    pieces = [text.replace(" |", "")] if pause_ms is None else [piece.strip() for piece in text.split("|")]
    gap = np.zeros((pause_ms or 0) * RATE // 1000, np.float32)
    around = np.zeros(_AROUND, np.float32)
    spoken = [trimmed(voice, piece) for piece in pieces]
    parts = [around, spoken[0], *(part for piece in spoken[1:] for part in (gap, piece)), around]
    clean = np.concatenate(parts)
    return clean + pink(len(clean), text) * np.float32(10 ** (-35 / 20) * np.sqrt(np.mean(spoken[0] ** 2)))


@cache
def trimmed(voice: str, text: str) -> Samples:
    """Return speech at a peak of 0.3 without the silence around it."""
    samples = synthesise(text, Style(voice))
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    return samples * np.float32(0.3 / np.abs(samples).max())


def pink(n: int, seed: str) -> Samples:
    """Return noise of power 1 that falls by 3 dB an octave."""
    white = np.random.default_rng(sum(seed.encode())).standard_normal(n)
    spectrum = np.fft.rfft(white) / np.sqrt(np.maximum(1, np.arange(n // 2 + 1)))
    noise = np.fft.irfft(spectrum, n)
    return (noise / noise.std()).astype(np.float32)


def cut(samples: Samples, settings: SegmenterSettings, brain: Understander) -> Segment | None:
    """Return the first segment."""
    segmenter, vad = Segmenter(settings), WebRtcVad(VadSettings())
    segmenter.start(0)
    for frame in Rechunker(_FRAME).process(Chunk(samples, 0)):
        if segment := segmenter.process(frame, vad.process(frame)):
            return segment
        if pause := segmenter.paused():
            segmenter.judge(pause, brain.progress(pause))
    return segmenter.stop("end_of_stream")


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--every", type=int, default=1, help="only each so many sentences")
    parser.add_argument("--voice", action="append", help="may be repeated")
    arguments = parser.parse_args()
    config = Config()
    brain = build_understanding(config, sentences_of(config), always_intents(skills_of(config)))
    voices, sentences = arguments.voice or HELD_OUT, SENTENCES[:: arguments.every]
    for name, settings in SETTINGS.items():
        silence: list[float] = []
        counts: dict[int | None, list[int]] = defaultdict(lambda: [0, 0, 0])
        for voice in voices:
            for text in sentences:
                expected = brain.parse(text.replace(" |", "")).intent
                if expected is None:
                    raise SystemExit(f"no skill knows {text!r}")
                for pause_ms in (None, *PAUSES_MS):
                    samples = utterance(voice, text, pause_ms)
                    segment = cut(samples, settings, brain)
                    whole = segment is not None and (segment.speech_end or 0) > len(samples) - _AROUND - RATE // 5
                    intent = brain.understand(segment).intent if segment and whole else None
                    row = counts[pause_ms]
                    row[0] += 1
                    row[1] += not whole
                    row[2] += intent is not None and intent.name == expected.name
                    if whole and segment and pause_ms is None and segment.speech_end:
                        silence.append((segment.end - segment.speech_end) * 1000 / RATE)
        p50, p95 = np.quantile(silence, (0.5, 0.95))
        print(
            f"{name}: silence after a sentence without a pause: mean {np.mean(silence):.0f} ms, "
            f"p50 {p50:.0f}, p95 {p95:.0f}"
        )
        for pause_ms, (n, n_cut, right) in counts.items():
            what = "no pause" if pause_ms is None else f"pause of {pause_ms} ms"
            print(f"  {what:<18} cut {wilson(n_cut, n)}   right {wilson(right, n)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
