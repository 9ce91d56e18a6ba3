"""`voice run`, `voice demo` and `voice config`."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voice.cli.output import expand, say
from voice.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from voice.config import Config
    from voice.stages import AudioSource

_log = logging.getLogger(__name__)
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")]
Broker = Annotated[str | None, typer.Option(help="embedded, or HOST[:PORT] of one that exists.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(demo)
    app.command("config")(show_config)


def run(
    *,
    config: ConfigFile = None,
    source: Annotated[
        str, typer.Option("--input", help="auto, mic, FILE, or - for raw PCM on standard input.")
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
        asyncio.run(_listen(settings, source, realtime=not until_end))
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


def show_config(*, config: ConfigFile = None) -> None:
    """Print the whole configuration, defaults included, as YAML."""
    from voice.config import dump_config, load_config  # noqa: PLC0415

    sys.stdout.write(dump_config(load_config(config)))


def _settings(path: Path | None, broker: str | None) -> "Config":
    from voice.config import load_config  # noqa: PLC0415

    settings = load_config(path)
    return settings if broker is None else settings.model_copy(update={"broker": settings.broker.at(broker)})


def _has_microphone(settings: "Config") -> bool:
    from voice.audio.portaudio import choose, devices  # noqa: PLC0415

    try:
        choose(devices(), settings.microphone.device, "input")
    except DeviceError as error:
        say(f"No microphone ({error}).")
        say("Playing the shipped recordings through the same loop instead.")
        return False
    return True


def _open(settings: "Config", source: str, *, realtime: bool) -> "AudioSource":
    from voice.audio.files import FileSource  # noqa: PLC0415
    from voice.audio.microphone import MicrophoneSource  # noqa: PLC0415
    from voice.audio.source import PcmSource  # noqa: PLC0415

    if source in ("auto", "mic"):
        return MicrophoneSource(settings.microphone)
    if source == "-":
        return PcmSource(sys.stdin.buffer)
    files = expand([source])
    if not files:
        raise ConfigError(f"{source}: no audio in it", fix="give a file")
    return FileSource(files, realtime=realtime)


async def _listen(settings: "Config", source: str, *, realtime: bool) -> None:
    from voice.app import running  # noqa: PLC0415
    from voice.cli.view import LiveView  # noqa: PLC0415

    audio = _open(settings, source, realtime=realtime)
    view = LiveView()
    async with running(settings, watch=view.watch) as parts:
        with view.on(parts):
            await parts.assistant.run(audio)
