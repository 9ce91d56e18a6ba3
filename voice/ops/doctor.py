"""Look at everything the loop needs, and say for each thing whether it is there and what to do if not."""

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from voice.audio import portaudio
from voice.audio.pcm import level_dbfs
from voice.bus.mqtt import knock
from voice.bus.settings import BrokerSettings
from voice.config import Config
from voice.errors import BundleError, BusError, ConfigError, DeviceError, EarshotError
from voice.events import Chunk
from voice.models.bundle import load_bundle
from voice.models.probe import probe

Status = Literal["ok", "warn", "fail"]

QUIET_DBFS = -75.0
"""A room with people in it is louder than this; a microphone that is muted or turned down is not."""

_FIRST_AUDIO_SECONDS = 3.0  # PulseAudio takes more than one to start a stream
_TRY_SECONDS = 5.0  # longest wait for espeak-ng


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `warn` costs a feature; `fail` keeps the assistant from working."""

    name: str
    status: Status
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an assistant is configured to use."""

    microphone: str
    """Name of the input device; empty: the system's choice, or the shipped recordings where there is none."""
    loudspeaker: str
    """Name of the output device; empty: the system's choice."""
    broker: BrokerSettings
    """Where the broker is and how it is talked to, or where the embedded one will listen."""
    bundles: tuple[str, ...]
    """Names or folders of the models."""
    synthesiser: str
    """The program that speaks."""
    listen_seconds: float
    """How long the microphone's level is measured."""


def needs_of(config: Config, listen_seconds: float) -> Needs:
    """Return what a configuration uses."""
    models = config.models
    ours = (word.bundle for word in models.wake if word.engine == "earshot")
    return Needs(
        microphone=config.microphone.device,
        loudspeaker=config.speech.speaker.device,
        broker=config.broker,
        bundles=(*ours, *([models.commands] if models.commands else []), models.asr),
        synthesiser=config.speech.tts.program,
        listen_seconds=listen_seconds,
    )


def examine(needs: Needs) -> Iterator[Finding]:
    """Yield a finding for each check, in the order that sound takes through the assistant."""
    yield microphone(needs.microphone, needs.listen_seconds)
    yield from map(model, needs.bundles)
    ours = needs.broker
    yield free_port(ours.host, ours.port) if ours.embedded else broker(ours)
    yield espeak(needs.synthesiser)
    yield loudspeaker(needs.loudspeaker)


def microphone(wanted: str, seconds: float) -> Finding:
    """Open the microphone and measure its level for `seconds`."""
    try:
        device = portaudio.choose(portaudio.devices(rescan=True), wanted, "input")
        level = measure(device, seconds)
    except DeviceError as error:
        return _of("microphone", error, "fail" if wanted else "warn")
    if level is None:
        return Finding("microphone", "fail", f"{device.name} delivers no audio", "unplug it and plug it in again")
    if level < QUIET_DBFS:
        return Finding("microphone", "warn", f"{device.name} is at {level:.0f} dBFS", "unmute it or turn it up")
    return Finding("microphone", "ok", f"{device.name} at {level:.0f} dBFS")


def measure(device: portaudio.Device, seconds: float) -> float | None:
    """Return the level of an input device in dBFS; None where it delivers nothing.

    Raises:
        DeviceError: it can't be opened.
    """
    blocks: list[Chunk] = []
    heard = threading.Event()

    def keep(block: Chunk) -> None:
        blocks.append(block)
        heard.set()

    stream = portaudio.open_input(device, keep, heard.set)
    try:
        if heard.wait(_FIRST_AUDIO_SECONDS):
            time.sleep(seconds)
    finally:
        stream.close()
    return level_dbfs(np.concatenate([block.samples for block in blocks])) if blocks else None


def loudspeaker(wanted: str) -> Finding:
    """Look for the output device."""
    try:
        device = portaudio.choose(portaudio.devices(), wanted, "output")
    except DeviceError as error:
        return _of("loudspeaker", error, "fail" if wanted else "warn")
    return Finding("loudspeaker", "ok", device.name)


def model(name: str) -> Finding:
    """Verify a bundle and run it once."""
    try:
        bundle = load_bundle(name)
        result = probe(bundle)
    except BundleError as error:
        return _of(f"model {name}", error)
    share = f"{result.milliseconds:.1f} ms for {result.window_ms:.0f} ms of audio"
    return Finding(f"model {name}", "ok", f"{bundle.manifest.id} {bundle.manifest.version}, {share}")


def free_port(host: str, port: int) -> Finding:
    """Check that the embedded broker can listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((host, port))
        except OSError as error:
            problem = f"{host}:{port} can't be listened on ({error.strerror})"
            return Finding(
                "broker", "fail", problem, f"use the broker that runs there: voice run --broker {host}:{port}"
            )
    return Finding("broker", "ok", f"embedded, {host}:{port} is free")


def broker(settings: BrokerSettings) -> Finding:
    """Check that an external broker takes us, with TLS and login as configured, and whether it takes anyone."""
    try:
        asyncio.run(knock(settings))
    except (BusError, ConfigError) as error:
        return _of("broker", error)
    secured = "over TLS" if settings.tls else "without encryption"
    answers = f"{settings.address} takes us {secured}"
    if settings.username is None:
        return Finding("broker", "ok", answers)
    try:
        asyncio.run(knock(settings.model_copy(update={"username": None})))
    except BusError:
        return Finding("broker", "ok", f"{answers} as {settings.username}")
    return Finding("broker", "warn", f"{answers}, and anyone without a password", "set allow_anonymous false there")


def espeak(name: str = "espeak-ng") -> Finding:
    """Check that the synthesiser is installed and runs.

    Args:
        name: program or path.
    """
    program = shutil.which(name)
    if program is None:
        return Finding("espeak-ng", "fail", f"no {name}, so nothing can be said", "apt-get install espeak-ng")
    try:
        done = subprocess.run(  # noqa: S603 - the program that was configured
            [program, "--version"], capture_output=True, text=True, timeout=_TRY_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(
            "espeak-ng", "fail", f"{program} does not run ({error})", "apt-get install --reinstall espeak-ng"
        )
    return Finding("espeak-ng", "ok", done.stdout.split("Data at")[0].strip())


def failed(findings: Sequence[Finding]) -> bool:
    """Return True where something required is missing."""
    return any(finding.status == "fail" for finding in findings)


def _of(name: str, error: EarshotError, status: Status = "fail") -> Finding:
    return Finding(name, status, str(error).removesuffix(f": {error.fix}"), error.fix)
