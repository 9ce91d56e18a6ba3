"""`voice run`, `voice demo` and `voice config`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice.cli.output import AsJson, ConfigFile, emit, expand, say
from voice.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from voice.config import Config
    from voice.stages import AudioSource

Broker = Annotated[
    str | None, typer.Option(metavar="embedded|HOST[:PORT]", help="Which broker, instead of the configured one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(demo)
    app.command("config")(show_config)


def run(
    *,
    config: ConfigFile = None,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="auto|mic|hermes|FILE|-",
            help="hermes: another device's audioFrame messages; FILE: also a folder; -: raw 16 kHz S16LE mono.",
        ),
    ] = "auto",
    broker: Broker = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Play files as fast as they can be heard, then end.")
    ] = False,
) -> None:
    """Listen. Without a microphone, play the shipped recordings through the same loop."""
    settings = _settings(config, broker)
    if source == "auto" and not _has_microphone(settings):
        from voice.cli.demo import play_demo  # noqa: PLC0415 - slow to import

        raise typer.Exit(asyncio.run(play_demo(settings, say)))
    try:
        asyncio.run(_listen(settings, _open(settings, source, realtime=not until_end)))
    except KeyboardInterrupt:
        say("stopped")


def demo(
    *,
    config: ConfigFile = None,
    broker: Broker = None,
    speed: Annotated[float, typer.Option(min=0.1, max=20, help="1 is real time.")] = 1.0,
) -> None:
    """Play the shipped recordings through the live chain; exit 0 only if every expectation held."""
    from voice.cli.demo import play_demo  # noqa: PLC0415

    raise typer.Exit(asyncio.run(play_demo(_settings(config, broker), say, speed=speed)))


def show_config(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the whole configuration, defaults included, as YAML."""
    from voice.config import dump_config, load_config  # noqa: PLC0415

    settings = load_config(config)
    emit(settings.model_dump(mode="json")) if as_json else sys.stdout.write(dump_config(settings))


def _settings(path: Path | None, broker: str | None) -> "Config":
    from voice.config import load_config  # noqa: PLC0415

    settings = load_config(path)
    return settings if broker is None else settings.model_copy(update={"broker": settings.broker.at(broker)})


def _has_microphone(settings: "Config") -> bool:
    """Return whether there is a microphone.

    Raises:
        DeviceError: the configuration names one that isn't there; playing something else would hide that.
    """
    from voice.audio.microphone import find_microphone  # noqa: PLC0415

    try:
        find_microphone(settings.microphone)
    except DeviceError as error:
        if settings.microphone.device:
            raise
        say(f"No microphone ({error}).")
        say("Playing the shipped recordings through the same loop instead.")
        return False
    return True


def _open(settings: "Config", source: str, *, realtime: bool) -> "AudioSource | None":
    """Return the source, None for Hermes frames; what can't be read is said here, before anything is started.

    Raises:
        AudioError: a file is missing or no recording, or the microphone isn't there.
        ConfigError: a folder without recordings, or a list that can't be read.
    """
    from voice.audio.files import FileSource, check_audio  # noqa: PLC0415
    from voice.audio.microphone import MicrophoneSource, find_microphone  # noqa: PLC0415
    from voice.audio.source import PcmSource  # noqa: PLC0415

    if source == "hermes":
        return None
    if source in ("auto", "mic"):
        find_microphone(settings.microphone)
        return MicrophoneSource(settings.microphone)
    if source == "-":
        if sys.stdin is None:
            raise ConfigError("standard input is closed", fix="pipe raw 16 kHz S16LE mono into it")
        return PcmSource(sys.stdin.buffer)
    files = expand([source])
    for file in files:
        check_audio(file)
    return FileSource(files, realtime=realtime)


async def _listen(settings: "Config", audio: "AudioSource | None") -> None:
    from voice.audio.microphone import MicrophoneSource  # noqa: PLC0415

    try:
        if isinstance(audio, MicrophoneSource):
            await audio.open()  # it starts while the models load
        await _run(settings, audio)
    finally:
        if audio is not None:
            await audio.close()


async def _run(settings: "Config", audio: "AudioSource | None") -> None:
    from voice.app import running  # noqa: PLC0415
    from voice.cli.view import LiveView  # noqa: PLC0415

    view = LiveView()
    async with running(settings, watch=view.watch, state=settings.skills.state_folder()) as parts:
        with view.on(parts):
            await parts.run(audio)
