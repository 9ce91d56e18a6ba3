"""What training does when it goes wrong, begins with other weights, or has company."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training import checkpoint as checkpoints  # noqa: E402
from asr_training.batches import make_batch  # noqa: E402
from asr_training.bundles import Companion  # noqa: E402
from asr_training.export import export_run, write  # noqa: E402
from asr_training.initial import initial_weights  # noqa: E402
from asr_training.phones import Lexicon  # noqa: E402
from asr_training.settings import Recipe  # noqa: E402
from asr_training.train import Budget, Trainer, dev_batches, dev_figures, network_of, train  # noqa: E402
from tests.decoding.pronounced import write_pronunciations  # noqa: E402
from voice.errors import DataError  # noqa: E402
from voice.models.bundle import load_bundle  # noqa: E402

ROOT = Path(__file__).parents[2]


def changed(recipe, network=None, schedule=None, **more):
    """Return the recipe with other settings, checked."""
    plain = recipe.model_dump()
    plain["network"] |= network or {}
    plain["schedule"] |= schedule or {}
    return Recipe.model_validate(plain | more)


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    path = tmp_path_factory.mktemp("lexicon") / "words.dict"
    path.write_text("on AA N\noff AO F\ngo G OW\n")
    return Lexicon(path)


@pytest.fixture(scope="module")
def run(cache, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    logged = changed(recipe, schedule={"evaluate_every": 2, "tensorboard": True, "snapshots": 2, "snapshot_every": 1})
    train(cache, logged, folder, Budget(4), lambda line: None)
    return folder


def test_the_run_is_logged_for_people_and_tensorboard(run):
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "WER" in line] == [2, 4, 4]
    (events,) = (run / "tensorboard").glob("events*")
    data = events.read_bytes()
    assert all(name in data for name in (b"loss", b"learning rate", b"dev WER"))


def test_the_last_snapshots_are_kept_and_averaged(cache, recipe, run):
    assert [path.name for path in sorted(run.glob("snapshot*"))] == ["snapshot-00000003.npz", "snapshot-00000004.npz"]
    mean = checkpoints.mean_of_snapshots(run)
    last = checkpoints.load(run).weights
    with np.load(run / "snapshot-00000003.npz") as stored:
        before = [stored[key] for key in sorted(stored.files)]
    for averaged, one, two in zip(mean, before, last, strict=True):
        np.testing.assert_allclose(averaged, (one + two) / 2, atol=1e-6)
    assert any((one != two).any() for one, two in zip(before, last, strict=True))


def test_no_snapshot_is_said(tmp_path):
    with pytest.raises(DataError, match="no snapshot"):
        checkpoints.mean_of_snapshots(tmp_path)
    (tmp_path / "snapshot-00000001.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match="not a snapshot"):
        checkpoints.mean_of_snapshots(tmp_path)


def test_a_loss_that_is_no_number_names_the_batch_and_leaves_the_checkpoint(cache, recipe, tmp_path):
    train(cache, recipe, tmp_path, Budget(1), lambda line: None)
    before = (tmp_path / checkpoints.FILE).read_bytes()
    wild = changed(recipe, schedule={"peak": 1e30, "warm_up": 0})
    with pytest.raises(DataError, match=r"the loss of batch \d+ of epoch \d+ \(step \d+: (on|off|go)"):
        train(cache, wild, tmp_path, Budget(50), lambda line: None)
    assert (tmp_path / checkpoints.FILE).read_bytes() == before


def test_a_full_disk_leaves_the_last_checkpoint_and_a_later_call_goes_on(cache, recipe, tmp_path):
    train(cache, recipe, tmp_path, Budget(1), lambda line: None)
    before = (tmp_path / checkpoints.FILE).read_bytes()
    part = tmp_path / f"{checkpoints.FILE}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"No space left on device: free disk space or choose another --run"):
        train(cache, recipe, tmp_path, Budget(3), lambda line: None)
    assert (tmp_path / checkpoints.FILE).read_bytes() == before
    part.unlink()
    train(cache, recipe, tmp_path, Budget(3), lambda line: None)
    assert checkpoints.load(tmp_path).position.step == 3


def test_weights_that_are_no_numbers_are_not_saved(recipe):
    trainer = Trainer(recipe)
    trainer.network.set_weights([np.full_like(weight, np.nan) for weight in trainer.network.get_weights()])
    with pytest.raises(DataError, match="a weight is no number after step 0"):
        trainer.snapshot()


def test_a_signal_ends_it_with_a_checkpoint(cache, recipe, tmp_path):
    said = []

    def say(line):
        said.append(line)
        if "parameters" in line:
            signal.raise_signal(signal.SIGUSR1)  # before the handlers are there
        if line.startswith("step 2 dev"):
            os.kill(os.getpid(), signal.SIGTERM)

    former = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        train(cache, changed(recipe, schedule={"evaluate_every": 2}), tmp_path, Budget(10), say)
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert any("the same command goes on" in line for line in said)
    assert checkpoints.load(tmp_path).position.step == 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_two_maskings_agree_more_with_training(cache, recipe):
    both = changed(recipe, schedule={"consistency": 0.5}, network={"inter_block": 1})
    trainer = Trainer(both)
    batch = make_batch(cache, cache.split("train")[:4], both, [1])
    assert len(batch.features) == 8
    assert (batch.features[:4] != batch.features[4:]).any()
    np.testing.assert_array_equal(batch.labels[:4], batch.labels[4:])
    losses = [trainer.learn(batch, 5e-3) for _ in range(8)]
    assert losses[-1] < losses[0]


def test_phones_can_be_the_labels(cache, recipe, lexicon, tmp_path):
    phones = changed(recipe, units="phones")
    with pytest.raises(DataError, match="the labels are phones, and there is no lexicon"):
        train(cache, phones, tmp_path, Budget(1), lambda line: None)
    said = []
    train(cache, phones, tmp_path, Budget(15), said.append, lexicon=lexicon)  # sure enough of itself for int8
    assert any("dev PER" in line for line in said)
    spoken = Companion(write_pronunciations(tmp_path / "lexicon.bin").read_bytes(), {"data": []})
    bundle = write(tmp_path / "bundle", export_run(tmp_path, phones, cache), phones, cache, [], lexicon=spoken)
    assert bundle.manifest.decision.units == "phones"
    assert bundle.manifest.labels[1:3] == ("AA", "AE")
    trainer = Trainer(phones, lexicon=lexicon)
    trainer.restore(checkpoints.load(tmp_path))
    figures, samples = dev_figures(trainer, dev_batches(cache, phones, 100.0, lexicon))
    assert set(figures) == {"PER"}
    assert {reference for reference, _ in samples} <= {"AA N", "AO F", "G OW"}


def test_what_can_not_be_written_in_the_labels_is_left_out(cache, recipe, tmp_path):
    said = []
    train(cache, changed(recipe, alphabet="nof"), tmp_path, Budget(1), said.append)
    assert said[0].endswith("label frames")
    assert said[1].endswith("12 utterances")  # `go` has no g
    with pytest.raises(DataError, match="no utterance can be written"):
        train(cache, changed(recipe, alphabet="xyz"), tmp_path / "none", Budget(1), lambda line: None)


def test_another_alphabet_takes_over_the_columns_of_the_labels_it_shares(recipe, run):
    wanted = changed(recipe, alphabet="ön fg")
    network, donor = network_of(wanted), network_of(recipe)
    donor.set_weights(checkpoints.load(run).averaged)
    fresh = network.get_layer("labels").get_weights()
    weights, line = initial_weights(network, wanted, run)
    assert "5 of 6 labels known" in line
    assert len(weights) == len(network.weights)
    theirs = donor.get_layer("labels").get_weights()
    for mine, old, other in zip(network.get_layer("labels").get_weights(), fresh, theirs, strict=True):
        by_label = mine.reshape(*mine.shape[:-1], 2, 6)  # two label frames of an encoder frame
        there = other.reshape(*other.shape[:-1], 2, len(recipe.labels))
        np.testing.assert_array_equal(by_label[..., 2], there[..., recipe.labels.index("n")])
        np.testing.assert_array_equal(by_label[..., 1], old.reshape(by_label.shape)[..., 1])  # ö is new
    stems = [model.get_layer("stem0").get_weights()[0] for model in (network, donor)]
    np.testing.assert_array_equal(*stems)


def test_a_bundle_gives_its_weights_back(cache, recipe, run, tmp_path):
    exported = export_run(run, recipe, cache)
    write(tmp_path / "bundle", exported, recipe, cache, [])
    network = network_of(recipe)
    _, line = initial_weights(network, recipe, tmp_path / "bundle")
    assert f"{network.count_params():,} weights" in line
    for mine, trained in zip(network.get_weights(), checkpoints.load(run).averaged, strict=True):
        assert np.abs(mine - trained).max() <= 0.01 * max(1e-3, np.abs(trained).max())


def test_the_shipped_bundle_gives_its_weights_back():
    bundle = load_bundle("asr-en")
    recipe = Recipe.model_validate(json.loads(bundle.manifest.training.recipe)[-1]["recipe"])
    network = network_of(recipe)
    _, line = initial_weights(network, recipe, bundle.folder)  # it checks that both hear the same
    assert line.endswith("weights of asr-en; new: norm, labels"), "the file holds the phones' head only"


def test_weights_of_another_network_or_of_nothing_are_refused(recipe, run, tmp_path):
    wider = changed(recipe, network={"channels": 40})
    with pytest.raises(DataError, match="of another network"):
        initial_weights(network_of(wider), wider, run)
    with pytest.raises(DataError, match="no run and no bundle"):
        initial_weights(network_of(recipe), recipe, tmp_path)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(cache, recipe, tmp_path):
    plain = changed(recipe, network={"dropout": 0.0})
    (tmp_path / "recipe.json").write_text(plain.model_dump_json())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"EARSHOT_TRAIN_KEY": "secret", "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("together.py")

    def start(run, *place):
        arguments = [cache.folder, tmp_path / "recipe.json", tmp_path / run, 4, *place]
        return subprocess.Popen([sys.executable, script, *map(str, arguments)], env=environment)

    processes = [start("two", 0, 2, port), start("two", 1, 2, port)]
    train(cache, plain, tmp_path / "one", Budget(4), lambda line: None)
    assert [process.wait(500) for process in processes] == [0, 0]
    one, two = checkpoints.load(tmp_path / "one"), checkpoints.load(tmp_path / "two")
    assert replace(one.position, seconds=0) == replace(two.position, seconds=0)
    begun, alone, together = (
        np.concatenate([weight.ravel() for weight in weights])
        for weights in (Trainer(plain).network.get_weights(), one.weights, two.weights)
    )
    # Adam turns a gradient that is nothing but rounding into a whole step, so single weights may differ.
    assert np.linalg.norm(together - alone) < 0.02 * np.linalg.norm(alone - begun)
