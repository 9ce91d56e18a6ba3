"""The CTC recogniser on the shipped bundle and on broken calls."""

from dataclasses import replace

import numpy as np
import pytest

from voice.audio.files import read_audio
from voice.decoding.confidence import WordConfidence
from voice.decoding.ctc import log_softmax
from voice.decoding.phones import PHONES
from voice.errors import AudioError, BundleError, ConfigError
from voice.events import RATE, Segment
from voice.models.asr import CtcRecognizer
from voice.models.bundle import SHIPPED, load_bundle, write_bundle

DEMO = SHIPPED.parent / "demo"
if not (SHIPPED / "asr-en" / "bundle.json").is_file():
    pytest.skip("the asr-en bundle is not exported yet", allow_module_level=True)


@pytest.fixture(scope="module")
def recognizer():
    return CtcRecognizer(load_bundle("asr-en", "asr"))


@pytest.fixture
def segment():
    rng = np.random.default_rng(1)
    return Segment(0.05 * rng.standard_normal(20_000).astype(np.float32), 0)


@pytest.fixture(scope="module")
def spoken(recognizer):
    """The log-probabilities of someone who says "turn on the light in the kitchen" or the like."""
    return recognizer.log_probs(Segment(read_audio(DEMO / "kitchen_light.flac"), 0))


def test_log_probs_are_normalised_and_cover_the_audio(recognizer, segment):
    log_probs = recognizer.log_probs(segment)
    n_frames = recognizer.features.frames(len(segment.samples))
    assert log_probs.shape == (-(-n_frames // 4), len(recognizer.alphabet))
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-5)


def test_a_longer_bucket_changes_little(recognizer, segment):
    decision = recognizer.decision
    short = recognizer.log_probs(segment)
    recognizer.decision = decision.model_copy(update={"pad_frames": 4 * decision.pad_frames})
    long = recognizer.log_probs(segment)
    recognizer.decision = decision
    assert short.shape == long.shape
    assert np.mean(short.argmax(-1) == long.argmax(-1)) > 0.9


def test_less_than_a_window_gives_no_frames_and_no_text(recognizer):
    tiny = Segment(np.zeros(100, np.float32), 0)
    assert recognizer.log_probs(tiny).shape == (0, len(recognizer.alphabet))
    assert recognizer.transcribe(tiny).text == ""


@pytest.mark.parametrize("seconds", [0.1, 60.0])
def test_a_tenth_of_a_second_and_a_minute_are_heard_like_any_other(recognizer, segment, seconds):
    samples = np.resize(segment.samples, int(seconds * RATE))
    log_probs = recognizer.log_probs(Segment(samples, 0))
    assert abs(len(log_probs) * recognizer.stride_seconds - seconds) < 0.1
    assert np.isfinite(log_probs).all()
    text = recognizer.read(log_probs)
    assert isinstance(text.text, str)
    assert all(0 <= token.start < token.end <= seconds + 0.1 for token in text.tokens)


def test_the_wrong_rate_is_refused(recognizer, segment):
    with pytest.raises(AudioError, match="8000 Hz"):
        recognizer.log_probs(replace(segment, rate=8000))


def test_silence_is_finite(recognizer):
    assert np.all(np.isfinite(recognizer.log_probs(Segment(np.zeros(16_000, np.float32), 0))))


def test_log_softmax_survives_large_logits():
    np.testing.assert_allclose(log_softmax(np.array([[1000.0, 0.0]])), [[0.0, -1000.0]])


@pytest.fixture
def with_language(recognizer, tmp_path):
    """The shipped network with a language model of four sentences."""
    from asr_training.language import write
    from asr_training.lm import Sizes, estimate

    shipped = load_bundle("asr-en", "asr")
    arrays = estimate(["turn on the light", "turn off the light", "stop"], Sizes(min_count=1))
    write(tmp_path / "lm.bin", arrays, [], shipped.manifest.labels, shipped.lexicon_path)
    manifest = shipped.manifest.model_dump(mode="json", exclude={"format", "model", "language"})
    manifest["language"] = {"weight": 0.5, "word_bonus": 0.0}
    network = shipped.model_path.read_bytes()
    lexicon = shipped.lexicon_path.read_bytes()
    return write_bundle(tmp_path / "bundle", manifest, network, (tmp_path / "lm.bin").read_bytes(), lexicon=lexicon)


def test_a_bundle_with_a_language_model_writes_its_words_only(with_language, segment):
    recognizer = CtcRecognizer(with_language)
    assert recognizer.best_decoder == "lexicon"
    words = {"turn", "on", "off", "the", "light", "stop"}
    assert set(recognizer.transcribe(segment).text.split()) <= words
    assert set(recognizer.transcribe(segment, "words").text.split()) <= words
    assert recognizer.words.settings.weight == 0 < recognizer.lexicon.settings.weight
    assert set(recognizer.transcribe(segment, "greedy").text.split()) <= set(PHONES)
    with pytest.raises(ConfigError, match="phones spells no words"):
        recognizer.transcribe(segment, "beam")


def test_an_altered_language_model_is_refused(with_language):
    path = with_language.folder / "language.bin"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BundleError, match="checksum"):
        load_bundle(with_language.folder)


def test_without_a_language_model_there_are_no_words_to_search(with_language, tmp_path):
    manifest = with_language.manifest.model_dump(mode="json", exclude={"format", "model", "language"})
    lexicon = with_language.lexicon_path.read_bytes()
    bare = write_bundle(tmp_path / "bare", manifest, with_language.model_path.read_bytes(), lexicon=lexicon)
    recognizer = CtcRecognizer(bare)
    assert recognizer.best_decoder == "greedy"
    with pytest.raises(BundleError, match="no language model"):
        _ = recognizer.lexicon


def test_a_boosted_word_is_written_where_it_was_not_and_can_be_taken_back(with_language, spoken):
    recognizer = CtcRecognizer(with_language)
    log_probs = spoken
    plain = recognizer.read(log_probs).text
    assert "kitchen" not in plain, "the language model does not know it"
    recognizer.boost({"kitchen": 10.0})
    assert recognizer.read(log_probs).text.endswith("turn on the kitchen light")
    recognizer.boost({})
    assert recognizer.read(log_probs).text == plain
    with pytest.raises(ConfigError, match="write 'zebra five'"):
        recognizer.boost({"Zebra 5": 1.0})


def test_several_texts_are_given_best_first(with_language, spoken):
    recognizer = CtcRecognizer(with_language)
    log_probs = spoken
    texts = [text.text for text in recognizer.n_best(log_probs, 4, "lexicon")]
    assert texts[0] == recognizer.read(log_probs, "lexicon").text
    assert len(set(texts)) == len(texts) <= 4
    assert len(recognizer.n_best(log_probs, 4, "greedy")) == 1


def test_words_are_as_sure_as_their_calibration_says(with_language, spoken):
    recognizer = CtcRecognizer(with_language)
    log_probs = spoken
    calibration = WordConfidence(offset=2.0, slope=0.0, per_letter=0.0)
    recognizer.decision = recognizer.decision.model_copy(update={"confidence": calibration})
    sure = pytest.approx(1 / (1 + np.exp(-2.0)))
    heard = recognizer.read(log_probs)
    assert heard.tokens
    assert [token.confidence for token in heard.tokens] == [sure] * len(heard.tokens)
    assert heard.confidence == sure
    assert recognizer.read(log_probs, "greedy").confidence != sure, "of another decoder nothing is known"
