"""From nothing to an evaluated bundle, as `asr-train smoke` does it."""

import json
import shutil
from pathlib import Path

import pytest

from asr_training.settings import read_recipe
from asr_training.synthesise import HELD_OUT

spoken = pytest.mark.skipif(
    not (shutil.which("espeak-ng") or shutil.which("flite")), reason="neither espeak-ng nor flite is installed"
)
RECIPE = Path(__file__).parents[2] / "config" / "asr" / "smoke.yaml"


@spoken
def test_dev_is_spoken_by_voices_that_nothing_is_trained_on(tmp_path):
    from asr_training.smoke import SENTENCES, spoken_corpus

    lines = (spoken_corpus(tmp_path / "spoken", n_voices=1) / "manifest.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    voices = {split: {r["speaker"] for r in records if r["split"] == split} for split in ("train", "dev")}
    assert len(voices["train"]) == 1
    assert voices["dev"] <= HELD_OUT
    assert {record["text"] for record in records} == set(SENTENCES)
    assert all((tmp_path / "spoken" / record["audio"]).is_file() for record in records)


@spoken
@pytest.mark.training
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_ends_with_an_evaluated_bundle(tmp_path):
    pytest.importorskip("tensorflow", reason="needs the extra `train`")
    from asr_training.smoke import smoke
    from voice.models.bundle import load_bundle

    recipe = read_recipe(RECIPE)
    network = recipe.network.model_copy(update={"channels": 16, "blocks": 1, "stem": 4})
    schedule = recipe.schedule.model_copy(update={"steps": 8, "batch_seconds": 10.0})
    said = []
    small = recipe.model_copy(update={"network": network, "schedule": schedule})
    bundle = load_bundle(smoke(tmp_path, small, said.append, n_voices=1, threads=1), "asr")
    figures = {result.name: result for result in bundle.manifest.results}
    assert figures["greedy WER %"].n == sum(1 for line in lines(tmp_path) if line["split"] == "dev")
    assert any("greedy WER" in line for line in said)


def lines(work):
    return [json.loads(line) for line in (work / "data" / "spoken" / "manifest.jsonl").read_text().splitlines()]
