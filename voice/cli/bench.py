"""`voice bench`: what each stage of the loop costs on this machine."""

from pathlib import Path

import typer

from voice.cli.output import AsJson, ConfigFile, emit

_RECORDING = "kitchen_light.flac"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Time each stage on a shipped sentence: CPU time of one thread, and its proportion to real time.

    The figures of the documentation come from `make bench` in the repository.
    """
    from voice import demo  # noqa: PLC0415 - slow to import
    from voice.app import build_ears, build_understanding, sentences_of  # noqa: PLC0415
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.config import load_config  # noqa: PLC0415
    from voice.models.bundle import load_bundle  # noqa: PLC0415
    from voice.ops.bench import measure  # noqa: PLC0415

    settings = load_config(config)
    samples = read_audio(Path(demo.__file__).parent / _RECORDING)
    features = load_bundle(settings.models.asr, "asr").manifest.features
    brain = build_understanding(settings, sentences_of(settings))
    for timing in measure(samples, features, build_ears(settings), brain):
        if as_json:
            record = {"stage": timing.stage, "ms": round(timing.milliseconds, 3), "audio_ms": round(timing.audio_ms)}
            emit(record | {"rtf": round(timing.rtf, 6)})
        else:
            cost = f"{timing.milliseconds:8.2f} ms for {timing.audio_ms:5.0f} ms of audio"
            typer.echo(f"{timing.stage:<28}{cost}{100 * timing.rtf:8.2f} % of real time")
