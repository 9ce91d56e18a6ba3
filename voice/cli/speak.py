"""`voice say`: a text, aloud or in a file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from voice.cli.output import ConfigFile
from voice.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("say")(speak)


def speak(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a WAV file instead of playing it.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Say a text aloud."""
    from voice.audio.speaker import Speaker  # noqa: PLC0415 - numpy and PortAudio are slow to load
    from voice.config import load_config  # noqa: PLC0415
    from voice.speech.espeak import synthesise  # noqa: PLC0415

    if not text.strip():
        raise ConfigError("nothing to say", fix='give a text: voice say "hello"')
    settings = load_config(config).speech
    wav = asyncio.run(synthesise(text, settings.tts))
    if out is None:
        asyncio.run(Speaker(settings.speaker).play(wav))
        return
    try:
        out.write_bytes(wav)
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}", fix="choose another file") from error
