"""A run whose labels are characters, exported by its phone head, and a training that begins with that bundle."""

from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the extra `train`")
pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training import checkpoint as checkpoints  # noqa: E402
from asr_training import g2p_lexicon  # noqa: E402
from asr_training.export import convert, export_run, write  # noqa: E402
from asr_training.g2p import GraphoneSizes  # noqa: E402
from asr_training.initial import initial_weights  # noqa: E402
from asr_training.models import build  # noqa: E402
from asr_training.models.causal import build_step  # noqa: E402
from asr_training.models.settings import CausalSettings  # noqa: E402
from asr_training.phones import PHONE_LABELS, Lexicon  # noqa: E402
from asr_training.settings import Recipe  # noqa: E402
from asr_training.train import Budget, train  # noqa: E402
from asr_training.trainer import network_of  # noqa: E402
from tests.asr_training.test_cli import call  # noqa: E402
from tests.decoding.pronounced import write_dictionary  # noqa: E402
from voice.decoding.pronounce import Pronunciations  # noqa: E402
from voice.errors import BundleError, DataError  # noqa: E402
from voice.models.backend import Network  # noqa: E402
from voice.models.bundle import Bundle  # noqa: E402


@pytest.fixture(scope="module")
def with_phones(recipe):
    """Two blocks, a phone head after the first."""
    return changed(recipe, blocks=2, phone_block=1)


@pytest.fixture(scope="module")
def run(cache, with_phones, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "d.dict").write_text("on AA1 N\noff AO1 F\ngo G OW1\n")
    train(cache, with_phones, folder, Budget(4), lambda line: None, lexicon=Lexicon(folder / "d.dict"))
    return folder


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    dictionary = write_dictionary(folder / "w.dict")
    g2p_lexicon.make(folder / "lexicon.bin", dictionary, sizes=GraphoneSizes(order=3), say=lambda line: None)
    return folder / "lexicon.bin"


