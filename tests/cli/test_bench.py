"""`voice bench`."""

import json

from typer.testing import CliRunner

from voice.cli import build


def test_every_stage_is_timed():
    result = CliRunner().invoke(build(), ["bench", "--json"])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {"features", "command classifier", "recogniser", "grammar"} <= {line["stage"] for line in lines}
    for line in lines:
        assert set(line) == {"stage", "ms", "audio_ms", "rtf"}
        assert 0 < line["rtf"] < 1
