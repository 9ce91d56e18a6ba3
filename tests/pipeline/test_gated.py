"""The speech gate: the wake networks rest in silence, and hear what they would hear without it."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.files import read_audio
from voice.events import RATE, Chunk, Samples, Wake
from voice.models.bundle import Bundle, load_bundle, shipped_bundles
from voice.models.gate import STEP, Span, SpeechGate
from voice.models.wake import StreamingWakeDetector
from voice.pipeline.gated import GatedDetectors
from voice.pipeline.words import WakeSettings, wake_words

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
BUNDLE = load_bundle("computer", "wake")
RNG = np.random.default_rng(5)


def chunks(audio: Samples, size: int, start: int = 0) -> Iterator[Chunk]:
    for at in range(0, len(audio), size):
        yield Chunk(audio[at : at + size], start + at)


def noise(seconds: float, level: float) -> Samples:
    return RNG.normal(0, level, round(seconds * RATE)).astype(np.float32)


class Counted(StreamingWakeDetector):
    """Counts its looks and keeps their scores."""

    def __init__(self, bundle: Bundle = BUNDLE) -> None:
        super().__init__(bundle)
        self.looks: dict[int, float] = {}

    def scores(self, chunk: Chunk) -> list[tuple[int, float]]:
        found = super().scores(chunk)
        self.looks.update(found)
        return found


def heard(audio: Samples, *, gated: bool, size: int = 1280, start: int = 0, detector: Counted | None = None):
    detector = detector or Counted()
    words, gate = GatedDetectors([detector], gated=gated), SpeechGate()
    wakes: list[Wake] = []
    for chunk in chunks(audio, size, start):
        wakes += words.process(chunk, gate.process(chunk))
    return wakes, detector.looks


def room() -> Samples:
    """Quiet, the word, quiet, other speech, quiet, the word twice in one breath, quiet; over a low hiss."""
    word, story = read_audio(DEMO / "wake.flac"), read_audio(DEMO / "story.flac")[: 5 * RATE]
    still = np.zeros(4 * RATE, np.float32)
    audio = np.concatenate([still, word, still, story, still, word, word, still])
    return audio + noise(len(audio) / RATE, 1e-3)


ROOM = room()


SHIPPED = [folder.name for folder in shipped_bundles() if load_bundle(folder).manifest.kind == "wake"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_word_makes_the_looks_that_it_makes_with_the_same_scores(name: str) -> None:
    """Also one whose network takes steps: its `context` must reach back as far as its network hears."""
    bundle, audio = load_bundle(name), ROOM[2 * RATE :]
    gated, always = (heard(audio, gated=flag, detector=Counted(bundle=bundle)) for flag in (True, False))
    assert gated[0] == always[0]
    assert gated[1].items() <= always[1].items()
    assert len(gated[1]) < len(always[1])


@pytest.mark.parametrize("size", [320, 512, 1280, 7777])
@pytest.mark.parametrize("start", [12_345])
def test_the_same_words_are_heard_at_the_same_samples_with_the_same_scores(size: int, start: int) -> None:
    gated, made = heard(ROOM, gated=True, size=size, start=start)
    always, looks = heard(ROOM, gated=False, size=size, start=start)
    assert gated == always
    assert len(gated) >= 2
    assert made.items() <= looks.items()  # the same samples, the same scores to the last bit
    assert len(made) < 0.8 * len(looks)


ALWAYS = {offset: heard(ROOM[offset + RATE : 7 * RATE], gated=False)[0] for offset in (0, 1717)}


@settings(max_examples=5, deadline=None)
@given(sizes=st.lists(st.integers(300, 20_000), min_size=1, max_size=8), offset=st.sampled_from([0, 1717]))
def test_chunking_never_changes_what_is_heard(sizes: list[int], offset: int) -> None:
    audio = ROOM[offset + RATE : 7 * RATE]
    words, gate = GatedDetectors([Counted()]), SpeechGate()
    found: list[Wake] = []
    at = i = 0
    while at < len(audio):
        chunk = Chunk(audio[at : at + sizes[i % len(sizes)]], at)
        found += words.process(chunk, gate.process(chunk))
        at, i = chunk.end, i + 1
    assert found == ALWAYS[offset]


def test_a_refractory_time_goes_on_while_the_network_rests() -> None:
    word = read_audio(DEMO / "wake.flac")
    apart = np.zeros(round(1.6 * RATE), np.float32)
    audio = np.concatenate([np.zeros(2 * RATE, np.float32), word, apart, word, apart]) + noise(
        2 + 2 * len(word) / RATE + 3.2, 5e-4
    )
    [patient] = wake_words([WakeSettings(refractory_ms=4000)], "default")
    assert patient.bundle
    for gated in (True, False):
        words, gate = GatedDetectors([StreamingWakeDetector(patient.bundle)], gated=gated), SpeechGate()
        found = [wake for chunk in chunks(audio, 1280) for wake in words.process(chunk, gate.process(chunk))]
        assert len(found) == 1, gated


def test_in_silence_and_in_steady_noise_the_network_rests() -> None:
    for level in (0.0, 1e-4, 1e-3):
        _, made = heard(noise(30, level), gated=True)
        assert len(made) < 0.2 * 30 * RATE / 1280, level


def test_the_gate_takes_what_stands_out_of_a_quiet_background_and_follows_it() -> None:
    gate = SpeechGate()
    at_first = [gate.process(step) for step in chunks(noise(8, 1e-4), STEP)]
    assert all(at_first[:3])
    assert sum(span is not None for span in at_first[3:]) < 5
    louder = [gate.process(step) for step in chunks(noise(8, 1e-3), STEP)]
    assert all(louder[:30])  # it may be speech
    assert sum(span is not None for span in louder[-30:]) < 3  # nobody speaks evenly for five seconds
    gate.reset()
    assert gate.process(Chunk(noise(0.08, 1e-3), 0)) == Span(0, STEP)


def test_over_a_loud_background_the_network_never_rests() -> None:
    gate = SpeechGate()
    assert all(gate.process(step) for step in chunks(noise(8, 0.02), STEP))
    after = [gate.process(step) is None for step in chunks(noise(8, 1e-3), STEP)]
    assert sum(after[-50:]) > 40  # and rests again when it is quiet


def test_a_tone_in_one_band_is_enough_and_digital_silence_is_nothing() -> None:
    gate = SpeechGate()
    gate.process(Chunk(noise(4, 1e-3), 0))
    tone = 5e-4 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE).astype(np.float32)  # 9 dB below the hiss
    found = gate.process(Chunk(tone + noise(1, 1e-3), 4 * RATE))
    assert found is not None
    assert found.start <= 4 * RATE + STEP
    assert found.end >= 5 * RATE - STEP
    silent = SpeechGate()
    assert not any([silent.process(step) for step in chunks(np.zeros(RATE, np.float32), STEP)][3:])


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=10), st.integers(0, 10**6))
def test_chunking_never_changes_what_may_be_speech(sizes: list[int], start: int) -> None:
    audio, gate, at, spans = ROOM[5 * RATE :], SpeechGate(), 0, []
    for size in sizes:
        spans.append(gate.process(Chunk(audio[at : at + size], start + at)))
        at += size
    whole = SpeechGate()
    steps = [whole.process(step) for step in chunks(audio[: at - at % STEP], STEP, start)]
    assert {s for span in spans if span for s in range(span.start, span.end, STEP)} >= {s.start for s in steps if s}
    assert all((span.start - start) % STEP == (span.end - start) % STEP == 0 for span in spans if span)


def test_a_detector_that_keeps_its_own_past_is_never_left_out() -> None:
    class Hears:
        model_ids = ("other",)

        def __init__(self) -> None:
            self.samples = 0

        def process(self, chunk: Chunk) -> Wake | None:
            self.samples += len(chunk.samples)
            return None

        def reset(self) -> None:
            """Nothing is kept."""

    other = Hears()
    words = GatedDetectors([other, Counted()])
    for chunk in chunks(np.zeros(RATE, np.float32), 1280):
        words.process(chunk, None)
    assert other.samples == RATE


@pytest.mark.shared
@pytest.mark.skipif(not os.environ.get("EARSHOT_DATA"), reason="EARSHOT_DATA does not name the speech data")
def test_real_recordings_are_heard_alike_in_quiet_and_noisy_rooms() -> None:
    """Every sixteenth of the pack's own clips of the word, 3 s apart, over nothing, over hiss and over a noisy room."""
    from kws_training.corpora import wake_words as recordings

    clips = [r for r in recordings(Path(os.environ["EARSHOT_DATA"])) if r.label == "computer"][::16][:16]
    assert clips
    still = np.zeros(3 * RATE, np.float32)
    audio = np.concatenate([part for clip in clips for part in (still, read_audio(clip.path))] + [still])
    for level in (0.0, 1e-3, 0.02):
        loud = (audio + RNG.normal(0, level, len(audio))).astype(np.float32)
        assert heard(loud, gated=True)[0] == heard(loud, gated=False)[0]
