"""A causal bundle hears a stream as it hears the whole utterance."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the extra `train`")
pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training.export import convert, write  # noqa: E402
from asr_training.models import build  # noqa: E402
from asr_training.models.causal import build_step  # noqa: E402
from asr_training.models.settings import CausalSettings  # noqa: E402
from voice.errors import BundleError  # noqa: E402
from voice.events import Segment  # noqa: E402
from voice.models.asr import CtcRecognizer  # noqa: E402
from voice.models.asr_stream import CtcStream, growing_text  # noqa: E402
from voice.models.bundle import load_bundle  # noqa: E402


@pytest.fixture(scope="module")
def recognizer(recipe, cache, tmp_path_factory):
    keras.utils.set_random_seed(1)  # int8 has to agree, which random networks do more or less
    settings = CausalSettings(channels=32, blocks=1, kernel=3, stem=4, dropout=0.0).exact()
    network = build(settings, recipe.features.bins, len(recipe.labels), batch_size=1)
    rng = np.random.default_rng(1)
    network.set_weights([w + rng.normal(0, 0.05, w.shape) for w in network.get_weights()])
    probe = cache.features(cache.utterances[0])
    exported = convert(network, probe, settings, step=build_step(network, settings))
    causal = recipe.model_copy(update={"network": settings})
    return CtcRecognizer(write(tmp_path_factory.mktemp("causal"), exported, causal, cache, [], precision="float32"))


@pytest.mark.parametrize("chunk", [160, 1280, 5000, 40_000])
@pytest.mark.parametrize("n_samples", [300, 4000, 33_333])
def test_a_stream_gives_the_log_probabilities_of_the_whole(recognizer, chunk, n_samples):
    samples = 0.2 * np.random.default_rng(2).standard_normal(n_samples).astype(np.float32)
    stream = CtcStream(recognizer)
    for _ in range(2):  # the second time after a reset
        for start in range(0, n_samples, chunk):
            stream.process(samples[start : start + chunk])
        stream.finish()
        whole = recognizer.log_probs(Segment(samples, 0))
        assert stream.log_probs.shape == whole.shape
        np.testing.assert_allclose(stream.log_probs, whole, atol=1e-4)
        stream.reset()
    assert len(stream.log_probs) == 0
    assert stream.so_far().text == ""


def test_a_growing_utterance_is_heard_once_by_a_causal_network_and_again_by_another(recognizer):
    samples = 0.2 * np.random.default_rng(3).standard_normal(20_000).astype(np.float32)
    parts = [Segment(samples[:n], 0) for n in (5120, 12_000, 20_000)]
    transcribe = growing_text(recognizer)
    for part in parts:
        n_labels = recognizer.features.frames(len(part.samples)) // 32 * 8  # of whole steps
        assert transcribe(part).text == recognizer.read(recognizer.log_probs(part)[:n_labels]).text
    other = CtcRecognizer(load_bundle("asr-en"))
    assert growing_text(other, "greedy")(parts[-1]) == other.transcribe(parts[-1], "greedy")


def test_a_network_that_looks_ahead_takes_no_steps():
    with pytest.raises(BundleError, match="no network that takes steps"):
        CtcStream(CtcRecognizer(load_bundle("asr-en")))
