"""Every kind of features, from the recipe to a bundle that runs."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training.batches import make_batch  # noqa: E402
from asr_training.export import export_run, write  # noqa: E402
from asr_training.models.settings import CausalSettings  # noqa: E402
from asr_training.models.waveform import FilterBank  # noqa: E402
from asr_training.prepare import Cache, prepare, read_audio  # noqa: E402
from asr_training.schedule import Budget  # noqa: E402
from asr_training.train import train  # noqa: E402
from asr_training.trainer import network_of  # noqa: E402
from tests.asr_training.test_prepare import KINDS  # noqa: E402
from voice.audio.features import FeatureSettings, features  # noqa: E402
from voice.errors import ConfigError  # noqa: E402
from voice.events import Segment  # noqa: E402
from voice.models.asr import CtcRecognizer  # noqa: E402


@pytest.mark.parametrize("kind", KINDS[1:], ids=lambda settings: settings.kind)
def test_a_recipe_of_each_kind_is_cached_trained_exported_and_run(corpus, recipe, kind, tmp_path):
    recipe = recipe.model_copy(update={"features": kind})
    prepare([corpus], tmp_path / "cache", kind, lambda line: None)
    cache = Cache(tmp_path / "cache", kind)
    batch = make_batch(cache, cache.split("train")[:4], recipe, [1, 2])
    assert batch.features.shape[2] == kind.bins
    assert np.isfinite(batch.features).all()
    train(cache, recipe, tmp_path / "run", Budget(30), lambda line: None)
    exported = export_run(tmp_path / "run", recipe, cache)
    assert exported.largest_difference < 1e-3
    bundle = write(tmp_path / "bundle", exported, recipe, cache, [])
    assert bundle.manifest.features == kind
    recogniser = CtcRecognizer(bundle)
    samples = read_audio(corpus / "tones" / cache.utterances[0].audio, 16_000)
    found = recogniser.log_probs(Segment(samples, 0))
    assert found.shape == (-(-kind.frames(len(samples)) // 4), 29)
    assert np.isfinite(found).all()


def test_a_filter_bank_begins_near_log_mel():
    samples = np.concatenate(
        [0.3 * np.sin(2 * np.pi * hertz * np.arange(4800) / 16_000) for hertz in (300, 1000, 2500, 6000)]
    ).astype(np.float32)
    waveform = features(samples, FeatureSettings(kind="waveform"))
    found = np.asarray(FilterBank(160, 16_000)(waveform[None]))[0]  # (frames, filters)
    expected = features(samples, FeatureSettings(window=400, mels=80, f_max=7600))
    assert found.shape == (120, 80)
    for frame in (15, 45, 75, 105):
        assert abs(int(found[frame].argmax()) - int(expected[frame].argmax())) <= 1


def test_padding_stays_silent_behind_a_filter_bank(recipe):
    recipe = recipe.model_copy(update={"features": FeatureSettings(kind="waveform")})
    network = network_of(recipe)
    short = np.random.default_rng(1).normal(0, 0.1, (1, 32, 160)).astype(np.float32)
    longer = np.pad(short, ((0, 0), (0, 64), (0, 0)))
    np.testing.assert_allclose(network(short), np.asarray(network(longer))[:, :8], atol=1e-4)


def test_a_streaming_network_takes_no_waveform(recipe):
    update = {"features": FeatureSettings(kind="waveform"), "network": CausalSettings()}
    with pytest.raises(ConfigError, match="causal on a waveform"):
        network_of(recipe.model_copy(update=update))
