"""What a part of a recipe is worth: one change a row, judged on the same utterances."""

import json
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs the extra `train`")
pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

from asr_training import language  # noqa: E402
from asr_training.ablation import AblationSettings, LanguageModels, ablate, figures, read_ablation, table  # noqa: E402
from asr_training.lm import Sizes, estimate  # noqa: E402
from voice.errors import ConfigError, DataError  # noqa: E402


def test_the_shipped_table_changes_one_thing_a_row():
    settings = read_ablation(Path("config/asr/ablation.yaml"))
    base, *rows = settings.recipes().values()
    assert len(rows) >= 5
    for row in rows:
        changed = [key for key, value in row.model_dump().items() if value != base.model_dump()[key]]
        assert len(changed) == 1


def test_a_wrong_row_is_named(tmp_path, recipe):
    settings = AblationSettings(base=recipe, rows={"louder": {"augment": {"gain": 3}}})
    with pytest.raises(ConfigError, match=r"row 'louder': augment\.gain: Extra inputs"):
        settings.recipes()
    (tmp_path / "a.yaml").write_text("rows: {}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml: base: Field required"):
        read_ablation(tmp_path / "a.yaml")


def test_every_row_is_trained_and_judged_once(cache, recipe, tmp_path):
    model = tmp_path / "words.bin"
    language.write(model, estimate(["on", "off", "go", "on", "off", "go"], Sizes(min_count=1)), [])
    settings = AblationSettings(base=recipe, rows={"no masks": {"augment": {"time_masks": 0}}}, utterances=4)
    lines = []
    page = ablate(settings, cache, tmp_path / "out", lines.append, models=LanguageModels(model), lexicon=None)
    assert page == (tmp_path / "out" / "ablation.md").read_text()
    assert "tones, dev, 4 utterances" in page
    assert {line.split(" | ")[1] for line in page.splitlines() if line.startswith("| no masks")} == {
        "best path", "lexicon alone", "lexicon and language model"
    }  # fmt: skip
    trained = len(lines)
    assert trained
    assert ablate(settings, cache, tmp_path / "out", lines.append, models=LanguageModels(model), lexicon=None) == page
    assert len(lines) == trained, "nothing is trained twice"
    scores = tmp_path / "out" / "base" / "scores.json"
    scores.write_text(json.dumps({"best path": ["on"] * 4}))
    assert ablate(settings, cache, tmp_path / "out", lines.append, models=LanguageModels(model), lexicon=None) == page
    assert len(lines) == trained, "a decoder that is new is asked; the weights are there"
    (tmp_path / "out" / "data.json").write_text("{}")
    with pytest.raises(DataError, match="made of other data than"):
        ablate(settings, cache, tmp_path / "out", lines.append, models=LanguageModels(model), lexicon=None)


def test_the_error_rate_over_hours_of_data_is_written_and_drawn(cache, recipe, tmp_path):
    rows = {"half": {"share": 0.5}, "half, no masks": {"share": 0.5, "augment": {"time_masks": 0}}}
    lines = []
    ablate(
        AblationSettings(base=recipe, rows=rows, utterances=4),
        cache,
        tmp_path,
        lines.append,
        models=LanguageModels(),
        lexicon=None,
    )
    found = json.loads((tmp_path / "ablation.json").read_text())
    train = cache.split("train")
    assert found["hours"]["base"] == pytest.approx(sum(u.seconds for u in train) / 3600, abs=1e-3)
    assert 0.4 < found["hours"]["half"] / found["hours"]["base"] < 0.75
    assert any(line.endswith(" 18 utterances") for line in lines), lines
    assert any(line.endswith(" 9 utterances") or line.endswith(" 10 utterances") for line in lines), lines
    assert {f["row"] for f in found["figures"]} == {"base", "half", "half, no masks"}
    assert found["figures"][0]["against_base"] is None
    assert found["figures"][1]["wer"]["low"] <= found["figures"][1]["wer"]["value"]
    assert (tmp_path / "hours.png").read_bytes().startswith(b"\x89PNG")


def test_the_difference_to_the_base_is_paired(cache):
    judged = cache.split("dev")
    right = [u.text for u in judged]
    page = table(figures({"base": {"d": right}, "deaf": {"d": [""] * len(right)}, "same": {"d": right}}, judged))
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert "100.0 % [100.0, 100.0] | +100.0 [+100.0, +100.0]" in rows["deaf"]
    assert "0.0 % [0.0, 0.0] | +0.0 [+0.0, +0.0]" in rows["same"]
    assert rows["base"].endswith("|  |")


def test_a_cache_without_dev_can_judge_nothing(cache, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(type(cache), "split", lambda self, name: [])
    settings = AblationSettings(base=recipe, rows={})
    with pytest.raises(DataError, match="no utterance in split dev"):
        ablate(settings, cache, tmp_path, lambda line: None, models=LanguageModels(), lexicon=None)
