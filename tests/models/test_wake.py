import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.files import read_audio
from voice.errors import BundleError
from voice.events import RATE, Chunk
from voice.models.bundle import load_bundle, write_bundle
from voice.models.wake import StreamingWakeDetector

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
BUNDLE = load_bundle("computer", kind="wake")
NOISE = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)


def scores_in_chunks(audio, cuts, start=0):
    detector = StreamingWakeDetector(BUNDLE)
    edges = [0, *sorted(cuts), len(audio)]
    chunks = [Chunk(audio[a:b], start + a) for a, b in itertools.pairwise(edges)]
    return [look for chunk in chunks for look in detector.scores(chunk)]


def wakes(detector, audio, start=0, size=1280):
    found = [detector.process(Chunk(audio[i : i + size], start + i)) for i in range(0, len(audio), size)]
    return [wake for wake in found if wake]


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, RATE), max_size=12))
def test_chunking_never_changes_a_score(cuts):
    assert scores_in_chunks(NOISE, cuts) == scores_in_chunks(NOISE, [])


def test_looks_come_every_step_on_the_sample_clock():
    times = [at for at, _ in scores_in_chunks(NOISE, [], start=5_000)]
    decision, features = BUNDLE.manifest.decision, BUNDLE.manifest.features
    assert times[0] == 5_000 + (decision.step_frames - 1) * features.hop + features.window
    assert set(np.diff(times)) == {decision.step_frames * features.hop}


def test_a_jump_of_the_clock_forgets_the_past():
    detector = StreamingWakeDetector(BUNDLE)
    detector.scores(Chunk(NOISE, 0))
    after_jump = detector.scores(Chunk(NOISE, 50_000))
    assert [score for _, score in after_jump] == [score for _, score in scores_in_chunks(NOISE, [])]
    assert after_jump[0][0] > 50_000


def test_no_second_wake_within_the_refractory_time():
    detector = StreamingWakeDetector(BUNDLE, threshold=1e-12)
    times = [wake.at for wake in wakes(detector, np.tile(NOISE, 6))]
    refractory = BUNDLE.manifest.decision.refractory_ms * RATE // 1000
    assert len(times) >= 3
    assert min(np.diff(times)) >= refractory


def test_noise_and_silence_do_not_wake():
    detector = StreamingWakeDetector(BUNDLE)
    assert wakes(detector, np.tile(NOISE, 5)) == []
    assert wakes(detector, np.zeros(5 * RATE, np.float32), start=10**7) == []


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")
@pytest.mark.parametrize("text", ["computer", "computer turn on the light"])
def test_the_word_wakes_once_and_other_words_do_not(text):
    from kws_training.synthesis import Style, synthesise

    silence = np.zeros(RATE // 2, np.float32)
    say = lambda words: np.concatenate([silence, synthesise(words, Style("espeak-ng:en-us")), silence])  # noqa: E731
    found = wakes(StreamingWakeDetector(BUNDLE), say(text))
    assert [wake.model_id for wake in found] == ["computer"]
    assert found[0].score >= BUNDLE.manifest.decision.threshold
    assert 0.6 < found[0].at / RATE < 1.6
    assert wakes(StreamingWakeDetector(BUNDLE), say("what a lovely morning in the garden")) == []


def test_a_bundle_of_another_kind_is_refused():
    with pytest.raises(BundleError, match="is a commands bundle"):
        StreamingWakeDetector(load_bundle("commands-en"))


def test_a_broken_network_is_refused(tmp_path: Path):
    manifest = BUNDLE.manifest.model_dump(exclude={"format", "model"})
    broken = write_bundle(tmp_path / "broken", manifest, b"not a flatbuffer")
    with pytest.raises(BundleError, match="refuses"):
        StreamingWakeDetector(broken)


def test_a_wake_that_did_not_count_can_come_again_at_the_next_look():
    word = read_audio(DEMO / "wake.flac")
    audio = np.concatenate([word, np.zeros(RATE, np.float32)])
    once, again = StreamingWakeDetector(BUNDLE), StreamingWakeDetector(BUNDLE)
    [first] = wakes(once, audio)
    found = []
    for i in range(0, len(audio), 1280):
        if wake := again.process(Chunk(audio[i : i + 1280], i)):
            found.append(wake)
            again.rearm("computer")
            again.rearm("another")
    assert found[0] == first
    assert len(found) > 1
    assert set(np.diff([wake.at for wake in found])) == {again.period}
