"""The doctor tells what is missing, and what to do."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from voice.config import Config
from voice.models.bundle import shipped_bundles
from voice.ops import doctor


@pytest.fixture
def listener() -> Iterator[tuple[str, int]]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.fixture
def nobody() -> tuple[str, int]:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address: tuple[str, int] = server.getsockname()
    return address


def test_a_broker_that_answers(listener: tuple[str, int]) -> None:
    assert doctor.broker(*listener).status == "ok"


def test_a_broker_that_does_not(nobody: tuple[str, int]) -> None:
    finding = doctor.broker(*nobody)
    assert finding.status == "fail"
    assert "does not answer" in finding.message
    assert finding.fix


def test_a_free_port(nobody: tuple[str, int]) -> None:
    assert doctor.free_port(*nobody).status == "ok"


def test_a_port_in_use_proposes_the_broker_there(listener: tuple[str, int]) -> None:
    finding = doctor.free_port(*listener)
    assert finding.status == "fail"
    assert finding.fix == f"use the broker that runs there: voice run --broker {listener[0]}:{listener[1]}"


def test_a_missing_model_is_a_failure_in_one_line() -> None:
    finding = doctor.model("no-such-bundle")
    assert finding.status == "fail"
    assert "\n" not in finding.message


@pytest.mark.parametrize("path", shipped_bundles(), ids=lambda path: path.name)
def test_the_shipped_models_run(path: Path) -> None:
    assert doctor.model(path.name).status == "ok"


def test_a_microphone_that_is_named_but_not_there_is_a_failure() -> None:
    finding = doctor.microphone("a microphone that nobody owns", 0.0)
    assert finding.status == "fail"
    assert finding.fix


def test_no_espeak_names_the_package() -> None:
    finding = doctor.espeak("no-such-program")
    assert finding.status == "fail"
    assert "apt-get install espeak-ng" in finding.fix


def test_an_espeak_that_does_not_run(tmp_path: Path) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    finding = doctor.espeak(str(program))
    assert finding.status == "fail"
    assert "does not run" in finding.message


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_an_espeak_that_runs_gives_its_version() -> None:
    assert "eSpeak NG" in doctor.espeak().message


def test_the_default_configuration_names_everything() -> None:
    needs = doctor.needs_of(Config(), 0.1)
    assert needs.bundles == ("computer", "commands-en", "asr-en")
    assert (needs.host, needs.port, needs.embedded) == ("127.0.0.1", 1883, True)


def test_only_a_failure_fails() -> None:
    ok, warn, fail = (doctor.Finding("x", status, "") for status in ("ok", "warn", "fail"))
    assert not doctor.failed([ok, warn])
    assert doctor.failed([ok, fail, warn])
