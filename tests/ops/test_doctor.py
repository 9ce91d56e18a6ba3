"""The doctor tells what is missing, and what to do."""

import asyncio
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.bus.brokers import Mosquitto, needs_mosquitto
from tests.bus.certificates import make_certificates
from voice.bus.broker import EmbeddedBroker
from voice.bus.settings import BrokerSettings
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


async def test_an_embedded_broker_answers() -> None:
    async with EmbeddedBroker(BrokerSettings(port=0)) as there:
        finding = await asyncio.to_thread(doctor.broker, there.settings)
    assert (finding.status, "without encryption" in finding.message) == ("ok", True)


def test_a_broker_that_is_not_there(nobody: tuple[str, int]) -> None:
    finding = doctor.broker(BrokerSettings(host=nobody[0], port=nobody[1]))
    assert finding.status == "fail"
    assert "can't be reached" in finding.message
    assert finding.fix


def test_a_port_that_answers_but_is_no_broker(listener: tuple[str, int]) -> None:
    finding = doctor.broker(BrokerSettings(host=listener[0], port=listener[1], timeout_s=0.2))
    assert finding.status == "fail"
    assert "does not answer as a broker does" in finding.message


@needs_mosquitto
@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({}, "ok", "over TLS as ear"),
        ({"password": "wrong"}, "fail", "the password is wrong"),
        ({"tls": False}, "fail", ""),
        ({"ca_file": "other.pem"}, "fail", "a certificate that we don't trust"),
    ],
)
async def test_the_broker_is_asked_with_tls_and_login_as_configured(changed, status, said, tmp_path: Path) -> None:
    keys = make_certificates(tmp_path)
    there = Mosquitto(tmp_path, users={"ear": "secret"}, tls=keys)
    await there.start()
    settings = {"port": there.port, "username": "ear", "password": "secret", "tls": True, "ca_file": "ca.pem"} | changed
    settings = BrokerSettings.model_validate({**settings, "ca_file": tmp_path / settings["ca_file"], "timeout_s": 2})
    finding = await asyncio.to_thread(doctor.broker, settings)
    await there.kill()
    assert (finding.status, said in finding.message) == (status, True), finding.message


@needs_mosquitto
async def test_a_broker_that_takes_anyone_beside_our_login_is_a_warning(tmp_path: Path) -> None:
    there = Mosquitto(tmp_path)
    await there.start()
    settings = BrokerSettings(port=there.port, username="ear", password=SecretStr("secret"))
    finding = await asyncio.to_thread(doctor.broker, settings)
    await there.kill()
    assert (finding.status, "anyone" in finding.message) == ("warn", True)


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
    assert (needs.broker.host, needs.broker.port, needs.broker.embedded) == ("127.0.0.1", 1883, True)


def test_only_a_failure_fails() -> None:
    ok, warn, fail = (doctor.Finding("x", status, "") for status in ("ok", "warn", "fail"))
    assert not doctor.failed([ok, warn])
    assert doctor.failed([ok, fail, warn])
