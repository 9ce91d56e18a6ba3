"""`voice intents`: what users and scripts see."""

import json
from pathlib import Path

import pytest

from voice.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    captured = capsys.readouterr()
    return left.value.code or 0, captured.out, captured.err


def test_check_prints_cost_and_conflicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.yaml"
    path.write_text("intents:\n  A: {data: [{sentences: [stop it]}]}\n  B: {data: [{sentences: ['stop [it]']}]}\n")
    code, out, _ = run(capsys, "intents", "check", str(path), "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["intents"] == facts["templates"] == 2
    assert facts["conflicts"] == [{"text": "stop it", "intents": ["A", "B"]}]
    assert "claimed by A, B" in run(capsys, "intents", "check", str(path))[1]


def test_import_writes_what_check_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ini, out = tmp_path / "sentences.ini", tmp_path / "out.yaml"
    ini.write_text("[Light]\nturn (on | off){state} the light\n")
    assert run(capsys, "intents", "import", str(ini), "--out", str(out))[0] == 0
    assert run(capsys, "intents", "check", str(out))[0] == 0
    assert run(capsys, "intents", "import", str(ini))[1] == out.read_text()


def test_a_wrong_template_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("intents:\n  A:\n    data:\n      - sentences: ['turn (on']\n")
    code, out, err = run(capsys, "intents", "check", str(path))
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "bad.yaml, line 4" in err
