"""Networks trained and measured under one protocol, on tones."""

import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from kws_training.benchmark_tables import line, markdown
from kws_training.settings import CommandsRecipe, OptimiserSettings, read_recipe, with_steps
from voice.errors import ConfigError

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]

TINY = "separable:stem_channels=8:blocks=[[8, 5, 2], [8, 5, 1]]:head_channels=8"
OTHER = "separable:stem_channels=8:blocks=[[8, 5, 4]]"
ROW = {
    "model": "a", "pretrained": False, "total_parameters": 1100, "parameters": 1000, "fixed_parameters": 100,
    "multiplies": 2_500_000, "train_accuracy": 0.91, "train_loss": 0.3, "validation_accuracy": 0.9,
    "validation_loss": 0.4, "test_accuracy": 0.875, "test_low": 0.8, "test_high": 0.93, "test_clips": 80,
    "seconds": 12.0, "epochs": 3, "first_train_accuracy": 0.5, "first_train_loss": 1.0,
    "first_validation_accuracy": 0.4, "first_validation_loss": 1.5, "litert_bytes": 8000, "litert_ms": 0.02,
}  # fmt: skip


def test_models_are_named_with_their_settings():
    from kws_training.benchmark import from_models

    base = CommandsRecipe(optimiser=OptimiserSettings(steps=7))
    wide, narrow = from_models("bc_resnet:tau=2:sub_bands=1, separable", base)
    assert (wide.recipe.network.kind, wide.recipe.network.tau, wide.recipe.network.sub_bands) == ("bc_resnet", 2, 1)
    assert (narrow.name, narrow.recipe.network.kind, narrow.recipe.optimiser.steps) == ("separable", "separable", 7)
    for wrong in ("perceptron", "bc_resnet:tau", "bc_resnet:width=3", "bc_resnet:tau=wide"):
        with pytest.raises(ConfigError, match=f"--models {wrong}"):
            from_models(wrong, base)
    with pytest.raises(ConfigError, match="no such network: did you mean 'BC-ResNet-1'"):
        from_models("BC-Resnet1", base)
    with pytest.raises(ConfigError, match=r"no such network: one of Att-RNN, .*, zoo"):
        from_models("perceptron", base)


def test_every_network_of_the_sets_is_one_of_the_zoo():
    from kws_training.benchmark import SETS, _pretrained, from_models

    [small] = from_models("bc-resnet-1.5:dropout=0", CommandsRecipe())
    assert (small.recipe.network.tau, small.recipe.network.dropout) == (1.5, 0)
    narrow, wide = from_models("m5,M5", CommandsRecipe())  # a kind with its defaults, and the paper's
    assert narrow.recipe.network.channels[0] < wide.recipe.network.channels[0]
    every = from_models("zoo,predecessors", CommandsRecipe())
    assert len({entry.name for entry in every}) == len(every) == 30
    assert {entry.recipe.network.input.kind for entry in every} == {"logmel", "samples"}
    assert [_pretrained(entry.recipe) for entry in every].count(True) == 3
    small = from_models("small", CommandsRecipe())
    assert {entry.recipe.network.input.kind for entry in small} == {"logmel", "samples"}
    assert {*SETS} == {"zoo", "predecessors", "small"}


def test_another_length_keeps_the_proportions():
    settings = OptimiserSettings(
        steps=1000, warmup_steps=100, steps_per_epoch=100, ema=0.99, falls=((500, 0.1), (750, 0.01))
    )
    base = CommandsRecipe(optimiser=settings)
    shorter = with_steps(base, 80).optimiser
    assert (shorter.steps, shorter.warmup_steps, shorter.steps_per_epoch) == (80, 8, 10)
    assert shorter.falls == ((40, 0.1), (60, 0.01))
    assert shorter.ema == pytest.approx(1 - 0.01 / 0.08)
    assert with_steps(base, 2000).optimiser.ema == 0.99