@pytest.fixture(scope="module")
def bundle(cache, run, lexicon, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "phones"
    with pytest.MonkeyPatch.context() as patch:
        options = ("--cache", cache.folder, "--out", out, "--head", "phones", "--lexicon", lexicon)
        assert call(patch, "export", "--run", run, *options) == 0
    return Bundle(out)


def changed(recipe, **network):
    return Recipe.model_validate({**recipe.model_dump(), "network": {**recipe.network.model_dump(), **network}})


def whole_network(run, recipe):
    network = network_of(recipe.model_copy(update={"network": recipe.network.exact()}), batch_size=1)
    network.set_weights(checkpoints.load(run).averaged)
    return network


def test_the_bundle_gives_what_the_phone_head_gives(cache, run, with_phones, bundle):
    manifest = bundle.manifest
    assert manifest.labels == PHONE_LABELS
    assert manifest.decision.units == "phones"
    assert "phone CTC" in manifest.description
    assert '"units":"characters"' in manifest.training.recipe.replace(" ", "")
    assert Pronunciations(bundle.lexicon_path).ways("sheep") == (("SH", "IY", "P"),)
    features = np.zeros((1, 64, with_phones.features.bins), np.float32)
    features[0, :50] = cache.features(cache.split("dev")[0])[:50]
    expected = keras.ops.convert_to_numpy(whole_network(run, with_phones)(features, training=False)[1])
    found = Network(bundle.model_path).run(features)[0]
    assert found.shape == expected.shape
    assert np.mean(found.argmax(-1) == expected.argmax(-1)) > 0.9


def test_what_is_above_the_phone_head_is_left_out(cache, run, with_phones, bundle):
    assert bundle.manifest.training.parameters < export_run(run, with_phones, cache).parameters


def test_phones_need_a_lexicon_and_a_head(monkeypatch, capsys, cache, run, recipe, with_phones, tmp_path):
    export = ("export", "--run", run, "--cache", cache.folder, "--out", tmp_path / "none")
    assert call(monkeypatch, *export, "--head", "phones") == 1
    said = capsys.readouterr().err
    assert "the labels are phones, and there is no lexicon: give --lexicon" in said
    assert said.count("\n") == 1
    with pytest.raises(DataError, match="no phone head: train with `phone_block`"):
        export_run(run, recipe, cache, "phones")
    exported = export_run(run, with_phones, cache, "phones")
    with pytest.raises(BundleError, match="without a lexicon"):
        write(tmp_path / "none", exported, with_phones, cache, [])
    assert not (tmp_path / "none").exists()


def test_a_training_begins_with_the_blocks_below_the_head(run, with_phones, bundle):
    network = network_of(with_phones)
    fresh = network.get_layer("block1_norm").get_weights(), network.get_layer("labels").get_weights()
    _, line = initial_weights(network, with_phones, bundle.folder)
    assert "weights of phones; new: " in line
    donor = whole_network(run, with_phones)
    for name in ("stem0", "phones", "phone_norm"):
        for mine, trained in zip(
            network.get_layer(name).get_weights(), donor.get_layer(name).get_weights(), strict=True
        ):
            assert np.abs(mine - trained).max() <= 0.01 * max(1e-3, np.abs(trained).max())
    for before, layer in zip(fresh, ("block1_norm", "labels"), strict=True):
        for mine, old in zip(network.get_layer(layer).get_weights(), before, strict=True):
            np.testing.assert_array_equal(mine, old)


def test_a_training_of_phones_begins_with_the_whole_bundle(recipe, run, with_phones, bundle):
    wanted = recipe.model_copy(update={"units": "phones"})
    network = network_of(wanted)
    _, line = initial_weights(network, wanted, bundle.folder)
    assert "40 of 40 labels known" in line
    assert "new" not in line
    donor = whole_network(run, with_phones)
    for mine, theirs in (("labels", "phones"), ("norm", "phone_norm")):
        for one, other in zip(
            network.get_layer(mine).get_weights(), donor.get_layer(theirs).get_weights(), strict=True
        ):
            assert np.abs(one - other).max() <= 0.01 * max(1e-3, np.abs(other).max())


def test_a_stream_is_heard_in_phones():
    settings = CausalSettings(channels=32, blocks=2, phone_block=1, kernel=3, stem=4, dropout=0.0).exact()
    keras.utils.set_random_seed(3)
    whole = build(settings, 20, 5, n_phones=7, batch_size=1)
    step = build_step(whole, settings, phones=True)
    probe = np.random.default_rng(1).normal(-6, 2, (48, 20)).astype(np.float32)
    exported = convert(keras.Model(whole.input, whole.outputs[1]), probe, settings, step=step)
    assert exported.largest_difference < 1e-3, "whole and in steps, both as Keras has it"


def test_the_mean_of_a_run_and_the_one_it_went_on_from(cache, run, with_phones, tmp_path):
    """Halfway between two networks that differ in one weight lies neither's answer."""
    saved = checkpoints.load(run)
    other = tmp_path / "other"
    moved = [array + (0.5 if index == len(saved.averaged) - 1 else 0) for index, array in enumerate(saved.averaged)]
    checkpoints.save(other, replace(saved, averaged=moved))
    both = export_run(run, with_phones, cache, "phones", mean_with=[other])
    assert both.mean_of == (run.name, "other")
    answers = []
    for network in (export_run(run, with_phones, cache, "phones").float_network, both.float_network):
        path = tmp_path / "network.tflite"
        path.write_bytes(network)
        answers.append(Network(path).run(np.zeros((1, 64, 80), np.float32))[0])
    found = answers[1] - answers[0]
    np.testing.assert_allclose(found, np.broadcast_to(0.25, found.shape), atol=1e-4)


def test_another_network_has_no_mean_with_it(cache, run, with_phones, tmp_path):
    saved = checkpoints.load(run)
    checkpoints.save(tmp_path, replace(saved, averaged=saved.averaged[:-1]))
    with pytest.raises(DataError, match="another network than"):
        export_run(run, with_phones, cache, "phones", mean_with=[tmp_path])
