"""`voice devices` and `voice vad`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice.cli.output import AsJson, Files, emit, expand, for_each_file
from voice.errors import DeviceError

if TYPE_CHECKING:
    from voice.events import Chunk

_FRAME = 320  # samples; 20 ms


def register(app: typer.Typer) -> None:
    """Add this room's commands to `app`."""
    app.command("devices")(_devices)
    app.command("vad")(_vad)


def _devices(
    seconds: Annotated[float, typer.Option(min=0, max=60, help="How long to meter each input.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """List microphones and loudspeakers, and meter the microphones."""
    from voice.audio import portaudio  # noqa: PLC0415 - numpy and PortAudio are slow to load

    found = portaudio.devices()
    if not found:
        raise DeviceError("there is no audio device", fix="plug in a microphone, then run `voice devices` again")
    for device in found:
        record: dict[str, Any] = {
            "name": device.name,
            "inputs": device.inputs,
            "outputs": device.outputs,
            "rate": device.rate,
            "default_input": device.default_input,
            "default_output": device.default_output,
        }
        if device.inputs and seconds:
            record |= _meter(device, seconds)
        emit(record) if as_json else typer.echo(_line(record))


def _meter(device: Any, seconds: float) -> dict[str, Any]:
    """Record for `seconds`; return the level, or why there is none."""
    import numpy as np  # noqa: PLC0415

    from voice.audio import portaudio  # noqa: PLC0415
    from voice.audio.pcm import level_dbfs  # noqa: PLC0415

    blocks: list[Chunk] = []
    try:
        stream = portaudio.open_input(device, blocks.append, lambda: None)
    except DeviceError as error:
        return {"error": str(error)}
    deadline = time.monotonic() + seconds + 3  # some devices need two seconds to start
    while sum(len(block.samples) for block in blocks) < seconds * device.rate and time.monotonic() < deadline:
        time.sleep(0.05)
    stream.close()
    if not blocks:
        return {"error": "it delivers no audio"}
    return {"level_dbfs": round(level_dbfs(np.concatenate([block.samples for block in blocks])), 1)}


def _line(record: dict[str, Any]) -> str:
    marks = ", ".join(
        text
        for text, holds in (
            ("microphone", record["inputs"]),
            ("loudspeaker", record["outputs"]),
            ("default input", record["default_input"]),
            ("default output", record["default_output"]),
        )
        if holds
    )
    level = record.get("level_dbfs")
    if "error" in record:
        meter = f"  {record['error']}"
    elif level is None:
        meter = ""
    else:
        bar = "#" * max(0, round((level + 60) / 3))
        meter = f"  {level:6.1f} dBFS |{bar:<20.20}|"
    return f"{record['name']}  [{marks}; {record['rate']} Hz]{meter}"


def _vad(
    files: Files,
    *,
    as_json: AsJson = False,
) -> None:
    """Print where each recording holds speech, in seconds."""
    raise typer.Exit(for_each_file(expand(files), _speech, as_json=as_json))


def _speech(path: Path) -> Iterator[dict[str, Any]]:
    from voice.audio.files import read_audio  # noqa: PLC0415
    from voice.audio.rechunk import Rechunker  # noqa: PLC0415
    from voice.events import Chunk  # noqa: PLC0415
    from voice.models.vad import VadSettings, WebRtcVad  # noqa: PLC0415
    from voice.pipeline.segmenter import Segmenter, SegmenterSettings  # noqa: PLC0415

    samples = read_audio(path)
    vad, segmenter = WebRtcVad(VadSettings()), Segmenter(SegmenterSettings())
    segmenter.start(0)
    for frame in Rechunker(_FRAME).process(Chunk(samples, 0)):
        if segment := segmenter.process(frame, vad.process(frame)):
            yield from _record(path, segment)
            segmenter.start(frame.end)
    if segment := segmenter.stop("end_of_stream"):
        yield from _record(path, segment)


def _record(path: Path, segment: Any) -> Iterator[dict[str, Any]]:
    from voice.events import RATE  # noqa: PLC0415

    if segment.speech_start is not None:
        start, end = segment.speech_start / RATE, segment.speech_end / RATE
        yield {"file": str(path), "start": round(start, 2), "end": round(end, 2)}