def test_the_tables_of_the_predecessors_and_more():
    rows = [
        ROW,
        {**ROW, "model": "b", "pretrained": True, "test_accuracy": 0.9},
        {"model": "c", "failed": "no weights"},
    ]
    text = markdown(rows, "One protocol.")
    assert "| a | 1,100 | 1,000 | 100 | 2.50 M |" in text
    assert "| a | 0.9100 | 0.3000 | 0.9000 | 0.4000 | 3 | 12.0 |" in text
    assert "| b, pretrained | 0.5000 | 1.0000 | 0.4000 | 1.5000 |" in text
    assert "| a | 87.5 % | 80.0 to 93.0, 80 clips | 8 kB | 0.020 ms |" in text
    assert "- c: no weights" in text
    assert text.index("from scratch: first epoch") < text.index("pre-trained weights\n")
    assert (
        line(ROW)
        == "a: 1,000 parameters, 2.50 M multiplies, validation 90.0 %, test 87.5 %, 3 epochs in 12 s, 8 kB, 0.020 ms"
    )
    assert line(rows[2]) == "c: failed: no weights"


@pytest.fixture
def work(tree, prepared):
    data = tree().words(("lights", "music", "timer")).noise()
    return prepared(data.root, labels="lights,music", silence=True)[1]


def entries(tmp_path, models, n_steps=16):
    """What `kws-train benchmark --models` trains; the command itself can't run twice in a process (threads)."""
    from kws_training.benchmark import from_models

    recipe = tmp_path / "base.yaml"
    recipe.write_text("optimiser: {batch: 16, warmup_steps: 4, peak_rate: 0.01, ema: 0.5}\n")
    return from_models(models, with_steps(read_recipe(recipe, CommandsRecipe), n_steps))


@pytest.mark.slow
def test_what_is_finished_is_not_trained_again(work, tmp_path):
    from kws_training.benchmark import benchmark, histories, protocol
    from kws_training.benchmark_tables import write_tables

    out, told = tmp_path / "out", []
    [first] = benchmark(entries(tmp_path, TINY), work, out, told.append)
    assert told == [first]
    assert first["parameters"] + first["fixed_parameters"] == first["total_parameters"]
    assert first["epochs"] == 8
    assert first["litert_bytes"] > first["parameters"] * 4
    assert first["litert_ms"] > 0
    assert 0 <= first["test_low"] <= first["test_accuracy"] <= first["test_high"] <= 1
    both = entries(tmp_path, f"{TINY}, {OTHER}")
    again, other = rows = benchmark(both, work, out, told.append)
    assert again == first  # to the millisecond: it was not run again
    assert other["model"] == OTHER
    wrote = write_tables(out, rows, histories(both, out), protocol(work, both))
    assert "16 steps of 16 clips" in wrote.read_text()
    assert json.loads((out / "benchmark.json").read_text()) == rows
    with (out / "benchmark.csv").open(newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == [TINY, OTHER]
    assert {path.name for path in out.glob("*.png")} == {"accuracy.png", "epochs.png"}
    changed, kept = benchmark([*entries(tmp_path, TINY, 8), both[1]], work, out, told.append)
    assert "another recipe" in changed["failed"]  # it is told, and the others go on
    assert kept == other


def test_nothing_to_train(work, kws_train, tmp_path):
    status, _, said = kws_train("benchmark", "--work", work, "--out", tmp_path / "out")
    assert status == 2
    assert "--models" in said


@pytest.mark.slow
def test_what_is_interrupted_has_tables_of_what_it_measured(work, tmp_path):
    (tmp_path / "base.yaml").write_text("optimiser: {batch: 16, steps: 8, warmup_steps: 2, ema: 0.5}\n")
    long = f"{OTHER}:dropout=0.3"
    arguments = ["--models", f"{TINY}, {long}", "--recipe", tmp_path / "base.yaml", "--work", work, "--steps", "64"]
    command = [sys.executable, "-m", "kws_training", "benchmark", *map(str, arguments), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert any(line.startswith(TINY) for line in process.stdout)  # the first is finished
    # Between two trainings Keras collects its garbage, and an interruption inside a destructor is lost.
    assert any(line.startswith("epoch 1:") for line in process.stdout)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    with (tmp_path / "out" / "benchmark.csv").open(newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == [TINY]
