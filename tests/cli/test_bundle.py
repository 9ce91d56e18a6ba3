"""`voice bundle` and `voice doctor` as a person or a script meets them."""

import json
import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.models.conftest import NETWORKS, tiny_manifest
from voice.cli import bundle, doctor
from voice.errors import ConfigError
from voice.models.bundle import shipped_bundles, write_bundle


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    app = typer.Typer()
    bundle.register(app)
    doctor.register(app)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A whole bundle."""
    return str(write_bundle(tmp_path / "tiny", tiny_manifest(), (NETWORKS / "window.tflite").read_bytes()).folder)


def test_list_names_every_shipped_bundle() -> None:
    lines = [json.loads(line) for line in run("bundle", "list", "--json").stdout.splitlines()]
    assert [line["name"] for line in lines] == [path.name for path in shipped_bundles()]


def test_show_gives_the_manifest_as_json(folder: str) -> None:
    assert json.loads(run("bundle", "show", folder, "--json").stdout)["labels"] == ["_silence_", "_unknown_", "yes"]


def test_show_for_people_names_the_data_and_its_licence(folder: str) -> None:
    assert "none (CC0-1.0): nobody" in run("bundle", "show", folder).stdout


def test_verify_a_good_bundle(folder: str) -> None:
    result = run("bundle", "verify", folder, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["ok"] is True


def test_verify_goes_on_after_a_bad_one_and_exits_1(folder: str, tmp_path: Path) -> None:
    result = run("bundle", "verify", str(tmp_path / "none"), folder, "--json")
    assert result.exit_code == 1
    assert [json.loads(line)["ok"] for line in result.stdout.splitlines()] == [False, True]


def test_verify_finds_an_altered_network(folder: str) -> None:
    path = Path(folder, "model.tflite")
    path.write_bytes(path.read_bytes()[:-1])
    result = run("bundle", "verify", folder, "--json")
    assert result.exit_code == 1
    assert "checksum differs" in json.loads(result.stdout)["error"]


def test_doctor_writes_a_json_line_for_each_check() -> None:
    result = run("doctor", "--json", "--seconds", "0.1")
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"microphone", "broker", "espeak-ng", "loudspeaker"} <= {finding["name"] for finding in findings}
    assert result.exit_code == (1 if any(finding["status"] == "fail" for finding in findings) else 0)
    assert all(finding["fix"] for finding in findings if finding["status"] != "ok")


def test_doctor_says_what_to_do_about_a_dead_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = run("doctor", "--seconds", "0.1", "--broker", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"broker 127.0.0.1:{port} can't be reached" in result.stdout


def test_doctor_refuses_a_broker_without_a_port_number() -> None:
    assert isinstance(run("doctor", "--broker", "here:there").exception, ConfigError)
