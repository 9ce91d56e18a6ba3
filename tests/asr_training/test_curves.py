"""The learning curve of runs."""

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from asr_training import curves
from asr_training.__main__ import app
from asr_training.curves import drawn, read_curve, write_hours
from asr_training.scoring import Rate
from voice.errors import DataError


def log(folder: Path, rows: list[dict[str, float]]) -> Path:
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_run_that_goes_on_from_another_goes_on_in_time(tmp_path: Path) -> None:
    first = log(
        tmp_path / "first",
        [
            {"step": 50, "epoch": 0, "seconds": 1800, "loss": 2.0},
            {"step": 100, "epoch": 1, "seconds": 3600, "CER": 50.0},
        ],
    )
    second = log(tmp_path / "second", [{"step": 50, "epoch": 0, "seconds": 1800, "loss": 1.0, "CER": 40.0}])
    curve = read_curve([first, second])
    assert curve.points == {"loss": [(0.5, 2.0), (1.5, 1.0)], "CER": [(1.0, 50.0), (1.5, 40.0)]}
    assert (curve.hours, curve.joints) == (1.5, (1.0,))
    left, right = drawn(curve).axes
    assert left.get_xlabel() == "hours of training"
    assert {line.get_label() for line in right.lines} == {"CER, dev, best path (right)"}
    done = CliRunner().invoke(
        app, ["curve", "--run", str(first), "--run", str(second), "--out", str(tmp_path / "c.png")]
    )
    assert done.exit_code == 0
    assert "1.50 h: CER 40, loss 1" in done.output
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_curve_over_hours_of_data_has_a_point_a_row_and_its_interval(tmp_path: Path, monkeypatch) -> None:
    drawings: list[Figure] = []
    monkeypatch.setattr(curves, "_save", lambda figure, path: drawings.append(figure))
    rows = [(8.0, 40.0), (2.0, 80.0), (4.0, 60.0)]
    points = [(hours, "words", "LibriSpeech", Rate(wer, wer - 2, wer + 3, 10)) for hours, wer in rows]
    write_hours(points, tmp_path / "hours.png")
    (axes,) = drawings[0].axes
    (line,) = (container.lines[0] for container in axes.containers)
    assert line.get_xydata().tolist() == [[2.0, 80.0], [4.0, 60.0], [8.0, 40.0]]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "4", "8"]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["LibriSpeech, words"]


def test_without_a_log_there_is_a_line_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"log\.jsonl: No such file"):
        read_curve([tmp_path])
    with pytest.raises(DataError, match="an empty log"):
        read_curve([log(tmp_path / "empty", [])])
