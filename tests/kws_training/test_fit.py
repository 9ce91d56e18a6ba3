"""The training loop: interrupted, resumed, stopped, spoiled."""

import json
import os
import resource
import select
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voice.errors import ConfigError, DataError

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import tiny

    return tiny


def interrupted(tiny, folder, settings, *numbers):
    """Train with an interruption in front of each of some batches; then to the end."""
    for wanted in numbers:

        def maker(wanted=wanted):
            def make(number):
                if number == wanted:
                    raise KeyboardInterrupt
                return tiny.batch(number)

            return make

        with pytest.raises(KeyboardInterrupt):
            tiny.train(folder, settings, maker)
    return tiny.train(folder, settings)


SCHEDULES = {
    "cosine": {},
    "step": {"schedule": "step", "falls": ((8, 0.5), (16, 0.1)), "kind": "sgd", "nesterov": True},
    "plateau": {"schedule": "plateau", "plateau_epochs": 1, "stop_epochs": 3, "kind": "adam", "steps": 80},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_an_interrupted_training_goes_on_to_the_same_numbers(tiny, tmp_path, capsys, name):
    settings = tiny.SETTINGS.model_copy(update=SCHEDULES[name])
    whole = tiny.train(tmp_path / "whole", settings)
    resumed = interrupted(tiny, tmp_path / "resumed", settings, 6, 13)
    assert "goes on after epoch 1" in (said := capsys.readouterr().err)
    assert "interrupted in epoch 4; the same command goes on after epoch 3" in said
    for mine, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert np.array_equal(mine, other)
    logs = [(tmp_path / run / "log.jsonl").read_text() for run in ("whole", "resumed")]
    states = [(tmp_path / run / "state.json").read_text() for run in ("whole", "resumed")]
    assert logs[0] == logs[1]
    assert states[0] == states[1]


def test_it_learns_and_keeps_one_checkpoint_and_the_best(tiny, tmp_path):
    model = tiny.train(tmp_path, tiny.SETTINGS.model_copy(update={"steps": 160, "mixup": 0.0}))
    x, y = tiny.batch(2000)
    assert (np.asarray(model(x)).argmax(1) == y.argmax(1)).mean() > 0.7
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best.keras", "epoch-40.keras", "log.jsonl", "state.json"]
    best = max(json.loads(line)["val_labels"] for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert json.loads((tmp_path / "state.json").read_text())["best"] == best


def test_the_mean_of_the_weights_is_validated_and_kept_and_training_goes_on_without_it(tiny, tmp_path):
    import keras

    settings = tiny.SETTINGS.model_copy(update={"steps": 4, "keep": "last"})
    best = tiny.train(tmp_path, settings)
    last = keras.models.load_model(tmp_path / "epoch-1.keras")
    means = last.optimizer._model_variables_moving_average
    for kept, weight, mean in zip(best.trainable_variables, last.trainable_variables, means, strict=True):
        assert np.array_equal(np.asarray(kept), np.asarray(mean))
        assert not np.array_equal(np.asarray(weight), np.asarray(mean))


def test_a_plateau_lowers_the_rate_and_patience_ends_the_training(tiny, tmp_path):
    settings = tiny.SETTINGS.model_copy(update={**SCHEDULES["plateau"], "peak_rate": 1e-9, "warmup_steps": 0})
    tiny.train(tmp_path, settings)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["rate"] for line in log] == pytest.approx([1e-9, 1e-9, 0.5e-9, 0.25e-9])
    assert len(log) == 4  # the first is the best; three more are the patience


def test_a_loss_that_is_no_number_names_the_batch(tiny, tmp_path):
    def maker():
        def make(number):
            x, y = tiny.batch(number)
            return (np.full_like(x, np.nan), y) if number == 9 else (x, y)

        return make

    with pytest.raises(DataError, match="the loss of batch 9 is nan"):
        tiny.train(tmp_path, tiny.SETTINGS.model_copy(update={"mixup": 0.0}), maker)
    assert json.loads((tmp_path / "state.json").read_text())["epoch"] == 2


def test_a_full_disk_leaves_the_last_good_checkpoint(tiny, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def maker():
        def make(number):
            if number == 8:  # of the third epoch
                resource.setrlimit(resource.RLIMIT_FSIZE, (9000, limits[1]))
            return tiny.batch(number)

        return make

    try:
        with pytest.raises(DataError, match=r"epoch-3\.keras: .*: free disk space") as caught:
            tiny.train(tmp_path / "run", maker=maker)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in (tmp_path / "run").glob("*.keras")) == ["best.keras", "epoch-2.keras"]
    whole = tiny.train(tmp_path / "whole")
    for mine, other in zip(whole.get_weights(), tiny.train(tmp_path / "run").get_weights(), strict=True):
        assert np.array_equal(mine, other)


def test_another_recipe_in_the_same_folder_is_refused(tiny, tmp_path):
    tiny.train(tmp_path, tiny.SETTINGS.model_copy(update={"steps": 4}))
    with pytest.raises(ConfigError, match=r"begun with optimiser\.peak_rate 0\.03, the recipe has 0\.02"):
        tiny.train(tmp_path, tiny.SETTINGS.model_copy(update={"steps": 4, "peak_rate": 0.02}))


def test_event_files_hold_the_figures(tiny, tmp_path):
    import tensorflow as tf

    tiny.train(tmp_path, tiny.SETTINGS.model_copy(update={"steps": 8, "tensorboard": True}))
    [path] = (tmp_path / "tensorboard").iterdir()
    records = tf.compat.v1.io.tf_record_iterator(str(path))
    values = [value for record in records for value in tf.compat.v1.Event.FromString(record).summary.value]
    found = [float(tf.make_ndarray(value.tensor)) for value in values if value.tag == "val_labels"]
    logged = [json.loads(line)["val_labels"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert found == pytest.approx(logged)


def test_two_processes_train_one_network(tiny, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = str(Path(tiny.__file__))
    environment = os.environ | {"EARSHOT_TRAIN_KEY": "secret", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def start(*arguments):
        return subprocess.Popen([sys.executable, script, *map(str, arguments)], env=environment)

    leader = start(tmp_path / "two", 0, 2, port)
    follower = start(tmp_path / "two", 1, 2, port)
    assert (leader.wait(120), follower.wait(120)) == (0, 0)
    assert start(tmp_path / "one").wait(120) == 0
    logs = [(tmp_path / run / "log.jsonl").read_text().splitlines() for run in ("one", "two")]
    for alone, together in zip(*(map(json.loads, log) for log in logs), strict=True):
        assert together["val_loss"] == pytest.approx(alone["val_loss"], abs=1e-4)
        assert together["val_labels"] == alone["val_labels"]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_train_and_tensorflow_reads_their_file(tiny, tmp_path, backend):
    pytest.importorskip(backend, reason=f"needs {backend}")
    import keras

    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, tiny.__file__, str(tmp_path)], env=environment, check=True, timeout=240)
    model = keras.models.load_model(tmp_path / "best.keras", compile=False)
    x, y = tiny.batch(1000)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    right = (np.asarray(model(x)).argmax(1) == y.argmax(1)).mean()
    assert right == pytest.approx(max(line["val_labels"] for line in log))
    assert log[-1]["val_loss"] < log[0]["val_loss"]


def test_event_files_of_another_backend_are_refused_in_one_line(tmp_path, monkeypatch):
    import keras

    from kws_training.progress import Events

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match="TensorBoard logs need the TensorFlow backend, this is jax"):
        Events(tmp_path)


def test_the_process_that_makes_batches_ends_with_a_training_that_is_killed(tmp_path):
    code = (
        "import os, sys\n"
        "from kws_training.feed import Feed\n"
        "from tests.kws_training.test_fit import process_ids\n"
        "if __name__ == '__main__':\n"
        "    feed = Feed(process_ids, 1)\n"
        "    print(next(feed.batches(0, 5)), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    script = tmp_path / "training.py"
    script.write_text(code, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as training:
        maker = int(training.stdout.readline())
        ended = os.pidfd_open(maker)
        training.kill()
    readable, _, _ = select.select([ended], [], [], 20)
    os.close(ended)
    assert readable


def process_ids():
    """Return a maker whose batches are the number of its process."""
    return lambda number: os.getpid()
