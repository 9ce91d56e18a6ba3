"""`kws-train train` as a process: Ctrl-C and the same command again; two workers."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RECIPE = """
image_share: 0.0
network: {stem_channels: 8, stem_stride: 4, stem_kernel: 8, blocks: [[8, 5, 1]], head_channels: 8, causal: true}
optimiser: {steps: 40, steps_per_epoch: 5, batch: 16, warmup_steps: 4, ema: 0.8, mixup: 0.2}
"""


@pytest.fixture
def command(tree, prepared, tmp_path):
    """Return a function that starts the training in a folder, its standard error to be read."""
    data = tree().words(("left", "stop", "happy")).noise().root
    _, work = prepared(data, labels=("left", "stop"), split="speaker")
    (tmp_path / "tiny.yaml").write_text(RECIPE)

    def start(run, *more):
        arguments = ["train", tmp_path / "tiny.yaml", "--work", work, "--run", tmp_path / run, "--threads", 1, *more]
        command = [sys.executable, "-m", "kws_training", *map(str, arguments)]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)

    return start


def weights(folder):
    import keras

    return keras.models.load_model(folder / "best.keras", compile=False).get_weights()


def test_control_c_says_where_it_goes_on_and_the_same_command_ends_with_the_same_numbers(command, tmp_path):
    process = command("stopped")
    for line in process.stderr:
        if line.startswith("epoch 2:"):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, the processes that make batches included
            break
    rest = process.stderr.read()
    assert process.wait(60) == 130
    assert "the same command goes on after epoch " in rest
    assert "Traceback" not in rest
    again = command("stopped").communicate()[1]
    assert "goes on after epoch " in again
    command("whole").communicate()
    logs = [(tmp_path / run / "log.jsonl").read_text() for run in ("stopped", "whole")]
    assert logs[0] == logs[1]
    for mine, other in zip(weights(tmp_path / "stopped"), weights(tmp_path / "whole"), strict=True):
        assert np.array_equal(mine, other)


def test_two_workers_train_one_network(command, tmp_path):
    process = command("two", "--workers", 2)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    assert json.loads((tmp_path / "two" / "state.json").read_text())["epoch"] == 8
    assert said.count("epoch 8:") == 1
    assert (tmp_path / "two" / "decision.json").exists()
